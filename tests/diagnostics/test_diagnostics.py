"""Diagnostics as people read them, and as programs do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphnn.diagnostics import (
    Diagnostic,
    Findings,
    GraphnnError,
    Note,
    RunError,
    Source,
    Span,
    SpecError,
    UsageError,
    counted,
    listed,
    nearest,
    printable,
    suggestion,
)
from graphnn.diagnostics import _excerpts as excerpts

TEXT = "graphnn: 1\nnodes:\n  y: {op: relu}\n"
SOURCE = Source("net.yaml", TEXT)


def span(line, column, end_line, end_column, source=SOURCE):
    return Span(source, line, column, end_line, end_column)


def shown(text, column, end_column, *, line=1, label="", end_line=None):
    place = Span(Source("a", text), line, column, end_line or line, end_column)
    return str(Diagnostic("code", "message", place, label))


def test_everything_that_a_diagnostic_may_have():
    found = Diagnostic(
        "unknown-op",
        "there is no op 'relu'",
        span(3, 11, 3, 15),
        "here",
        (
            Note("first given here", span(1, 10, 1, 11)),
            Note("elsewhere", Span(Source("other.yaml"), 7, 3, 7, 4)),
            Note("nowhere"),
        ),
        "did you mean 'elu'?",
    )
    assert str(found) == (
        "error[unknown-op]: there is no op 'relu'\n"
        "  --> net.yaml:3:11\n"
        "   |\n"
        " 1 | graphnn: 1\n"
        "   |          - first given here\n"
        " 2 | nodes:\n"
        " 3 |   y: {op: relu}\n"
        "   |           ^^^^ here\n"
        "   = note: elsewhere  (other.yaml:7:3)\n"
        "   = note: nowhere\n"
        "   = help: did you mean 'elu'?\n"
    )


def test_segments_are_the_text_with_styles():
    found = Diagnostic("a-code", "m", span(1, 1, 1, 8), "l", (Note("n"),), "h", severity="warning")
    assert list(found.segments()) == [
        ("warning", "warning[a-code]"),
        ("message", ": m\n"),
        ("gutter", "  --> "),
        ("place", "net.yaml:1:1\n"),
        ("gutter", "   |\n"),
        ("gutter", " 1 |"),
        ("text", " graphnn: 1\n"),
        ("gutter", "   | "),
        ("warning", "^^^^^^^"),
        ("warning", " l"),
        ("text", "\n"),
        ("gutter", "   = "),
        ("note", "note"),
        ("text", ": n\n"),
        ("gutter", "   = "),
        ("help", "help"),
        ("text", ": h\n"),
    ]


def test_without_a_place():
    found = Diagnostic("code", "message", notes=(Note("why"),), help="what to do")
    assert str(found) == ("error[code]: message\n   = note: why\n   = help: what to do\n")


def test_a_note_in_a_text_where_the_fault_has_no_place():
    found = Diagnostic("code", "message", notes=(Note("why", span(1, 1, 1, 2)),))
    assert str(found) == "error[code]: message\n   = note: why  (net.yaml:1:1)\n"


def test_line_numbers_of_several_digits():
    text = "\n" * 1233 + "x: 1\n"
    assert shown(text, 4, 5, line=1234) == (
        "error[code]: message\n     --> a:1234:4\n      |\n 1234 | x: 1\n      |    ^\n"
    )


def test_a_line_that_is_empty_or_not_there():
    assert shown("", 1, 1) == "error[code]: message\n  --> a:1:1\n"
    assert shown("a\n\nb", 1, 1, line=2) == "error[code]: message\n  --> a:2:1\n"
    assert shown("a\n", 1, 1, line=9) == "error[code]: message\n  --> a:9:1\n"


def test_a_place_at_the_end_of_a_line_has_one_caret():
    assert shown("abc\n", 4, 4) == (
        "error[code]: message\n  --> a:1:4\n   |\n 1 | abc\n   |    ^\n"
    )


def test_an_end_beyond_the_line_is_cut():
    assert shown("abc", 2, 99) == ("error[code]: message\n  --> a:1:2\n   |\n 1 | abc\n   |  ^^\n")


def test_a_span_of_several_lines_marks_the_first_to_its_end():
    assert shown("nodes: {a: 1,\n  b: 2}\n", 8, 8, end_line=2) == (
        "error[code]: message\n  --> a:1:8\n   |\n 1 | nodes: {a: 1,\n   |        ^^^^^^\n"
    )


def test_tabs_and_control_characters_keep_the_carets_in_place():
    assert shown("\ta\x1b[31m\u202eb: c\r\n", 11, 12) == (
        "error[code]: message\n  --> a:1:11\n   |\n 1 |  a\ufffd[31m\ufffdb: c\n   |           ^\n"
    )


def test_nothing_that_moves_text_comes_out():
    nasty = "\x1b]0;title\x07\r\n\u200b"
    place = Span(Source(nasty, f"{nasty[:9]}\n"), 1, 1, 1, 2)
    note = Note(nasty, Span(Source(nasty + "2"), 1, 1, 1, 1))
    found = str(Diagnostic("code", nasty, place, nasty, (note,), nasty))
    assert all(line.isprintable() for line in found.split("\n"))
    assert len(found.split("\n")) == 8


def test_a_long_line_is_shown_as_a_window_around_the_fault():
    line = "".join(str(number % 10) for number in range(1000))
    for start, first, caret in (
        (1, 0, 0),
        (41, 0, 40),
        (42, 1, 40),
        (500, 459, 40),
        (1000, 840, 159),
    ):
        assert shown(line, start, start + 1) == (
            "error[code]: message\n"
            f"  --> a:1:{start}\n"
            "   |\n"
            f" 1 | {line[first : first + 160]}\n"
            f"   | {' ' * caret}^\n"
        )


def test_marks_end_with_the_window():
    line = "x" * 500
    assert shown(line, 101, 401, label="too much").splitlines()[-1] == (
        "   | " + " " * 40 + "^" * 120 + " too much"
    )


def test_a_line_of_160_characters_is_shown_whole():
    line = "x" * 159 + "y"
    assert shown(line, 160, 161).splitlines()[-2:] == [f" 1 | {line}", "   | " + " " * 159 + "^"]


def test_as_dict():
    found = Diagnostic(
        "code",
        "a\x00message",
        span(3, 3, 3, 4),
        "label",
        (Note("why", span(1, 1, 2, 5)), Note("because")),
        "help",
    )
    nowhere = dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    assert found.as_dict() == {
        "code": "code",
        "severity": "error",
        "message": "a\x00message",
        "file": "net.yaml",
        "line": 3,
        "column": 3,
        "end_line": 3,
        "end_column": 4,
        "label": "label",
        "notes": [
            {
                "message": "why",
                "file": "net.yaml",
                "line": 1,
                "column": 1,
                "end_line": 2,
                "end_column": 5,
            },
            {"message": "because", **nowhere},
        ],
        "help": "help",
    }
    plain = Diagnostic("c", "m", severity="warning").as_dict()
    assert plain == {
        "code": "c",
        "severity": "warning",
        "message": "m",
        **nowhere,
        "label": "",
        "notes": [],
        "help": "",
    }


def test_a_span_as_text():
    assert str(span(3, 11, 3, 15)) == "net.yaml:3:11"


@pytest.mark.parametrize(
    ("number", "line"), [(1, "graphnn: 1"), (3, "  y: {op: relu}"), (4, ""), (5, ""), (99, "")]
)
def test_lines_of_a_source(number, line):
    assert SOURCE.line(number) == line


@given(st.lists(st.text("ab", max_size=5), min_size=1, max_size=30), st.integers(1, 9))
def test_lines_are_found_block_by_block(lines, block):
    source = Source("a", "\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(excerpts, "_BLOCK", block)
        found = [source.line(number) for number in range(1, len(lines) + 20)]
    assert found == lines + [""] * 19


def test_a_last_line_without_an_end():
    assert Source("a", "x\r\ny").line(1) == "x"
    assert Source("a", "x\r\ny").line(2) == "y"


def test_sources_are_one_by_name():
    assert Source("a", "text") == Source("a", "other")
    assert Source("a") != Source("b")
    assert repr(Source("a", "text")) == "Source(name='a')"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sigmod", "sigmoid"),
        ("Sigmoid", "sigmoid"),
        ("TANH", "tanh"),
        ("relus", "relu"),
        ("perceptron", None),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_nearest(name, found):
    assert nearest(name, ["sigmoid", "tanh", "relu"]) == found


def test_nearest_keeps_the_case_of_what_it_finds():
    assert nearest("w1", ["W1", "b1"]) == "W1"
    assert nearest("anything", []) is None
    assert nearest(3, ["three"]) is None  # a key of a mapping given in Python


def test_suggestion():
    assert suggestion("sigmod", ["sigmoid"], "look it up") == "did you mean 'sigmoid'?"
    assert suggestion("zzz", ["sigmoid"], "look it up") == "look it up"
    assert suggestion("zzz", ["sigmoid"]) == ""


def test_counted():
    assert counted(1, "row") == "1 row"
    assert [counted(n, noun) for n, noun in [(0, "row"), (2, "axis"), (1000, "entry")]] == [
        "0 rows",
        "2 axes",
        "1,000 entries",
    ]


def test_listed():
    assert listed(["a", "b"]) == "a, b"
    assert listed([]) == ""
    many = [f"n{number}" for number in range(1000)]
    text = listed(many)
    names = text.split(" and ")[0].split(", ")
    assert names == many[: len(names)]
    assert text.endswith(f" and {1000 - len(names)} more")


def test_printable_leaves_what_can_be_seen():
    assert printable("naïve 日本 😀") == "naïve 日本 😀"
    assert printable("a\tb\x00c\ud800") == "a b\ufffdc\ufffd"


def test_errors_carry_their_diagnostics():
    first, second = Diagnostic("a", "one"), Diagnostic("b", "two", help="do")
    error = SpecError(first, second)
    assert error.diagnostics == (first, second)
    assert str(error) == "error[a]: one\n\nerror[b]: two\n   = help: do"
    assert isinstance(error, GraphnnError)
    assert issubclass(UsageError, ValueError)


def test_findings_are_sorted_by_place_and_what_has_none_comes_last():
    findings = Findings()
    findings.error("e", "no place")
    findings.warning("d", "a warning", span(3, 1, 3, 2), label="l", notes=(Note("n"),), help="h")
    findings.error("c", "third", span(3, 1, 3, 2), label="l", notes=(Note("n"),), help="h")
    findings.error("b", "second", span(1, 9, 1, 10))
    findings.add(Diagnostic("a", "first", span(9, 9, 9, 9, Source("a.yaml"))))
    assert [found.code for found in findings.sorted()] == ["a", "b", "d", "c", "e"]
    assert [found.code for found in findings.errors] == ["a", "b", "c", "e"]
    (warning,) = findings.warnings
    assert warning == Diagnostic(
        "d", "a warning", span(3, 1, 3, 2), "l", (Note("n"),), "h", "warning"
    )
    assert findings.errors[2] == Diagnostic("c", "third", span(3, 1, 3, 2), "l", (Note("n"),), "h")
    with pytest.raises(RunError) as caught:
        findings.raise_errors(RunError)
    assert caught.value.diagnostics == findings.errors


def test_warnings_raise_nothing():
    findings = Findings()
    findings.raise_errors()
    findings.warning("w", "only a warning")
    findings.raise_errors()
    assert [found.code for found in findings.sorted()] == ["w"]


def test_findings_stop_at_a_limit():
    findings = Findings(2, RunError)
    for number in range(5):
        findings.warning("idle", f"{number} idles", span(1, 5 - number, 1, 9))
    findings.error("last", "has no place")
    assert [str(found) for found in findings.warnings] == [
        str(Diagnostic("idle", f"{n} idles", span(1, 5 - n, 1, 9), severity="warning"))
        for n in (1, 0)
    ] + ["warning[too-many-warnings]: there are 3 more warnings\n"]
    with pytest.raises(RunError) as caught:
        findings.error("first", "has one", span(1, 1, 1, 2))
    assert [str(found).split("\n")[0] for found in caught.value.diagnostics] == [
        "error[first]: has one",
        "error[last]: has no place",
        "error[too-many-faults]: checking stopped after 2 faults",
    ]
