"""restock decides what an online shop reorders, every day and for every product.

The rooms of the house, from the ground up: ``problem`` (what is given), ``records`` (what was
recorded), ``demand`` (what the world asks), ``forecasting`` (what we believe), ``simulation``
(what happens), ``optimality`` (the best possible), ``policies`` (what we decide), ``evaluation``
(how good it was), ``learning`` (how we get better), ``explanation`` (why), ``planning`` (today's
list), ``reporting`` (what it looks like) and ``cli`` (the door). Imports go down only.
"""

__all__ = ["__version__"]

__version__ = "0.3.0"
