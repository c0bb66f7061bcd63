"""What the reader makes of YAML 1.2 and JSON: values, kinds, and places to the letter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from documents import documents
from graphnn.diagnostics import SpecError
from graphnn.spec import reader
from graphnn.spec.reader import Limits, read, read_file
from graphnn.spec.values import Map, Seq, Value, plain

PARSERS = [pytest.param(yaml.SafeLoader, id="python")]
if yaml.__with_libyaml__:
    PARSERS.append(pytest.param(yaml.CLoader, id="libyaml"))


@pytest.fixture(params=PARSERS)
def any_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with libyaml and with PyYAML's own parser."""
    monkeypatch.setattr(reader, "_PARSER", request.param)


def values(top: Value) -> Iterator[Value]:
    """`top` and everything in it: keys, values, items, in the order of the text."""
    waiting = [top]
    while waiting:
        value = waiting.pop()
        yield value
        if isinstance(value, Seq):
            waiting.extend(reversed(value.items))
        elif isinstance(value, Map):
            for entry in reversed(value.entries.values()):
                waiting.extend((entry.value, entry.key))


def excerpt(value: Value) -> str:
    """What the text holds at the place of `value`."""
    lines = value.source.text.split("\n")[value.line : value.end_line + 1]
    lines[-1] = lines[-1][: value.end_column]
    return "\n".join(lines)[value.column :]


def excerpts(top: Value) -> list[str]:
    return [excerpt(value) for value in values(top)]


# Scalars: the tables of YAML 1.2.2, sections 10.2.1 and 10.3.2, and what YAML 1.1 read otherwise.

CORE = {
    "null": None,
    "Null": None,
    "NULL": None,
    "~": None,
    "": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "0": 0,
    "-0": 0,
    "+12": 12,
    "-19": -19,
    "012": 12,
    "0o7": 7,
    "0o14": 12,
    "0x3A": 58,
    "0xdeadBEEF": 3735928559,
    "0.": 0.0,
    "-0.0": -0.0,
    ".5": 0.5,
    "+.5": 0.5,
    "5.": 5.0,
    "+12e03": 12000.0,
    "-2E+05": -200000.0,
    "1e-3": 0.001,
    "1e3": 1000.0,
    "12.3": 12.3,
    ".5e1": 5.0,
    "1.e1": 10.0,
    "1.7976931348623157e308": 1.7976931348623157e308,
    "1e-999": 0.0,
}
WORDS = [
    *("no", "No", "off", "on", "yes", "Y", "n", "tRUE", "nULL", "nan", "NaN", "inf", "Infinity"),
    *("1_000", "0b1", "0o8", "0xG", "-0x1", "+0o7", "1:30", "190:20:30", "2001-12-14", "1,000"),
    *(".", "+", "-.5.", "-.", "e3", "1e", "1e+", "1.5.2", "--1", "++1", "1e3.5", ".e1", "-.5x"),
    *(".iNF", "+.nan", "..5", "<", "<<", "=", "a b", "1 2", "~x", "nullable", "true story"),
]


@pytest.mark.parametrize(("word", "expected"), CORE.items())
def test_word_is_read_as_the_core_schema_says(word: str, expected: Any) -> None:
    text = f"a: {word}\nb: [{word or '~'}]\nc: {{k: {word}}}\nd:\n- {word}\n- {word}  # it\n"
    values_of = {"a": expected, "b": [expected], "c": {"k": expected}, "d": [expected, expected]}
    assert repr(plain(read(text))) == repr(values_of)


@pytest.mark.parametrize("word", WORDS)
def test_word_that_only_looks_like_more_is_a_text(word: str) -> None:
    assert plain(read(f"x: {word}\ny: [{word if ',' not in word else 'z'}]\n"))["x"] == word


@pytest.mark.parametrize("word", [*(word for word in CORE if word), ".inf", "1e999", "<<"])
def test_word_in_quotes_or_a_block_is_a_text(word: str) -> None:
    text = f"a: '{word}'\nb: \"{word}\"\nc: |-\n  {word}\nd: >-\n  {word}\n'{word}': 1\n"
    assert plain(read(text)) == dict.fromkeys("abcd", word) | {word: 1}


def test_same_word_keeps_its_kind_each_time() -> None:
    assert repr(plain(read("x: [1, 1.0, true, '1', 1, 1.0, true]"))) == (
        "{'x': [1, 1.0, True, '1', 1, 1.0, True]}"
    )


def test_float64_written_out_in_full_is_read() -> None:
    smallest = f"{5e-324:.1074f}"
    largest = f"{1.7976931348623157e308:.0f}"
    assert plain(read(f"a: -{smallest}\nb: {largest}\n")) == {
        "a": -5e-324,
        "b": int(1.7976931348623157e308),
    }


# Structure: examples of YAML 1.2.2, chapter 2, and of what this language leaves in.

EXAMPLES = [
    (  # 2.3
        "american:\n- Boston Red Sox\n- Detroit Tigers\nnational:\n- New York Mets\n",
        {"american": ["Boston Red Sox", "Detroit Tigers"], "national": ["New York Mets"]},
    ),
    (  # 2.6
        "Mark McGwire: {hr: 65, avg: 0.278}\nSammy Sosa: {\n    hr: 63,\n    avg: 0.288,\n  }\n",
        {"Mark McGwire": {"hr": 65, "avg": 0.278}, "Sammy Sosa": {"hr": 63, "avg": 0.288}},
    ),
    (  # 2.9
        "---\nhr: # 1998 hr ranking\n- Mark McGwire\n- Sammy Sosa\n# 1998 rbi ranking\nrbi:\n- S\n",
        {"hr": ["Mark McGwire", "Sammy Sosa"], "rbi": ["S"]},
    ),
    (  # 2.10
        "---\nhr:\n- Mark McGwire\n# Following node labeled SS\n- &SS Sammy Sosa\n"
        "rbi:\n- *SS\n- K\n",
        {"hr": ["Mark McGwire", "Sammy Sosa"], "rbi": ["Sammy Sosa", "K"]},
    ),
    (  # 2.16
        "name: Mark McGwire\naccomplishment: >\n"
        "  Mark set a major league\n  home run record in 1998.\n"
        "stats: |\n  65 Home Runs\n  0.278 Batting Average\n",
        {
            "name": "Mark McGwire",
            "accomplishment": "Mark set a major league home run record in 1998.\n",
            "stats": "65 Home Runs\n0.278 Batting Average\n",
        },
    ),
    (  # 2.17
        'unicode: "Sosa did fine.\\u263A"\ncontrol: "\\b1998\\t1999\\t2000\\n"\n'
        'hex esc: "\\x0d\\x0a is \\r\\n"\n\nsingle: \'"Howdy!" he cried.\'\n'
        "quoted: ' # Not a ''comment''.'\ntie-fighter: '|\\-*-/|'\n",
        {
            "unicode": "Sosa did fine.☺",
            "control": "\b1998\t1999\t2000\n",
            "hex esc": "\r\n is \r\n",
            "single": '"Howdy!" he cried.',
            "quoted": " # Not a 'comment'.",
            "tie-fighter": "|\\-*-/|",
        },
    ),
    (  # 2.18
        "plain:\n  This unquoted scalar\n  spans many lines.\n"
        '\nquoted: "So does this\n  scalar."\n',
        {"plain": "This unquoted scalar spans many lines.", "quoted": "So does this scalar."},
    ),
    ("? a\n: 1\n? b\n", {"a": 1, "b": None}),
    ("a: [b: 1, c, ? d : 2]\n", {"a": [{"b": 1}, "c", {"d": 2}]}),
    ("{b: , 'c':1, \"d\": [],}\n", {"b": None, "c": 1, "d": []}),
    ("a:\n-\n- - 1\n  - 2\n-\n  b: 3\n", {"a": [None, [1, 2], {"b": 3}]}),
    ("a: 1\n...\n", {"a": 1}),
    ("\ufeffa: 1\r\nb:\r\n  - 2\r\n", {"a": 1, "b": [2]}),
    ("a: |\r\n  x\r\n  y\rb: 'p\r\n  q'\r", {"a": "x\ny\n", "b": "p q"}),
    ("x: &n 3\n&k key: *n\nz: {*k : [*n, *k]}\n", {"x": 3, "key": 3, "z": {"key": [3, "key"]}}),
    ("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
    ("a: &x [1, &x 2, *x]\nb: *x\n", {"a": [1, 2, 2], "b": 2}),
    ("m: &m <<\n*m : 1\n", {"m": "<<", "<<": 1}),
    ("'<<': 1\na: <<\n", {"<<": 1, "a": "<<"}),
    ('a: "\\0\\x01\\u0085\\L\\P\\U0001F600\\/"\n', {"a": "\0\x01\x85\u2028\u2029😀/"}),
]


@pytest.mark.usefixtures("any_parser")
@pytest.mark.parametrize(("text", "expected"), EXAMPLES)
def test_yaml_is_read_as_its_specification_says(text: str, expected: Any) -> None:
    assert repr(plain(read(text))) == repr(expected)


def test_yaml_escapes_need_no_line_of_their_own() -> None:
    assert plain(read('a: "x\\\n  y\n\n  z"\n')) == {"a": "xy\nz"}


# Places.


@pytest.mark.usefixtures("any_parser")
def test_places_of_blocks_and_brackets() -> None:
    text = (
        "# a comment\n"
        "nodes:\n"
        "  x:   {op: input, shape: [batch, 4]}   # more\n"
        "  'y': [ 1,\n"
        "    2 ]\n"
        "\n"
        "list:\n"
        "- é😀\n"
        '- "a\n'
        '   b"\n'
        "-   k: v\n"
        "    l:\n"
        "\n"
        "# end\n"
        "empty: {}\n"
        "\n"
    )
    top = read(text, "net.yaml")
    assert [str(value.span) for value in values(top)] == [
        "net.yaml:2:1",
        *("net.yaml:2:1", "net.yaml:3:3"),
        *("net.yaml:3:3", "net.yaml:3:8"),
        *("net.yaml:3:9", "net.yaml:3:13", "net.yaml:3:20", "net.yaml:3:27"),
        *("net.yaml:3:28", "net.yaml:3:35"),
        *("net.yaml:4:3", "net.yaml:4:8", "net.yaml:4:10", "net.yaml:5:5"),
        *("net.yaml:7:1", "net.yaml:8:1", "net.yaml:8:3", "net.yaml:9:3"),
        *("net.yaml:11:5", "net.yaml:11:5", "net.yaml:11:8", "net.yaml:12:5", "net.yaml:12:7"),
        *("net.yaml:15:1", "net.yaml:15:8"),
    ]
    assert excerpts(top) == [
        text[12:-2],
        "nodes",
        "x:   {op: input, shape: [batch, 4]}   # more\n  'y': [ 1,\n    2 ]",
        *("x", "{op: input, shape: [batch, 4]}"),
        *("op", "input", "shape", "[batch, 4]", "batch", "4"),
        *("'y'", "[ 1,\n    2 ]", "1", "2"),
        *("list", '- é😀\n- "a\n   b"\n-   k: v\n    l:', "é😀", '"a\n   b"'),
        *("k: v\n    l:", "k", "v", "l", ""),
        *("empty", "{}"),
    ]


def test_span_counts_from_one_and_ends_after_the_value() -> None:
    value = read("a:\n  b: [1,\n   2]\n").get("a")
    assert isinstance(value, Map)
    span = value.entries["b"].value.span
    assert span is not None
    assert (span.line, span.column, span.end_line, span.end_column) == (2, 6, 3, 6)


@pytest.mark.usefixtures("any_parser")
@pytest.mark.parametrize(
    ("text", "place"),
    [("a: 1\n? b", "2:4"), ("a: 1\nb:", "2:3"), ("a: 1\nb:\n", "2:3"), ("a: 1\nb: # c", "2:3")],
)
def test_an_empty_value_at_the_end_stands_in_the_last_line(text: str, place: str) -> None:
    assert str(read(text).entries["b"].value.span) == f"<text>:{place}"


@pytest.mark.usefixtures("any_parser")
def test_places_of_pairs_in_a_list() -> None:
    assert excerpts(read("a: [b: 1, ? c : 2 , {d: 3} ]\n"))[2:] == [
        "[b: 1, ? c : 2 , {d: 3} ]",
        *("b: 1", "b", "1"),
        *("? c : 2", "c", "2"),
        *("{d: 3}", "d", "3"),
    ]


def test_value_of_an_alias_stands_at_the_alias_and_what_it_holds_at_its_own_place() -> None:
    top = read("a: &x {b: [1]}\nc: *x\nd: [&y 2, *y]\ne: &z [3]\nf: *z\n")
    assert excerpts(top)[1:] == [
        *("a", "&x {b: [1]}", "b", "[1]", "1"),
        *("c", "*x", "b", "[1]", "1"),
        *("d", "[&y 2, *y]", "&y 2", "*y"),
        *("e", "&z [3]", "3"),
        *("f", "*z", "3"),
    ]


def test_block_scalar_ends_where_the_next_line_starts() -> None:
    value = read("a: |\n  x\n  y\nb: 1\n").get("a")
    assert value is not None
    assert (value.line, value.column, value.end_line, value.end_column) == (0, 3, 3, 0)


@pytest.mark.usefixtures("any_parser")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_places_are_the_same_whatever_ends_the_lines(end: str, mark: str) -> None:
    text = "a: [1,\n  'x']\nb:\n  c: d\n"
    top = read(mark + text.replace("\n", end))
    assert excerpts(top) == [text[:-1], "a", "[1,\n  'x']", "1", "'x'", "b", "c: d", "c", "d"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_places_in_json(end: str) -> None:
    text = '{"é😀": [1,\n\t-2.5e3 , "a\\n\\"]"],\n\n  "b" : {"c":null}, "d": [] }'
    top = read(f" \n{text}\n ".replace("\n", end), json=True)
    assert excerpts(top) == [
        text,
        *('"é😀"', '[1,\n\t-2.5e3 , "a\\n\\"]"]', "1", "-2.5e3", '"a\\n\\"]"'),
        *('"b"', '{"c":null}', '"c"', "null", '"d"', "[]"),
    ]


# Laws over data of any kind. A text may hold every character but halves of surrogate pairs, which
# are no characters.

any_text = st.text(st.characters(exclude_categories=["Cs"]))
# JSON escapes only what is below U+0020. YAML 1.2 wants DEL, the C1 controls, and U+FFFE and
# U+FFFF escaped too; the reader wants that of the line ends of YAML 1.1 and of U+FEFF besides.
yaml_text = st.text(
    st.characters(
        exclude_categories=["Cs"],
        exclude_characters=[*map(chr, range(0x7F, 0xA0)), *"\u2028\u2029\ufeff\ufffe\uffff"],
    )
)
layouts = st.sampled_from([{"separators": (",", ":")}, {}, {"indent": 1}, {"indent": 4}])


def check_places_of_json(top: Map) -> None:
    """The text at the place of each value is that value."""
    for value in values(top):
        assert repr(json.loads(excerpt(value))) == repr(plain(value))


@given(documents(any_text), layouts, st.booleans())
def test_json_is_read_as_it_was_written(data: Any, layout: Any, escaped: bool) -> None:
    text = json.dumps(data, ensure_ascii=escaped, **layout)
    top = read(text, json=True)
    assert repr(plain(top)) == repr(data)
    check_places_of_json(top)


@given(documents(yaml_text), layouts)
@example({"\0\x1f": "\t /"}, {})
def test_json_is_yaml_with_the_same_values_and_places(data: Any, layout: Any) -> None:
    text = json.dumps(data, ensure_ascii=False, **layout)
    top = read(text)
    assert repr(plain(top)) == repr(data)
    check_places_of_json(top)


class _Dumper(yaml.SafeDumper):
    """Writes block YAML with every text in quotes, since PyYAML knows the words of 1.1 alone."""


_Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


@given(documents(any_text), st.sampled_from([False, None, True]), st.integers(2, 9), st.booleans())
def test_yaml_is_read_as_pyyaml_wrote_it(
    data: Any, flow: bool | None, indent: int, unicode: bool
) -> None:
    shared = {"first": data, "again": [data, data]}  # written with an anchor and aliases
    text = yaml.dump(
        shared,
        Dumper=_Dumper,
        default_flow_style=flow,
        indent=indent,
        allow_unicode=unicode,
        width=2**31,  # PyYAML folds some texts wrongly, into others
        sort_keys=False,
    )
    top = read(text)
    assert repr(plain(top)) == repr(shared)
    check_order_of_places(top)


def check_order_of_places(top: Map) -> None:
    """Places lie in the text, in its order, within those of their collections."""
    lines = top.source.text.split("\n")
    waiting: list[Value] = [top]
    while waiting:
        value = waiting.pop()
        assert 0 <= value.line <= value.end_line < len(lines)
        assert 0 <= value.column <= len(lines[value.line])
        assert 0 <= value.end_column <= len(lines[value.end_line])
        if excerpt(value).startswith("*"):  # what an alias repeats stands elsewhere
            continue
        children = (
            value.items
            if isinstance(value, Seq)
            else [part for entry in value.entries.values() for part in (entry.key, entry.value)]
            if isinstance(value, Map)
            else []
        )
        bounds = [(value.line, value.column)]
        for child in children:
            bounds += [(child.line, child.column), (child.end_line, child.end_column)]
        bounds.append((value.end_line, value.end_column))
        assert bounds == sorted(bounds)
        waiting.extend(children)


# Files.


@pytest.mark.parametrize("name", ["net.json", "net.JSON", "net.Json"])
def test_suffix_json_selects_json(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("a: 1\n")
    with pytest.raises(SpecError, match="json-syntax"):
        read_file(path)
    path.write_text('{"a": "\x7f"}')
    assert plain(read_file(path)) == {"a": "\x7f"}


@pytest.mark.parametrize("name", ["net.yaml", "net.yml", "net", "json", ".json", "net.json.txt"])
def test_any_other_suffix_selects_yaml(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes("\ufeffa: é  # not JSON\n".encode())
    top = read_file(path)
    assert plain(top) == {"a": "é"}
    assert top.source.name == str(path)
    assert str(top.span) == f"{path}:1:1"


def test_all_values_share_one_source() -> None:
    top = read("a: &x [1, {b: 2}]\nc: *x\n", "net")
    assert {id(value.source) for value in values(top)} == {id(top.source)}
    assert top.source.name == "net"


def test_limits_are_inclusive() -> None:
    text = "a: &x [bcd, 12]\ne: *x\n"
    exact = Limits(
        bytes=len(text), depth=2, values=9, aliases=1, key_length=1, number_length=2, faults=1
    )
    assert plain(read(text, limits=exact)) == {"a": ["bcd", 12], "e": ["bcd", 12]}


@pytest.mark.parametrize("text", ["'k:l':\n", "{k:l: }", "{k:l: # end\n}", "? k:l\n"])
def test_a_key_with_a_colon_may_have_an_empty_value(text):
    assert plain(reader.read(text)) == {"k:l": None}
