"""The diff that ``graphnn fmt --diff`` shows."""

from __future__ import annotations

import difflib
import re
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphnn.cli.unified_diff import unified

_HEAD = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
LINES = st.lists(st.sampled_from("abcd"), max_size=30)


def text(lines):
    return "".join(f"{line}\n" for line in lines)


def patched(before, diff):
    """`before` with the hunks of `diff` carried out, each where its head says."""
    after, at = [], 0
    for line in diff[2:]:
        if head := _HEAD.fullmatch(line):
            start, count = int(head[1]), int(head[2] or 1)
            start -= bool(count)
            after += before[at:start]
            at = start
            assert len(after) == int(head[3]) - (head[4] != "0")
            continue
        if line[0] in " -":
            assert before[at] == line[1:]
            at += 1
        if line[0] in " +":
            after.append(line[1:])
    return after + before[at:]


@given(LINES, LINES)
@example(["a"], [])
@example([], ["a"])
@example(["a"] * 9, ["a"] * 4)
def test_carried_out_it_gives_the_other_text(before, after):
    diff = list(unified(text(before), text(after), "net.yaml"))
    assert patched(before, diff) == after
    assert bool(diff) is (before != after)
    assert diff[:2] == (["--- net.yaml", "+++ net.yaml"] if diff else [])


@given(st.lists(st.booleans(), max_size=40), st.randoms())
def test_of_lines_that_are_all_different_it_is_what_difflib_gives(kept, random):
    before = [f"line {number}" for number in range(len(kept))]
    after = []
    for line, stays in zip(before, kept, strict=True):
        after += [line] if stays else [f"{line} anew"] * random.randrange(2)
    wanted = difflib.unified_diff(before, after, "net.yaml", "net.yaml", lineterm="")
    assert list(unified(text(before), text(after), "net.yaml")) == list(wanted)


@pytest.mark.parametrize("seed", range(20))
def test_blank_lines_do_not_hide_how_little_has_changed(seed):
    random = Random(seed)
    before = [x for n in range(60) for x in (f"n{n}: 1", "")]
    gone = random.sample(range(0, 120, 2), 3)
    added = random.randrange(120)
    after = [line for place, line in enumerate(before) if place not in gone]
    after[added:added] = [""]
    diff = list(unified(text(before), text(after), "net.yaml"))[2:]
    assert sum(line.startswith("-") for line in diff) <= 4
    assert sum(line.startswith("+") for line in diff) <= 2


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        ("a\r\nb\r\n", ["@@ -1,2 +1,2 @@", "-a\r", "-b\r", "+a", "+b"]),
        ("a\rb\r", ["@@ -1 +1,2 @@", "-a\rb\r", "\\ No newline at end of file", "+a", "+b"]),
        ("a\nb", ["@@ -1,2 +1,2 @@", " a", "-b", "\\ No newline at end of file", "+b"]),
        ("a\nb\n\n", ["@@ -1,3 +1,2 @@", " a", " b", "-"]),
        ("a\u2028b\n", ["@@ -1 +1,2 @@", "-a\u2028b", "+a", "+b"]),
    ],
)
def test_ends_of_lines_are_shown_where_they_differ(before, shown):
    assert list(unified(before, "a\nb\n", "net.yaml"))[2:] == shown
