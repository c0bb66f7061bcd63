"""Several marks of one diagnostic: on one line, on several, and in several files."""

from __future__ import annotations

import pytest

from graphnn.diagnostics import Diagnostic, Note, Source, Span

TEXT = "one two three\nfour\nfive\n\nsix seven\n"
SOURCE = Source("a", TEXT)


def at(line, start, end, source=SOURCE):
    return Span(source, line, start + 1, line, end + 1)


def shown(span, *notes, label="", help=""):
    found = Diagnostic("c", "m", span, label, tuple(Note(*note) for note in notes), help)
    return str(found).removeprefix("error[c]: m\n")


def test_marks_of_one_line_from_right_to_left():
    first, second, third = at(1, 0, 3), at(1, 4, 7), at(1, 8, 13)
    assert shown(second, ("left", first), ("right", third), label="here", help="do") == (
        "  --> a:1:5\n"
        "   |\n"
        " 1 | one two three\n"
        "   | --- ^^^ ----- right\n"
        "   | |   |\n"
        "   | |   here\n"
        "   | left\n"
        "   = help: do\n"
    )


def test_a_mark_without_a_label_has_no_bar():
    assert shown(at(1, 8, 13), ("left", at(1, 0, 3))) == (
        "  --> a:1:9\n   |\n 1 | one two three\n   | ---     ^^^^^\n   | |\n   | left\n"
    )


def test_the_main_mark_lies_over_the_others():
    # "beside" is the label of a mark that no other one outlasts.
    assert shown(at(1, 4, 7), ("all", at(1, 0, 13)), label="part") == (
        "  --> a:1:5\n"
        "   |\n"
        " 1 | one two three\n"
        "   | ----^^^------\n"
        "   | |   |\n"
        "   | |   part\n"
        "   | all\n"
    )


def test_two_labels_of_one_place():
    assert shown(at(1, 0, 3), ("again", at(1, 0, 3)), label="main") == (
        "  --> a:1:1\n   |\n 1 | one two three\n   | ^^^ main\n   | |\n   | again\n"
    )


def test_one_line_between_is_shown_and_several_are_dots():
    assert shown(at(3, 0, 4), ("up", at(1, 0, 3))) == (
        "  --> a:3:1\n   |\n 1 | one two three\n   | --- up\n 2 | four\n 3 | five\n   | ^^^^\n"
    )
    assert shown(at(5, 0, 3), ("up", at(2, 0, 4)), label="down") == (
        "  --> a:5:1\n   |\n 2 | four\n   | ---- up\n...\n 5 | six seven\n   | ^^^ down\n"
    )
    assert shown(at(5, 0, 3), ("up", at(3, 0, 4))).splitlines()[4:6] == [" 4 |", " 5 | six seven"]


def test_another_file_has_a_frame_of_its_own():
    other = Source("b", "x\n" * 99 + "here\n")
    assert shown(at(2, 0, 4), ("there", at(100, 0, 4, other)), ("up", at(1, 0, 3))) == (
        "    --> a:2:1\n"
        "     |\n"
        "   1 | one two three\n"
        "     | --- up\n"
        "   2 | four\n"
        "     | ^^^^\n"
        "     |\n"
        "    ::: b:100:1\n"
        "     |\n"
        " 100 | here\n"
        "     | ---- there\n"
    )


def test_a_place_whose_text_is_not_there_is_a_note():
    assert shown(at(2, 0, 4), ("gone", at(4, 0, 0)), ("far", at(7, 2, 3, Source("b")))) == (
        "  --> a:2:1\n   |\n 2 | four\n   | ^^^^\n   = note: gone  (4:1)\n   = note: far  (b:7:3)\n"
    )


@pytest.mark.parametrize(("column", "seen"), [(60, True), (219, True), (59, False), (230, False)])
def test_a_mark_beside_the_window_is_a_note(column, seen):
    source = Source("a", "x" * 500)
    text = shown(at(1, 100, 101, source), ("other", at(1, column, column + 1, source)))
    assert ("   = note: other  (1:" in text) is not seen
    assert ("-" in text.split(" | ")[2]) is seen


def test_a_mark_at_the_end_of_the_longest_line_that_is_shown_whole():
    assert shown(at(1, 160, 160, Source("a", "x" * 160))).splitlines()[-1] == (
        "   | " + " " * 160 + "^"
    )
