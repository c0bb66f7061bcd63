"""Generated tasks: their rows solve the task, and are the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graphnn.diagnostics import DataError
from graphnn.spec.values import located
from graphnn.training.data import dataset
from graphnn.training.data.columns import InputRequirements, InputSpec
from graphnn.training.data.sources.generated import Additions
from tables import cases


def load(kind, keys, shapes):
    demand = InputRequirements(
        {name: InputSpec(name, (None, width), "int") for name, width in shapes.items()}
    )
    feeds = {name: name for name in shapes}
    return dataset.load(located({kind: {**keys, **feeds}}), demand, None)


def shown(rows, name):
    names = rows.classes[name]
    return ["".join(names[number] for number in row) for row in rows.arrays[name]]


def test_sums_are_right():
    widths = {"question": 7, "reversed": 7, "answer": 4, "previous": 4}
    found = load("additions", {"rows": 1000}, widths)
    assert (len(found.train), len(found.test)) == (900, 100)
    questions = [*shown(found.train, "question"), *shown(found.test, "question")]
    assert len(set(questions)) == 1000
    for rows in (found.train, found.test):
        every = (shown(rows, name) for name in widths)
        for question, backwards, answer, previous in zip(*every, strict=True):
            first, second = question.split("+")
            assert int(answer) == int(first) + int(second)
            assert backwards == question[::-1]
            assert previous == f"_{answer[:-1]}"
    assert found.train.classes["answer"] == Additions.texts


def test_every_question_there_is():
    found = load("additions", {"digits": 1, "rows": 100}, {"question": 3})
    both = {*shown(found.train, "question"), *shown(found.test, "question")}
    assert both == {f"{a}+{b}" for a in range(10) for b in range(10)}


def test_what_is_copied_comes_behind_the_mark():
    keys = {"length": 4, "symbols": 3, "delay": 5, "rows": 50}
    rows = load("copy", keys, {"sequence": 13, "answer": 13}).train
    for sequence, answer in zip(shown(rows, "sequence"), shown(rows, "answer"), strict=True):
        assert sequence == f"{sequence[:4]}    |    "
        assert set(sequence[:4]) <= set("abc")
        assert answer == f"         {sequence[:4]}"


def test_letters_are_sorted():
    rows = load("sorting", {"length": 6, "rows": 50}, {"sequence": 6, "answer": 6}).train
    for sequence, answer in zip(shown(rows, "sequence"), shown(rows, "answer"), strict=True):
        assert answer == "".join(sorted(sequence))


@pytest.mark.parametrize(
    ("kind", "widths"),
    [("additions", {"question": 7}), ("copy", {"sequence": 30}), ("sorting", {"sequence": 10})],
)
def test_rows_are_those_of_the_seed(kind, widths):
    (name,) = widths
    once, again = (load(kind, {"rows": 40}, widths).train.arrays[name] for _ in range(2))
    other = load(kind, {"rows": 40, "seed": 1}, widths).train.arrays[name]
    assert_array_equal(once, again)
    assert not np.array_equal(once, other)


@cases("""
    kind | keys= | message
    additions | {"digits": 1, "rows": 101}
        | error[bad-value]: there are 100 different questions of 1 digits, not 101
    additions | {"digits": 10}
        | error[bad-value]: the digits of 'additions' must be a whole number from 1 to 9, not '10'
    sorting | {"symbols": 0}
        | error[bad-value]: the symbols of 'sorting' must be a whole number from 1 to 26, not '0'
    copy | {"rows": 1}
        | error[bad-value]: the rows of 'copy' must be a whole number from 2 to 10,000,000, not '1'
""")
def test_what_is_refused(kind, keys, message):
    name = "question" if kind == "additions" else "sequence"
    with pytest.raises(DataError) as caught:
        load(kind, keys, {name: 3})
    assert str(caught.value) == message
