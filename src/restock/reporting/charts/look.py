"""The look that all charts share: colours, margins, axes without junk.

Colours follow Okabe and Ito (Color Universal Design, 2008), which colour-blind readers tell apart;
the blue is a little lighter, to be seen on dark pages too. Text and grid colours are left to the
page, which sets them for light, dark and print.
"""

import textwrap
from typing import Any

import plotly.graph_objects as go

from restock.planning import LEARNED

__all__ = [
    "LEARNED_COLOUR",
    "OTHER",
    "PLUS",
    "REFERENCE_COLOUR",
    "axis",
    "figure",
    "padded",
    "rule_colour",
    "wrapped",
]

LEARNED_COLOUR = "#1B86C8"
REFERENCE_COLOUR = "#E69F00"
OTHER = "#8A94A3"
PLUS = "#56B4E9"


def figure(height: int, **layout: Any) -> go.Figure:  # noqa: ANN401
    """Return an empty figure, ``height`` pixels high and as wide as its place on the page."""
    margin = {"l": 8, "r": 16, "t": 8, "b": 8, **layout.pop("margin", {})}
    settings = {
        "height": height,
        "margin": margin,
        "font": {"size": 13},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "separators": ".,",
    }
    return go.Figure(layout={**settings, **layout})


def axis(title: str = "", **settings: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an axis that cannot be dragged, with room for its labels."""
    plain = {
        "title": {"text": title, "standoff": 8, "font": {"size": 13}},
        "fixedrange": True,
        "automargin": True,
        "zeroline": False,
        "showgrid": True,
        "ticks": "",
    }
    return {**plain, **settings}


def rule_colour(name: str, reference: str) -> str:
    """Return the colour of a rule: the learned one, the reference, and the others alike."""
    if name == LEARNED:
        return LEARNED_COLOUR
    return REFERENCE_COLOUR if name == reference else OTHER


def padded(low: float, high: float, share: float = 0.08) -> list[float]:
    """Return a range with room on both sides for what stands at its ends.

    >>> padded(0.0, 10.0, share=0.1)
    [-1.0, 11.0]
    """
    reach = (high - low) or abs(high) * 0.02 or 1.0
    return [low - share * reach, high + share * reach]


def wrapped(text: str) -> str:
    """Return a label on lines short enough for a phone.

    >>> wrapped("Capped quantile by class")
    'Capped quantile<br>by class'
    """
    return "<br>".join(textwrap.wrap(text, 16))
