"""Assemble docs/results.md from what the studies and benchmarks wrote: ``make results``."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAD = """# Results

Assembled by `make results` from the `results.md` that each study and benchmark wrote itself;
nothing here is typed. Changes of protocol and past errors are confessed in the
[logbook](logbook.md).
"""


def assemble(root: Path) -> str:
    """Return the page: every study, then every benchmark, headings one level down."""
    parts = [HEAD]
    for folder in ("studies", "benchmarks"):
        for path in sorted(root.glob(f"{folder}/*/results.md")):
            lines = path.read_text(encoding="utf-8").splitlines()
            parts.append("\n".join(f"#{line}" if line.startswith("#") else line for line in lines))
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "results.md").write_text(assemble(ROOT), encoding="utf-8")
    print(f"wrote {ROOT / 'docs' / 'results.md'}")
