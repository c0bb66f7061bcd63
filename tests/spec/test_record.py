"""Records that are made fast: frozen dataclasses but for who refuses assignments."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, fields, replace

import pytest

from graphnn.spec.record import record
from places import ROOT

WRONG = """
from record import record

@record()
class Pair:
    left: int
    right: int = 0

Pair(1).right = 2
Pair("1")
"""


@record()
class Fast:
    left: int
    right: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Frozen:
    left: int
    right: tuple[int, ...] = ()


@pytest.mark.parametrize(("kind", "other"), [(Fast, Frozen), (Frozen, Fast)])
def test_a_record_is_a_frozen_dataclass(kind, other):
    made = kind(1, (2,))
    assert made == kind(1, right=(2,)) != kind(1) == replace(made, right=())
    assert {made: "found"}[kind(1, (2,))] == "found"
    assert made != other(1, (2,))
    assert [each.name for each in fields(made)] == ["left", "right"]
    assert repr(made) == f"{kind.__name__}(left=1, right=(2,))"
    assert not hasattr(made, "__dict__")


def test_a_record_alone_may_be_changed():
    with pytest.raises(FrozenInstanceError):
        Frozen(1).left = 2
    made = Fast(1)
    made.left = 2
    assert made == Fast(2)


@pytest.mark.slow
def test_a_type_checker_refuses_to_change_a_record(tmp_path):
    pytest.importorskip("mypy")
    shutil.copy(ROOT / "graphnn" / "spec" / "record.py", tmp_path)
    (tmp_path / "wrong.py").write_text(WRONG)
    command = [sys.executable, "-m", "mypy", "--strict", "wrong.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        'wrong.py:9: error: Property "right" defined in "Pair" is read-only  [misc]',
        'wrong.py:10: error: Argument 1 to "Pair" has incompatible type "str"; expected "int"  '
        "[arg-type]",
        "Found 2 errors in 1 file (checked 1 source file)",
    ]
