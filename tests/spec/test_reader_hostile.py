"""Texts and files that mean harm, or are damaged: each ends in a diagnostic, and soon."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graphnn.diagnostics import FileError, GraphnnError, SpecError
from graphnn.spec import reader
from graphnn.spec.reader import Limits, read, read_file
from graphnn.spec.values import Map, plain

PARSERS = [yaml.SafeLoader] + ([yaml.CLoader] if yaml.__with_libyaml__ else [])


def reported(text: str, *, json: bool = False, limits: Limits | None = None) -> str:
    """What the reader says of `text`."""
    with pytest.raises(SpecError) as caught:
        read(text, "net", json=json, limits=limits or Limits())
    return f"\n{caught.value}\n"


def reported_of(path: Path, limits: Limits | None = None) -> str:
    """What the reader says of the file at `path`."""
    with pytest.raises(GraphnnError) as caught:
        read_file(path, limits or Limits())
    return f"\n{caught.value}\n"


# Limits.

DEEP = {
    "brackets": ("[" * 100_000, False, "1:65"),
    "braces": ("{a: " * 100_000, False, "1:257"),
    "dashes": ("- " * 100_000, False, "1:129"),
    "question marks": ("? " * 100_000, False, "1:129"),
    "indents": ("".join(f"{' ' * depth}a:\n" for depth in range(2000)), False, "65:65"),
    "closed brackets": ("[" * 100_000 + "]" * 100_000, False, "1:65"),
    "JSON brackets": ("[" * 100_000, True, "1:65"),
    "JSON braces": ('{"a":' * 100_000, True, "1:321"),
    "JSON closed brackets": ("[" * 100_000 + "]" * 100_000, True, "1:65"),
}


@pytest.mark.parametrize(("text", "json", "place"), DEEP.values(), ids=list(DEEP))
def test_deep_nesting_stops_at_the_limit(text: str, json: bool, place: str) -> None:
    first, where, *_ = reported(text, json=json).strip("\n").split("\n")
    assert first == "error[too-deep]: values are nested more than 64 deep"
    assert where.strip() == f"--> net:{place}"


def test_depth_at_the_limit_is_read() -> None:
    text = '{"a":' + "[" * 63 + "]" * 63 + "}"
    assert plain(read(text)) == plain(read(text, json=True)) == json.loads(text)


def test_depth_through_aliases_is_counted() -> None:
    text = "a: &a [[1]]\nb: &b [[*a]]\nc: [*b]\n"
    assert plain(read(text, limits=Limits(depth=6)))["c"] == [[[[[1]]]]]
    expected = """
error[too-deep]: values are nested more than 5 deep
  --> net:3:5
   |
 3 | c: [*b]
   |     ^^
"""
    assert reported(text, limits=Limits(depth=5)) == expected


def test_billion_laughs_stop_at_the_limit() -> None:
    # Values and keys up to line n: 1 + 11 + 92 + 821 + ..., 672,610 before a6; *a5 adds 597,871.
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
    expected = """
error[too-many-values]: 'net' holds more than 820,000 values
  --> net:7:10
   |
 7 | a6: &a6 [*a5, *a5, *a5, *a5, *a5, *a5, *a5, *a5, *a5]
   |          ^^^
   = help: keep large arrays in a file of weights
"""
    assert reported("\n".join(lines)) == expected


@pytest.mark.parametrize("json", [False, True])
def test_too_many_values(json: bool) -> None:
    expected = """
error[too-many-values]: 'net' holds more than 5 values
  --> net:1:14
   |
 1 | {"a": [1, 2, 3]}
   |              ^
   = help: keep large arrays in a file of weights
"""
    assert reported('{"a": [1, 2, 3]}', json=json, limits=Limits(values=5)) == expected


@pytest.mark.parametrize(
    ("limits", "said"),
    [(Limits(values=4), "4 values"), (Limits(collections=3), "3 lists and mappings")],
)
def test_too_many_collections(limits: Limits, said: str) -> None:
    expected = f"""
error[too-many-values]: 'net' holds more than {said}
  --> net:1:9
   |
 1 | a: [[], []]
   |         ^
   = help: keep large arrays in a file of weights
"""
    assert reported("a: [[], []]\n", limits=limits) == expected


def test_too_many_aliases() -> None:
    expected = """
error[too-many-aliases]: 'net' holds more than 2 aliases
  --> net:2:13
   |
 2 | b: [*x, *x, *x]
   |             ^^
"""
    assert reported("a: &x 1\nb: [*x, *x, *x]\n", limits=Limits(aliases=2)) == expected


def test_too_many_anchors() -> None:
    expected = """
error[too-many-anchors]: 'net' holds more than 2 anchors
  --> net:2:11
   |
 2 | b: [&x 2, &x 3]
   |           ^^^^
"""
    assert reported("a: &x 1\nb: [&x 2, &x 3]\n", limits=Limits(aliases=2)) == expected


def test_a_million_anchors_stop_at_the_limit() -> None:
    text = "a: [" + ",".join(f"&a{n} x" for n in range(1_000_000)) + "]"
    assert reported(text).startswith(
        "\nerror[too-many-anchors]: 'net' holds more than 100,000 anchors\n  --> net:1:"
    )


def test_too_many_faults() -> None:
    expected = """
error[duplicate-key]: the key 'a' is given twice in one mapping
  --> net:2:1
   |
 1 | a: 1
   | - first given here
 2 | a: 1
   | ^
   = help: remove one of the two, or rename it

error[duplicate-key]: the key 'a' is given twice in one mapping
  --> net:3:1
   |
 1 | a: 1
   | - first given here
 2 | a: 1
 3 | a: 1
   | ^
   = help: remove one of the two, or rename it

error[too-many-faults]: reading stopped after 2 faults
  --> net:3:1
   |
 3 | a: 1
   | ^
"""
    assert reported("a: 1\n" * 1_000_000, limits=Limits(faults=2)) == expected


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("*nothing", "unknown-alias"),
        ("!tag x", "tag-not-allowed"),
        (".inf", "non-finite-number"),
        ("<<: 1", "merge-key"),
        ("? []", "key-not-text"),
    ],
)
def test_a_hundred_faults_are_enough(item: str, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        read("a: [" + f"{item}," * 100_000 + "]")
    codes = [diagnostic.code for diagnostic in caught.value.diagnostics]
    assert codes == [code] * 100 + ["too-many-faults"]


def test_key_too_long() -> None:
    expected = """
error[key-too-long]: the key 'abcdef' has 6 characters, more than 5
  --> net:1:1
   |
 1 | abcdef: 1
   | ^^^^^^
"""
    assert reported("abcdef: 1\nok: 2\n", limits=Limits(key_length=5)) == expected


@pytest.mark.parametrize("json", [False, True])
def test_numbers_too_long(json: bool) -> None:
    text = f'{{"a": {"1" * 50}, "b": 0.{"0" * 49}}}'
    expected = f"""
error[number-too-long]: the number '{"1" * 40}...' has 50 characters
  --> net:1:7
   |
 1 | {text}
   |       {"^" * 50}
   = help: 17 digits give any float64 exactly; put a text in quotes

error[number-too-long]: the number '0.{"0" * 38}...' has 51 characters
  --> net:1:64
   |
 1 | {text}
   |{" " * 64}{"^" * 51}
   = help: 17 digits give any float64 exactly; put a text in quotes
"""
    assert reported(text, json=json, limits=Limits(number_length=20)) == expected


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("9" * 309, "non-finite-number"),
        ("-" + "9" * 1099, "non-finite-number"),
        ("0x" + "f" * 1098, "non-finite-number"),
        ("0o" + "7" * 1098, "non-finite-number"),
        ("9" * 1101, "number-too-long"),
        ("9" * 1_000_000, "number-too-long"),
        ("0x" + "f" * 1_000_000, "number-too-long"),
        ("1e" + "9" * 1_000_000, "number-too-long"),
        ("0." + "9" * 1_000_000, "number-too-long"),
    ],
)
def test_numbers_beyond_float64(word: str, code: str) -> None:
    assert reported(f"a: {word}\n").startswith(f"\nerror[{code}]: ")


def test_limit_above_the_one_of_python_is_no_traceback() -> None:
    said = reported(f"a: {'0' * 5000}1\n", limits=Limits(number_length=10_000))
    assert said.startswith(f"\nerror[number-too-long]: the number '{'0' * 40}...' has 5,001 ")


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize("text", ["{}          ", "{é}", "\ud800" * 4])
def test_text_too_large(text: str, json: bool) -> None:
    limits = Limits(bytes=len(text.encode("utf-8", "surrogatepass")) - 1)
    name = f"{limits.bytes / 2**20:g}"
    assert reported(text, json=json, limits=limits) == (
        f"\nerror[file-too-large]: 'net' is larger than {name} MiB\n"
    )


HUGE = {
    "word": ("a: " + "x" * 5_000_000, False),
    "single quotes": ("a: '" + "x" * 5_000_000 + "'", False),
    "escapes": ('a: "' + "\\n" * 2_500_000 + '"', False),
    "folded": ("a: >\n" + "  x\n\n" * 1_000_000, False),
    "comments": ("# x\n" * 1_000_000 + "a: 1", False),
    "blank lines": ("\n" * 5_000_000 + "a: 1", False),
    "spaces": ("a:" + " " * 5_000_000 + "1", False),
    "anchor": ("a: &" + "x" * 5_000_000 + " 1", False),
    "JSON text": ('{"a": "' + "x" * 5_000_000 + '"}', True),
    "JSON escapes": ('{"a": "' + "\\n" * 2_500_000 + '"}', True),
    "JSON spaces": (" " * 5_000_000 + "{}" + " " * 5_000_000, True),
    "JSON lines": ("{" + " \n" * 2_500_000 + "}", True),
}


@pytest.mark.parametrize(("text", "json"), HUGE.values(), ids=list(HUGE))
def test_huge_but_sound_texts_are_read(text: str, json: bool) -> None:
    assert len(read(text, json=json).entries) <= 1


BROKEN = {
    "key": ("x" * 5_000_000 + ": 1", "yaml-syntax"),
    "alias": ("a: *" + "x" * 5_000_000, "unknown-alias"),
    "tag": ("a: !" + "x" * 5_000_000, "tag-not-allowed"),
    "directive": ("%" + "x" * 5_000_000, "directive-not-allowed"),
    "colons": (":" * 1_000_000, "yaml-syntax"),
    "closers": ("a: " + "]" * 1_000_000, "yaml-syntax"),
    "quotes": ("'" * 5_000_001, "yaml-syntax"),
    "lines before the fault": ("a: [\n" + "1,\n" * 100_000 + "@]", "yaml-syntax"),
    "empty keys": ("? \n" * 100_000, "too-many-faults"),
    "documents": ("---\n" * 1_000_000, "several-documents"),
}


@pytest.mark.parametrize(("text", "code"), BROKEN.values(), ids=list(BROKEN))
def test_huge_broken_texts_are_reported(text: str, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(text)
    assert caught.value.diagnostics[-1].code == code
    assert len(str(caught.value)) < 100_000


# Bytes.


def test_an_onnx_model_in_place_of_a_spec(tmp_path: Path) -> None:
    path = tmp_path / "a net.onnx"
    path.write_bytes(b"\x08\x0d\xff")
    last = reported_of(path).splitlines()[-1]
    assert last == (
        f"   = help: an ONNX model is written as a spec by: graphnn import '{path}' -o FOLDER"
    )


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes("a: é\r\nb: né".encode() + "é: 1\r\n".encode("latin-1"))
    expected = f"""
error[bad-encoding]: the byte 0xe9 does not belong here in UTF-8
  --> {path}:2:6
   |
 2 | b: né\N{REPLACEMENT CHARACTER}: 1
   |      ^
   = help: save the file as UTF-8
"""
    assert reported_of(path) == expected


@pytest.mark.parametrize(
    ("content", "byte", "place"),
    [
        (b"\xff", "ff", "1:1"),
        (b"\xef\xbb\xbf\xff", "ff", "1:1"),
        (b"a: \xc0\x80", "c0", "1:4"),
        (b"a: 1\n\nb: \xed\xa0\x80", "ed", "3:4"),
        (b"a: 1\r\xf4\x90\x80\x80", "f4", "2:1"),
        (b"a: \xf0\x9f\x98\x80\xe2\x82", "e2", "1:5"),
    ],
)
def test_first_bad_byte_is_reported(tmp_path: Path, content: bytes, byte: str, place: str) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        read_file(path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "bad-encoding"
    assert diagnostic.message == f"the byte 0x{byte} does not belong here in UTF-8"
    assert str(diagnostic.span) == f"{path}:{place}"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_other_encodings_are_named(tmp_path: Path, encoding: str, suffix: str) -> None:
    path = tmp_path / f"net.{suffix}"
    path.write_bytes('\ufeff{"a": 1}'.encode(encoding))
    expected = f"""
error[bad-encoding]: '{path}' is in {encoding[:6].upper()}, not in UTF-8
  --> {path}:1:1
   = help: save the file as UTF-8
"""
    assert reported_of(path) == expected


def test_utf16_without_a_mark_is_guessed(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes("a: 1".encode("utf-16-le"))
    bad = "\N{REPLACEMENT CHARACTER}"
    expected = f"""
error[bad-character]: the character U+0000 is not allowed here
  --> {path}:1:2
   |
 1 | a{bad}:{bad} {bad}1{bad}
   |  ^
   = help: is it UTF-16? save the file as UTF-8
"""
    assert reported_of(path) == expected


# Files.


def test_file_too_large(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(b"a: 1\n" + b"#" * 2**20)
    assert reported_of(path, Limits(bytes=2**20)) == (
        f"\nerror[file-too-large]: '{path}' is larger than 1 MiB\n"
    )


def test_missing_file_with_a_near_name(tmp_path: Path) -> None:
    (tmp_path / "two_layer.yaml").write_text("a: 1\n")
    path = tmp_path / "two_layers.yaml"
    expected = f"""
error[no-such-file]: there is no file '{path}'
   = help: did you mean 'two_layer.yaml'?
"""
    assert reported_of(path) == expected


def test_folder_is_no_file(tmp_path: Path) -> None:
    assert reported_of(tmp_path) == f"\nerror[not-a-file]: '{tmp_path}' is a folder, not a file\n"


def test_pipe_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    os.mkfifo(path)
    assert reported_of(path) == f"\nerror[not-a-file]: '{path}' is not a regular file\n"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no such device here")
def test_device_is_no_file() -> None:
    assert reported_of(Path("/dev/zero")) == (
        "\nerror[not-a-file]: '/dev/zero' is not a regular file\n"
    )


def test_name_with_a_null_character_is_no_file() -> None:
    with pytest.raises(FileError, match="unreadable-file"):
        read_file(Path("a\0b"))


# Any text: a mapping or a SpecError, nothing else.

yaml_characters = st.sampled_from(
    "ab01.~ \n\t:-?[]{},&*!|>'\"%@`#<=_\\/+eExUuN"
    "\r\x85\u2028\u2029\ufeff\x00\x07\x1f\x7fé😀\ud800\uffff"
)
yaml_pieces = st.sampled_from(
    [
        *("a: ", "- ", "? ", ": ", "\n", "\n  ", "\n    ", "\t", "[", "]", "{", "}", ", ", "#"),
        *("&a ", "*a", "&b ", "*b ", "!t ", "!!str ", "!<%ff>", "!<%ed%a0%80> ", "%YAML 1.1\n"),
        *("%TAG ! x\n", "---\n", "--- ", "...\n", "|\n", ">-\n  ", "|2\n", "'", '"', "''", "\\"),
        *("\\ud800", "\\U00110000", "\\Uffffffff", "\\x4", "\\", "<<: ", "<<", "~", "null"),
        *("true", ".inf", "-.INF", ".nan", "1e999", "1e-3", "0x1F", "0o8", "12", "a", "bc d"),
        *("@", "`", "%", "é", "😀", "\r", "\r\n", "\ufeff", "\x85", "\u2028", "'a': ", '"b":'),
    ]
)
any_characters = st.text(st.characters())
yaml_texts = (
    any_characters
    | st.text(yaml_characters)
    | st.lists(yaml_pieces, max_size=40).map("".join)
    | st.lists(yaml_pieces | st.text(max_size=3), max_size=12).map(
        lambda parts: "a: " + "".join(parts)
    )
)


@pytest.mark.parametrize("parser", PARSERS)
@settings(max_examples=150)
@given(text=yaml_texts)
@example('a: "\\U00110000"')
@example('a: "\\Uffffffff"')
@example('a: "\\ud800"')
@example("a: !<%ed%a0%80> x")
@example("%TAG ! %ed%a0%80\n---\na: !x 1")
@example("%YAML 1." + "9" * 5000 + "\n---\na: 1")
@example("a: !<%00> x")
@example("a: \ud800")
@example("*a")
@example("{? [")
@example("[? : ,")
@example("a: [\n]: b")
@example("- ?")
@example("?")
@example("? &a")
@example("\ufeff\ufeff")
def test_any_text_is_read_or_refused(parser: Any, text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_PARSER", parser)
        check_read_or_refused(text, json=False)


@settings(max_examples=300)
@given(
    st.text(st.characters())
    | st.text(st.sampled_from('{}[],:"\\/u0e1-+.tfn \n\t\rDd8\x00\x1fé\ud800'))
)
@example('{"a": "\\')
@example('"')
@example("{" * 2000)
def test_any_json_is_read_or_refused(text: str) -> None:
    check_read_or_refused(text, json=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary()
    | yaml_texts.map(lambda text: text.encode("utf-8", "surrogatepass"))
    | yaml_texts.map(lambda text: text.encode("utf-16", "surrogatepass")),
    st.sampled_from(["yaml", "json"]),
)
def test_any_file_is_read_or_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"net.{suffix}"
    path.write_bytes(content)
    try:
        top = read_file(path)
    except SpecError as error:
        check_diagnostics(error)
    else:
        assert isinstance(top, Map)


def check_read_or_refused(text: str, *, json: bool) -> None:
    try:
        top = read(text, json=json)
    except SpecError as error:
        check_diagnostics(error)
    else:
        assert isinstance(top, Map)
        assert isinstance(plain(top), dict)


def check_diagnostics(error: SpecError) -> None:
    """Each has a place in the text, or just after it, and can be shown."""
    assert error.diagnostics
    assert str(error).startswith("error[")
    for diagnostic in error.diagnostics:
        assert diagnostic.severity == "error"
        assert diagnostic.span is not None
        spans = [diagnostic.span, *(note.span for note in diagnostic.notes if note.span)]
        for span in spans:
            lines = span.source.text.split("\n")
            assert 1 <= span.line <= span.end_line <= len(lines)
            assert 1 <= span.column <= len(lines[span.line - 1]) + 1


# Damaged JSON: refused exactly when Python's own parser refuses it.


def judged(text: str) -> Any:
    """The mapping that `json.loads` makes of `text`; ValueError where this language refuses it."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(found)) < len(found):
            raise ValueError("duplicate keys")
        return dict(found)

    def constant(word: str) -> None:
        raise ValueError(word)

    found = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    if not isinstance(found, dict):
        raise ValueError("not a mapping")
    json.dumps(found, allow_nan=False)  # a ValueError for infinity, such as 1e999
    json.dumps(found, ensure_ascii=False).encode()  # likewise for half a surrogate pair
    return found


SOUND = [
    '{"a": [1, -2.5e3, true, null, "x\\n\\u00e9"], "b": {"c": {}, "d": []}}',
    '{\n  "op": "affine",\n  "units": 1e-3\n}',
    '{"": [[], [[]], {"": 0}], "\\ud83d\\ude00": "\\"\\\\"}',
]
STROKES = [*'{}[],:"\\ \n\t0-1.eE+aunt/', "true", "null", "NaN", "Infinity", "é", "\\ud800", "\x1f"]


def damaged() -> Iterator[str]:
    """Sound texts with one stroke put in, taken out or replaced, at every place."""
    for text in SOUND:
        for place, stroke in product(range(len(text) + 1), [*STROKES, ""]):
            yield text[:place] + stroke + text[place:]
            yield text[:place] + stroke + text[place + 1 :]


def test_json_damaged_once_is_judged_as_python_judges_it() -> None:
    for text in set(damaged()):
        check_judgement(text)


@given(st.sampled_from(SOUND), st.integers(0, 2**32), st.integers(2, 5))
def test_json_damaged_more_is_judged_as_python_judges_it(text: str, seed: int, times: int) -> None:
    chance = random.Random(seed)
    for _ in range(times):
        place = chance.randrange(len(text) + 1)
        text = text[:place] + chance.choice(STROKES) + text[place + chance.randrange(2) :]
    check_judgement(text)


def check_judgement(text: str) -> None:
    try:
        expected = judged(text)
    except ValueError:
        with pytest.raises(SpecError):
            read(text, json=True)
    else:
        assert repr(plain(read(text, json=True))) == repr(expected)
