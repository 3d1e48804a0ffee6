"""Making a project folder: settings with comments, and templates of tables or a demo company's.

A folder appears whole or not at all, and nothing that exists is ever overwritten.
"""

import shutil
import tempfile
from pathlib import Path

from restock.errors import ConfigurationError, require
from restock.planning.project import ProjectSettings
from restock.records import (
    TABLES,
    DemoCompanyConfig,
    export_template,
    generate_demo_company,
)
from restock.seeds import Seeds

__all__ = ["create_project"]


def create_project(
    folder: Path, settings: ProjectSettings, company: DemoCompanyConfig | None = None
) -> list[Path]:
    """Make ``folder`` with ``restock.toml`` and the tables, and return the paths of its files.

    The tables are those of a demo company if its configuration is given. Else templates of all
    of them lie in a folder of their own beside the data, so that one left empty is in nobody's
    way.

    Raises :class:`ConfigurationError` when the folder exists and holds anything, or cannot be
    made.
    """
    folder = folder.absolute()
    require(
        not folder.exists() or (folder.is_dir() and not any(folder.iterdir())),
        ConfigurationError,
        f"{folder} exists already and is not an empty folder; nothing was written. Choose another"
        " folder.",
    )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be made: {error.strerror}. Choose a folder that you may write to."
        ) from error
    try:
        draft.chmod(0o755)
        (draft / "restock.toml").write_text(settings.to_toml(), encoding="utf-8")
        _write_tables(draft / settings.data.folder, settings, company)
        names = sorted(path.relative_to(draft) for path in draft.rglob("*") if path.is_file())
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return [folder / name for name in names]


def _write_tables(
    folder: Path, settings: ProjectSettings, company: DemoCompanyConfig | None
) -> None:
    if company is None:
        for table in TABLES:
            export_template(table, folder / "templates" / f"{table}.csv")
    else:
        generate_demo_company(company, Seeds(settings.seed)).write(folder)
