"""``python -m restock.cli`` is ``restock``."""

from restock.cli.main import app

__all__: list[str] = []

if __name__ == "__main__":
    app(prog_name="restock")
