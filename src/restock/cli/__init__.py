"""The door: ``restock`` on the command line; one file per command, and no logic.

Nothing heavy is imported before a command runs, so that ``restock --help`` answers at once.
"""

__all__: list[str] = []
