"""The package, its changelog and its citation speak of one version."""

import re
from pathlib import Path

import restock


def newest_version(changelog: str) -> str | None:
    """Return the version of the first heading ``## 1.2.3`` or ``## [1.2.3]``."""
    heading = re.search(r"^## \[?(\d+\.\d+\.\d+[\w.]*)\]?", changelog, flags=re.MULTILINE)
    return heading.group(1) if heading else None


def cited_version(citation: str) -> str | None:
    line = re.search(r"^version: \"?([^\"\n]+)\"?$", citation, flags=re.MULTILINE)
    return line.group(1) if line else None


def test_the_changelog_begins_with_the_package_version(project_root: Path) -> None:
    changelog = (project_root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert newest_version(changelog) == restock.__version__


def test_the_citation_names_the_package_version(project_root: Path) -> None:
    citation = (project_root / "CITATION.cff").read_text(encoding="utf-8")
    assert cited_version(citation) == restock.__version__


def test_an_older_version_or_none_is_seen() -> None:
    newer = "# Changelog\n\n## [9.0.0] - 2030-01-01\n\n## 0.1.0\n"
    assert newest_version(newer) == "9.0.0"
    assert newest_version("# Changelog\n\n## Unreleased\n\n## 0.1.0\n") == "0.1.0"
    assert newest_version("# Changelog\n") is None
    assert cited_version('cff-version: 1.2.0\nversion: "9.0.0"\n') == "9.0.0"
