"""What the guide to the source names is there."""

import ast
import re

import pytest

from places import ROOT

PAGE = ROOT / "docs" / "reading-the-code.md"
LINK = re.compile(r"\[`([\w.]+)`\]\(([^)]+\.py)\)")
LINKS = [(name, target) for name, target in LINK.findall(PAGE.read_text())]


def defined(path):
    """Qualified names of the functions and classes in a file."""

    def inside(body, before):
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield before + node.name
                yield from inside(node.body, f"{before}{node.name}.")

    return set(inside(ast.parse(path.read_text()).body, ""))


@pytest.mark.parametrize(("name", "target"), LINKS, ids=[name for name, _ in LINKS])
def test_what_is_named_stands_where_the_link_leads(name, target):
    assert name in defined((PAGE.parent / target).resolve())


def test_the_guide_names_every_stop():
    assert len(LINKS) > 50
    # A link to the source that names nothing would escape the test above.
    sources = re.findall(r"\]\([^)]+\.py\)", PAGE.read_text())
    assert len(sources) == len(LINKS) + 1  # 'it' is a value, not a function


def test_a_name_that_is_not_there_is_seen():
    assert "read" in defined(ROOT / "graphnn" / "spec" / "reader.py")
    assert "Builder.wrod" not in defined(ROOT / "graphnn" / "spec" / "reading" / "builder.py")
