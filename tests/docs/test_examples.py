"""Every example on every page is run, and what the page shows is what is so."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

import docs_pages
from docs_pages import MismatchError, Runner, blocks, corrected, fits, folder
from drawn_cases import QUICK
from graphnn.drawing.plots import contours
from graphnn.ops import REGISTRY
from graphnn.testing import check_op
from places import ROOT

PAGES = docs_pages.pages()
# Long trainings, many pictures, and pytest run by pytest.
SLOW = [
    *("data", "drawing", "scikit-learn"),
    *(f"how-to/{name}" for name in ("keras", "notebook", "photographs", "pipeline")),
    *("how-to/table", "how-to/two-layers"),
    *(f"networks/{name}" for name in ("additions", "cbow", "gpt", "language-models", "mixer")),
    *("networks/siamese", "networks/vae", "own-ops", "testing"),
    *(f"tour/{name}" for name in ("3-digits", "4-learning", "5-numerical-gradients")),
    *(
        f"training/{name}"
        for name in ("augmentation", "cnn", "evaluation", "normalization", "numerical")
    ),
    *(f"training/{name}" for name in ("regularisation", "search")),
]
# What users need not have.
NEEDS = {"files/pytorch": ("torch", "onnxscript", "onnxruntime")}


@pytest.fixture(autouse=True)
def plain_output(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(contours, "_MESH", 21)  # of pictures that nobody looks at here


def name(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.slow) if name(page)[5:-3] in SLOW else page
        for page in PAGES
    ],
    ids=name,
)
def test_page_shows_what_is_so(page, tmp_path):
    needed = NEEDS.get(name(page)[5:-3], ())
    for library in needed:
        pytest.importorskip(library)
    with folder(tmp_path), warnings.catch_warnings():
        if needed:
            warnings.simplefilter("ignore", FutureWarning)  # of torch, about torch
        text = corrected(page)
    assert text == page.read_text()


def test_readme_shows_the_accuracy_that_is_promised():
    shown = re.findall(
        r"^test accuracy (\d\.\d{4}),", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert [float(accuracy) >= 0.92 for accuracy in shown] == [True]


def test_op_of_the_page_keeps_every_law(tmp_path):
    page = ROOT / "docs" / "adding-an-op.md"
    with folder(tmp_path):
        run = Runner(page.name)
        for block in blocks(page.read_text()):
            run(block)
        check_op(REGISTRY["shrink"], settings=QUICK)
    assert "shrink" not in REGISTRY


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    made = ("ops/", "errors/", "figures/", "tables/")
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if target.startswith("https://") or target.removeprefix("../").startswith(made):
            continue
        assert (page.parent / target).exists(), target


def page_of(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    (tmp_path / "work").mkdir()
    return page


def correct(tmp_path, text):
    page = page_of(tmp_path, text)
    with folder(tmp_path / "work"):
        return corrected(page)


def test_corrects_what_a_command_shows(tmp_path):
    shown = "text\n\n```console\n$ graphnn check specs/softmax.yaml\n{}\n```\nmore\n"
    found = correct(tmp_path, shown.format("specs/softmax.yaml: broken"))
    assert found == shown.format("specs/softmax.yaml: fine")


def test_corrects_what_python_shows(tmp_path):
    shown = "```pycon\n>>> def double(x):\n...     return 2 * x\n>>> double(4)\n{}\n>>> 5\n5\n```\n"
    assert correct(tmp_path, shown.format("7")) == shown.format("8")


def test_keeps_outputs_that_are_elided(tmp_path):
    shown = "```console\n$ graphnn test specs/gates\nok ...and.yaml:11: the truth table\n...\n```\n"
    assert correct(tmp_path, shown) == shown


def test_corrects_an_exit_code(tmp_path):
    shown = "```console\n$ graphnn check specs/none.yaml\n$ echo $?\n{}\n```\n"
    assert correct(tmp_path, shown.format(0)) == shown.format(1)


def test_catches_python_that_fails_and_names_its_line(tmp_path):
    with pytest.raises(AssertionError) as caught:
        correct(tmp_path, "# Title\n\n```python\none = 1\nassert one == 2\n```\n")
    last = caught.traceback[-1]
    assert (Path(str(last.path)).name, last.lineno + 1) == ("page.md", 5)


def test_catches_a_command_that_fails(tmp_path):
    with pytest.raises(
        MismatchError, match=r"page\.md:2: `graphnn check specs/none\.yaml` ends with 1"
    ):
        correct(tmp_path, "```console\n$ graphnn check specs/none.yaml\n```\n")


@pytest.mark.parametrize(
    ("block", "what"),
    [("```pyhton\n1\n```", "'pyhton'"), ("```console\n$ rm everything\n```", "`rm everything`")],
)
def test_catches_what_nobody_knows_how_to_run(tmp_path, block, what):
    with pytest.raises(MismatchError, match=f"nobody knows how to run {re.escape(what)}"):
        correct(tmp_path, block)


def test_catches_a_bad_fragment_of_a_spec(tmp_path):
    with pytest.raises(Exception, match="duplicate-key"):
        correct(tmp_path, "```yaml\nepochs: 1\nepochs: 2\n```\n")


@pytest.mark.parametrize(
    ("wanted", "actual", "fine"),
    [
        ("one\ntwo\n", "one\ntwo\n", True),
        ("one\ntwo", "one \ntwo\n\n", True),
        ("one\n", "one\ntwo\n", False),
        ("one\n...\nthree\n", "one\nand\ntwo\nthree\n", True),
        ("one\n...\n", "one\n", True),
        ("one\n...\nthree\n", "one\ntwo\n", False),
        ("took ... seconds\n", "took 0.5 seconds\n", True),
        ("took ... seconds\n", "took 0.5\nof 9 seconds\n", False),
        ("a.b\n", "axb\n", False),
    ],
)
def test_what_dots_stand_for(wanted, actual, fine):
    assert fits(wanted, actual) is fine
