"""The canonical layout: the same values and comments, whatever the layout was before."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache

import pytest
import yaml
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

import graphnn
from documents import documents
from graphnn.diagnostics import SpecError
from graphnn.spec import format_file, format_text, reader, to_yaml
from graphnn.spec.values import plain
from graphnn.spec.writing import layout, syntax
from graphnn.testing.strategies import specs
from places import ROOT

SPECS = sorted(path for path in (ROOT / "specs").rglob("*.*") if path.suffix in (".yaml", ".json"))
TEMPLATES = sorted((ROOT / "graphnn" / "cli" / "templates").glob("*.yaml"))

ODD = """\
# A file in several manners.

--- # its start
"graphnn": 1
name:   'two
  layers'   # the name
description: >
    Folded
    lines.

    Two of them.



sizes: {pixels: 784,   # of an image
        hidden: 50, }
nodes: # the network

  x: {op: "input", shape: [ batch,pixels ]}     # images
  t: {op: input, shape: [batch], dtype: int} # labels

  # the weights
  a1:
     op: affine
     inputs: x
     units: 2 * hidden
  wide: {op: affine, inputs: a1, weight: [[0.125, 0.25, 0.5], [0.75, 0.875, 1.0]], bias: [1, 2],
    about: wide}
  a-node-with-a-long-name: {op: relu, inputs: a1} # not aligned
     # about the end
examples:
- about: "yes"
  # what goes in
  inputs: {x: {zeros: [1, pixels]}}
  outputs:
    a1:  [[0.10, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90, 1.00, 1.10, 1.20, 1.30, 1.40]]
train: {loss: a1}
...
"""
CANONICAL = """\
# A file in several manners.

# its start
graphnn: 1
name: two layers  # the name
description: >
  Folded
  lines.

  Two of them.

sizes:
  pixels: 784  # of an image
  hidden: 50

nodes:  # the network
  x:    {op: input, shape: [batch, pixels]}      # images
  t:    {op: input, shape: [batch], dtype: int}  # labels

  # the weights
  a1:   {op: affine, inputs: x, units: 2 * hidden}
  wide:
    op: affine
    inputs: a1
    weight: [[0.125, 0.25, 0.5], [0.75, 0.875, 1.0]]
    bias: [1, 2]
    about: wide
  a-node-with-a-long-name: {op: relu, inputs: a1}  # not aligned
  # about the end

examples:
  - about: "yes"
    # what goes in
    inputs: {x: {zeros: [1, pixels]}}
    outputs:
      a1: [[0.10, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90, 1.00, 1.10, 1.20, 1.30, 1.40]]

train: {loss: a1}
"""


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
COMMENT = re.compile(r"# \d+!(?:.*\S)?")  # each has a number of its own


def faults(text):
    """What the formatter does wrong with a text."""
    made = format_text(text)
    if repr(plain(reader.read(made))) != repr(plain(reader.read(text))):
        yield "the values changed"
    if repr(yaml.load(made, LOADER)) != repr(yaml.load(text, LOADER)):
        yield "a reader of YAML 1.1 takes it for something else"
    if COMMENT.findall(made) != COMMENT.findall(text):
        yield "a comment is lost or moved"
    if format_text(made) != made:
        yield "formatting again changes it"


@settings(max_examples=100)
@given(specs(nodes=2))
def test_law_of_layouts(text):
    assert list(faults(text)) == []


@cache
def drawn():
    """As many texts as the law draws."""
    texts = []

    @settings(database=None, derandomize=True, phases=[Phase.generate], max_examples=100)
    @given(specs(nodes=2))
    def gather(text):
        texts.append(text)

    gather()
    return texts


def wrong_leaf(change):
    right = syntax._Parser._read

    def read(self, event, entry):
        change(leaf := right(self, event, entry), entry)
        return leaf

    return (syntax._Parser, "_read", read)


def of_first_anchor(leaf, entry):
    leaf.alias = leaf.alias and "n1"


def no_beginnings(leaf, entry):
    entry.leading = ()


def joined(leaf, entry):
    leaf.body = leaf.body.replace("\n", " ")


def literal(leaf, entry):
    leaf.style = leaf.style and "|"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name", "broken", "fault"),
    [
        (layout, "_comments", lambda lines, indent: [], "a comment is lost or moved"),
        (syntax._Parser, "_done_with", lambda *_: None, "a comment is lost or moved"),
        (*wrong_leaf(no_beginnings), "a comment is lost or moved"),  # as of `? key # a`
        (syntax, "_lift", lambda tree: None, "formatting again changes it"),
        (layout, "_is_safe", lambda text: True, "the values changed"),
        (layout, "_FOREIGN", (), "a reader of YAML 1.1 takes it for something else"),
        (layout, "_folds", lambda text: " " in str(text), "the values changed"),
        (syntax, "_simple", bool, "the values changed"),
        (*wrong_leaf(joined), "the values changed"),
        (*wrong_leaf(literal), "the values changed"),
        (*wrong_leaf(of_first_anchor), "the values changed"),
        (layout, "_anchor", lambda value: "", "the values changed"),
    ],
)
def test_a_planted_fault_is_caught(monkeypatch, module, name, broken, fault):
    monkeypatch.setattr(module, name, broken)

    def found(text):
        try:
            return set(faults(text))
        except SpecError:
            return {"the values changed"}

    assert any(fault in found(text) for text in drawn())


# What the law has found: a comment before a bracket that closes nothing, comments beside dashes,
# comments behind what does not fit a line, and below a list that its anchor stands before.
FOUND = [
    "{ # 1!\n}   # 2!\n",
    "a: [pair: {}\n# 1!\n]\n",
    "a:\n- - -   # 1!\n     b: 1\n",
    f"a: [[1], {{b: {[1.25] * 30}}}  # 1!\n]\n",
    "? a # 1!\n\n:\n  &n\n  - 1\n  # 2!\n# 3!\n",
]


@pytest.mark.parametrize("text", FOUND)
def test_law_where_it_once_failed(text):
    assert list(faults(text)) == []


def test_the_whole_layout():
    assert format_text(ODD) == CANONICAL
    assert format_text(CANONICAL) == CANONICAL


def test_blocks_are_laid_out_as_networks():
    text = """\
graphnn: 1
blocks: {dense: {sizes: [units], inputs: [x], nodes: {a: {op: affine, inputs: x, units: units},
  out: {op: relu, inputs: a}}, output: out}}
nodes: {x: {op: input, shape: [batch, 3]}, h: {block: dense, inputs: x, units: 9, repeat: 5}}
search: {units: {choice: [1, 2]}}
"""
    assert (
        format_text(text)
        == """\
graphnn: 1

blocks:
  dense:
    sizes: [units]
    inputs: [x]
    nodes:
      a:   {op: affine, inputs: x, units: units}
      out: {op: relu, inputs: a}
    output: out

nodes:
  x: {op: input, shape: [batch, 3]}
  h: {block: dense, inputs: x, units: 9, repeat: 5}

search:
  units: {choice: [1, 2]}
"""
    )


@pytest.mark.parametrize("empty", ["[]", "{}"])
def test_empty_collection_behind_a_long_key(empty):
    text = f"{'k' * 120}: {empty}\n"
    assert format_text(text) == text


def test_long_words_and_lists():
    words = " ".join(["abcdefghi"] * 12)
    numbers = [1.5] * 40
    text = format_text(f'graphnn: 1\nname: "{words}"\nnodes: {{a: {{value: {numbers}}}}}\n')
    assert (
        text
        == """\
graphnn: 1
name: >-
  abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi abcdefghi
  abcdefghi abcdefghi abcdefghi

nodes:
  a:
    value:
      [1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5,
       1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5,
       1.5, 1.5, 1.5, 1.5]
"""
    )
    assert max(map(len, text.split("\n"))) <= 100
    one_word = f"graphnn: 1\nname: {'w' * 120}\n"
    assert format_text(one_word) == one_word


def test_a_line_of_just_the_width_stays():
    head = "  a: {op: constant, value: [1, 2], about: "
    text = f"graphnn: 1\n\nnodes:\n{head}{'w' * (99 - len(head))}}}\n"
    assert format_text(text) == text
    wider = text.replace("}", "w}")
    assert format_text(wider).startswith("graphnn: 1\n\nnodes:\n  a:\n    op: constant\n")
    head = '  "outputs": ["a", "b", "c", "d", "'  # one column is kept for a comma
    text = f'{{\n  "graphnn": 1,\n{head}{"w" * (97 - len(head))}"]\n}}\n'
    assert format_text(text, json=True) == text
    assert '"outputs": [\n' in format_text(text.replace('w"]', 'ww"]'), json=True)


@pytest.mark.parametrize(
    ("inner", "laid"),
    [
        ("op: input # one\n", "\n    op: input  # one\n    # two\n"),
        ("shape: [1, # one\n2]", "\n    shape:\n      - 1  # one\n      - 2\n    # two\n"),
        ("shape: [1, 2]", " {shape: [1, 2]}  # two\n"),
    ],
)
def test_a_comment_behind_a_bracket_takes_no_other_s_place(inner, laid):
    text = format_text(f"graphnn: 1\nnodes: {{x: {{{inner}}} # two\n}}\n")
    assert text == f"graphnn: 1\n\nnodes:\n  x:{laid}"


@pytest.mark.parametrize("count", [9, 20, 30])
def test_a_comment_behind_a_list_stays_behind_its_last_line(count):
    words = ", ".join(["0.123456789"] * count)
    text = format_text(f"examples:\n  - [{words}]  # end\n  - 2\n")
    *lines, end, last = text.splitlines()
    assert not any("#" in line for line in lines)
    assert end.endswith("0.123456789]  # end")
    assert last == "  - 2"


def test_a_key_outside_of_brackets_needs_no_quotes():
    text = "a[0],b: 1\n\nc{d}:\n  e: 1  # apart\n"
    assert format_text(text) == text
    inside = format_text("x: {'a[0],b': 1}\n")
    assert inside == 'x: {"a[0],b": 1}\n'


def test_windows_ends_of_lines_become_line_feeds():
    assert format_text("graphnn: 1 # a\r\nname: b\r\n") == "graphnn: 1  # a\nname: b\n"


TEXTS = st.text("ay \n\"\\:#,-[]{}'\t\x7f\u2028é\U0001f600", max_size=9) | st.just("no")


@given(
    documents(TEXTS, "nodes", "examples", "train", "x"),
    st.none() | st.integers(0, 3),
)
@example({}, None)
@example({"nodes": {"x": {"value": [0.125] * 60}}, "examples": [[{"a": 1e-7}]]}, 1)
def test_law_of_json(document, indent):
    text = json.dumps(document, indent=indent)
    made = format_text(text, json=True)
    assert repr(json.loads(made)) == repr(document)
    assert format_text(made, json=True) == made


def test_json_keeps_numbers_as_they_are_written():
    text = '{"graphnn":1,"nodes":{"a":{"value":[1.0e-7,1E5,-0.0,1.50]}}}'
    assert (
        format_text(text, json=True)
        == """\
{
  "graphnn": 1,
  "nodes": {
    "a": {"value": [1.0e-7, 1E5, -0.0, 1.50]}
  }
}
"""
    )


@pytest.mark.parametrize("path", [*SPECS, *TEMPLATES], ids=lambda path: path.name)
def test_shipped_files_are_as_they_should_be(path):
    before, after = format_file(path, write=False)
    assert before == after


def test_a_bad_text_is_reported():
    with pytest.raises(SpecError) as caught:
        graphnn.format_text("a: [1\n", "net.yaml")
    assert str(caught.value) == (
        "error[yaml-syntax]: this is not YAML: did not find expected ',' or ']'\n"
        "  --> net.yaml:1:6\n"
        "   |\n"
        " 1 | a: [1\n"
        "   |    - ^ the text ends here\n"
        "   |    |\n"
        "   |    the bracket is opened here\n"
        "   = help: close the '[' with ']'"
    )


def test_a_file_is_written_through_its_link_and_keeps_its_permissions(tmp_path):
    path, link = tmp_path / "a.yaml", tmp_path / "link.yaml"
    path.write_text("graphnn:   1\n")
    path.chmod(0o600)
    link.symlink_to(path)
    assert graphnn.format_file(link) == ("graphnn:   1\n", "graphnn: 1\n")
    assert path.read_text() == "graphnn: 1\n"
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_too_many_comments() -> None:
    text = "graphnn: 1\nname: [\n" + "1, # one\n" * 200_001 + "]\n"
    with pytest.raises(SpecError) as caught:
        format_text(text, "net.yaml")
    assert str(caught.value) == (
        "error[too-many-comments]: 'net.yaml' holds more than 200,000 comments\n"
        "       --> net.yaml:200003:4\n"
        "        |\n"
        " 200003 | 1, # one\n"
        "        |    ^"
    )


@pytest.mark.parametrize("between", [", ", ",\n", ", [7],\n\n"])
def test_numbers_stay_as_written_wherever_they_stand(between: str) -> None:
    words = ["1.50", "2e3", "0x1F", "-0.0", ".5"] * 200
    text = f"z: &z [0o17]\nname: [{between.join(words)}, *z, *z, 1.0]\n"
    document = reader.read(text)
    found = to_yaml(document)
    counts = Counter(re.split(r"[\s,\[\]]+", found))
    assert {word: counts[word] for word in words} == dict.fromkeys(words, 200)
    assert (counts["0o17"], counts["1.0"]) == (3, 1)
    assert plain(reader.read(found)) == plain(document)
