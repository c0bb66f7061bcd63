"""What the package and its rooms show: explicit, complete, and enough for every page."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import inspect
import pkgutil
import re

import pytest

import graphnn
from places import ROOT

ROOMS = sorted(found.name for found in pkgutil.iter_modules(graphnn.__path__) if found.ispkg)
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(
        page
        for page in sorted((ROOT / "docs").rglob("*.md"))
        if page.relative_to(ROOT / "docs").parts[0] not in ("_build", "errors", "ops", "tables")
    ),
]
_IMPORT = re.compile(
    r"^(?:>>> )?\s*(?:from (graphnn[\w.]*) import ([\w, ]+)|import (graphnn[\w.]+))", re.M
)
_DIRECTIVE = re.compile(r"^\.\. auto\w+:: (graphnn\.[\w.]+)", re.M)
_RAISES = re.compile(r"^Raises\n-+\n(.*?)(?=\n\n\w+\n---|\Z)", re.M | re.S)


def test_a_user_sees_what_is_public_and_nothing_else():
    assert dir(graphnn) == sorted(graphnn.__all__)
    assert not [name for name in graphnn.__all__ if name.startswith("_")]


@pytest.mark.parametrize("room", ["", *(f".{room}" for room in ROOMS)])
def test_no_name_hides_a_module(room):
    face = importlib.import_module(f"graphnn{room}")
    names = face.__all__
    hidden = [name for name in names if importlib.util.find_spec(f"graphnn{room}.{name}")]
    assert hidden == []
    assert not [name for name in names if inspect.ismodule(getattr(face, name))]


def test_every_error_that_is_raised_is_public():
    raised = {name for found in _documented() for name in _raised(found)}
    assert {"SpecError", "UsageError", "Interrupted", "ShapeError"} <= raised
    assert raised <= {*graphnn.__all__, *dir(builtins)}
    for error in graphnn.GraphnnError.__subclasses__():
        assert getattr(graphnn, error.__name__) is error


def _documented():
    """The public functions and classes with their public methods."""
    for name in graphnn.__all__:
        found = getattr(graphnn, name)
        yield found
        if inspect.isclass(found):
            yield from (each for key, each in vars(found).items() if not key.startswith("_"))


def _raised(found) -> list[str]:
    text = _RAISES.search(inspect.getdoc(found) or "")
    heads = re.findall(r"^[A-Z][\w, ]+$", text[1], re.M) if text else []
    return [name for head in heads for name in head.split(", ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_public_names_alone(page):
    text = page.read_text("utf-8")
    for module, names, whole in _IMPORT.findall(text):
        shown = module or whole
        assert _is_public(shown), shown
        assert not [name for name in names.split(", ") if name.startswith("_")]
    for name in _DIRECTIVE.findall(text):
        assert _is_public(name.rpartition(".")[0]), name


def _is_public(module: str) -> bool:
    """Whether `module` is the package, a room, or a file in a room that is not private."""
    _, *parts = module.split(".")
    if len(parts) < 2:
        return True
    path = ROOT / "graphnn" / parts[0] / f"{parts[1]}.py"
    return len(parts) == 2 and not parts[1].startswith("_") and path.is_file()


@pytest.mark.parametrize(
    ("module", "public"),
    [
        ("graphnn", True),
        ("graphnn.ops", True),
        ("graphnn.ops.initializers", True),
        ("graphnn.ops._op", False),
        ("graphnn.training.fitting", False),
        ("graphnn.training.fitting.optimizers", False),
    ],
)
def test_what_is_public(module, public):
    assert _is_public(module) is public
