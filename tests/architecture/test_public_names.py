"""What a module calls public exists, is complete and is documented."""

import ast
import importlib
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src"
MODULES = sorted(SOURCES.glob("restock/**/*.py"))
VAGUE_NAMES = {"utils", "util", "common", "core", "helpers", "helper", "misc"}

each_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(SOURCES))
)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def dotted_name(path: Path) -> str:
    parts = path.relative_to(SOURCES).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def exported(tree: ast.Module) -> list[str] | None:
    """Return the names in ``__all__``, or None where a module has none."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return list(ast.literal_eval(value))
            case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
                return list(ast.literal_eval(value))
    return None


def public_definitions(body: list[ast.stmt]) -> list[Definition]:
    return [node for node in body if isinstance(node, Definition) and not node.name.startswith("_")]


def unlisted(source: str, *, package: bool) -> set[str]:
    """Return what should be in ``__all__`` and is not; the name itself if it is absent.

    A module owes its public classes and functions, a package also what it imports by name.
    """
    tree = ast.parse(source)
    names = exported(tree)
    if names is None:
        return {"__all__"}
    owed = {node.name for node in public_definitions(tree.body)}
    if package:
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        owed |= {alias.asname or alias.name for node in imports for alias in node.names}
    return {name for name in owed - set(names) if not name.startswith("_")}


def undocumented(source: str) -> set[str]:
    """Return the public classes, functions and methods without a docstring."""
    tree = ast.parse(source)
    found = set() if ast.get_docstring(tree) else {"<module>"}
    for node in public_definitions(tree.body):
        if not ast.get_docstring(node):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = public_definitions(node.body)
            found |= {f"{node.name}.{m.name}" for m in methods if not ast.get_docstring(m)}
    return found


def test_there_are_modules_to_look_at() -> None:
    assert SOURCES / "restock" / "errors.py" in MODULES


@each_module
def test_all_lists_every_public_definition(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert unlisted(source, package=path.name == "__init__.py") == set()


@each_module
def test_every_name_in_all_exists_and_is_listed_once(path: Path) -> None:
    module = importlib.import_module(dotted_name(path))
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert len(set(module.__all__)) == len(module.__all__)


@each_module
def test_every_public_name_has_a_docstring(path: Path) -> None:
    assert undocumented(path.read_text(encoding="utf-8")) == set()


@each_module
def test_no_module_has_a_name_that_says_nothing(path: Path) -> None:
    assert VAGUE_NAMES.isdisjoint(path.relative_to(SOURCES).with_suffix("").parts)


def test_an_unlisted_name_is_seen() -> None:
    listed = '__all__ = ["a"]\ndef a(): ...\n'
    assert unlisted(listed, package=False) == set()
    assert unlisted(listed + "class B: ...\ndef _c(): ...\n", package=False) == {"B"}
    assert unlisted("def a(): ...\n", package=False) == {"__all__"}
    reexport = "from restock.errors import require, InputError as Bad\n" + listed
    assert unlisted(reexport, package=False) == set()
    assert unlisted(reexport, package=True) == {"require", "Bad"}


def test_a_missing_docstring_is_seen() -> None:
    sample = '"""Doc."""\nclass A:\n  """Doc."""\n  def b(self): ...\n  def _c(self): ...\n'
    assert undocumented(sample) == {"A.b"}
    assert undocumented("def a(): ...\n") == {"<module>", "a"}


def test_a_vague_module_name_is_seen() -> None:
    assert not VAGUE_NAMES.isdisjoint(Path("restock/demand/utils.py").with_suffix("").parts)
