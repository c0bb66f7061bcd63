"""Pages name what is public: `graphnn`, its rooms, and the modules directly in one."""

from __future__ import annotations

import re

import pytest

import docs_pages
from docs_pages import ROOT

PAGES = docs_pages.pages()
_IMPORT = re.compile(r"^[>. ]*(?:from|import) (graphnn[\w.]*)(?: import (.*))?", re.MULTILINE)
_DOCUMENTED = re.compile(r"^\.\. (?:auto\w+|currentmodule):: (graphnn[\w.]*)()", re.MULTILINE)


def private_names(text):
    """Names of graphnn on a page that are private to a room."""
    found = []
    for module, names in (*_IMPORT.findall(text), *_DOCUMENTED.findall(text)):
        _, *parts = module.split(".")
        subpackage = len(parts) > 1 and (ROOT / "graphnn" / parts[0] / parts[1]).is_dir()
        words = [*parts, *re.findall(r"\w+", names)]
        if subpackage or any(word.startswith("_") for word in words):
            found.append(module)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_names_what_is_public(page):
    assert private_names(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("line", "public"),
    [
        ("from graphnn.ops._op import Op", False),
        ("from graphnn.ops import _op", False),
        (">>> from graphnn.ops.families.activation import Relu", False),
        (".. autoclass:: graphnn.gradients._check.Entry", False),
        ("from graphnn.ops import Op, data", True),
        ("from graphnn.spec.sizes import show", True),
        (".. autoclass:: graphnn.gradients.Entry", True),
    ],
)
def test_private_names_are_found(line, public):
    assert (private_names(f"# Page\n\n{line}\n") == []) == public
