"""Modules of other people's ops: imported by name, for a project, or because they are installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphnn.diagnostics import Diagnostic, FileError, Note, UsageError, suggestion

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "graphnn.ops"
PROJECT = "pyproject.toml"
_TABLE = f"[tool.graphnn] of '{PROJECT}'"
_KEY = "import"


def import_modules(names: Iterable[str]) -> None:
    """Import modules, whose op classes then register themselves.

    They are looked for among what is installed, then in the current folder. What they print goes
    to standard error.

    Raises
    ------
    UsageError
        One cannot be imported.
    """
    here = str(Path.cwd())
    for name in names:
        if not all(map(str.isidentifier, name.split("."))) or name.endswith(".py"):
            parts = Path(name).with_suffix("").parts
            help = f"write '{'.'.join(parts)}'" if name.endswith(".py") else ""
            raise _refusal(f"'{name}' is not the name of a module", help)
        # Last, so that no file that lies there is taken for a module of anything else.
        if here not in sys.path:
            sys.path.append(here)
        try:
            with redirect_stdout(sys.stderr):
                import_module(name)
        except (Exception, SystemExit) as error:
            raise UsageError(_fault(name, error)) from error


def import_project(folder: Path) -> None:
    """Import the modules that ``[tool.graphnn] import`` of the folder's pyproject.toml names.

    No folder above is looked at.

    Raises
    ------
    UsageError
        The file cannot be read, the value is not a list of names, or a module cannot be imported.
    """
    path = folder / PROJECT
    if path.exists():
        import_modules(_names(_table(path)))


def import_installed() -> dict[str, str]:
    """Import the entry points of the group ``graphnn.ops``.

    Returns
    -------
    dict of str to str
        What went wrong with those that cannot be imported, by package: it must keep nobody from
        using other ops.
    """
    from importlib.metadata import entry_points

    broken = {}
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:
            broken[_package(point)] = f"{type(error).__name__}: {error}"
    return broken


def _table(path: Path) -> Any:
    """The table of graphnn in a project file, empty where there is none."""
    import tomllib

    from graphnn.storage import files

    try:
        tool = tomllib.loads(files.read_bytes(path, files.MEBIBYTE).decode()).get("tool", {})
    except FileError as error:
        raise _refusal(error.diagnostics[0].message) from None
    except RecursionError:
        raise _refusal(f"'{PROJECT}' is nested too deeply") from None
    except ValueError as error:  # also of a number with thousands of digits, or of bytes
        raise _refusal(f"'{PROJECT}' is not TOML: {error}") from None
    return tool.get("graphnn", {}) if isinstance(tool, dict) else None


def _names(table: Any) -> list[str]:
    for key in table if isinstance(table, dict) else ():
        if key != _KEY:
            help = suggestion(key, [_KEY], f"there is '{_KEY}'")
            raise _refusal(f"{_TABLE} has no key '{key}'", help)
    names = table.get(_KEY, []) if isinstance(table, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        message = f"'{_KEY}' in {_TABLE} must be a list of module names"
        raise _refusal(message, f'write {_KEY} = ["my_ops"]')
    return names


def _fault(name: str, error: BaseException) -> Diagnostic:
    why = " ".join(f"{type(error).__name__}: {error}".split())
    message = f"the module '{name}' cannot be imported: {why}"
    if isinstance(error, ModuleNotFoundError) and error.name == name.partition(".")[0]:
        help = "install it, or call graphnn in the folder where it lies"
        return Diagnostic("bad-import", message, help=help)
    return Diagnostic("bad-import", message, notes=origin(error))


def origin(error: BaseException, file: str | None = None) -> tuple[Note, ...]:
    """The last line in the current folder, or in a file, that an error came by."""
    import traceback

    here = Path.cwd()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(here):
            return (Note(f"in {path.relative_to(here)}, line {frame.lineno}"),)
        if frame.filename == file:
            return (Note(f"in {path}, line {frame.lineno}"),)
    return ()


def _refusal(message: str, help: str = "") -> UsageError:
    return UsageError.of("bad-import", message, help=help)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value
