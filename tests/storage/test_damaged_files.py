"""Damaged checkpoints, files of trials and archives are read or reported, whatever they hold."""

from __future__ import annotations

import pytest

import damaged_files

pytest.importorskip("optuna")


@pytest.mark.parametrize(
    ("kind", "count"), [("checkpoints", 60), ("studies", 40), ("archives", 200)]
)
def test_nothing_but_diagnostics_comes_of_damage(tmp_path, kind, count):
    act = damaged_files.KINDS[kind](tmp_path)
    for number in range(count):
        error = damaged_files.failure(act, f"{kind} {number}")
        assert error is None, number
