"""A seed gives the same draws in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

DRAW = """
import hashlib, json, sys
from hypothesis import given, seed, settings
from graphnn.testing import networks
from graphnn.testing.strategies import op_cases, specs

sys.path.insert(0, ".")
for name in sys.argv[1:]:
    __import__(name)
digests = []
wild = networks(values="any")
for strategy in (networks(), wild, op_cases("clip"), op_cases("dropout"), specs()):
    seen = hashlib.sha256()

    @seed(7)
    @settings(max_examples=15, database=None, deadline=None)
    @given(strategy)
    def draw(drawn):
        seen.update(repr(drawn).encode())

    draw()
    digests.append(seen.hexdigest())
print(json.dumps(digests))
"""
# What Hypothesis collects from a module of a user: bytes up to 50 long, numbers from 100 on.
LITERALS = "\n".join([
    *(f"b{size} = {bytes([1] * size)!r}" for size in range(1, 51)),
    *(f"i{number} = {number}, -{number}" for number in range(100, 400)),
    *(f"s{size} = {'é' * size!r}" for size in range(1, 20)),
])  # fmt: skip


def drawn(folder, hash_seed, *imported):
    child = subprocess.run(
        [sys.executable, "-c", DRAW, *imported],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(child.stdout)


@pytest.mark.slow
def test_draws_depend_neither_on_what_is_imported_nor_on_hashes(tmp_path):
    (tmp_path / "project.py").write_text(LITERALS, encoding="utf-8")
    alone = drawn(tmp_path, "1")
    assert len(set(alone)) == 5
    assert drawn(tmp_path, "2", "project", "graphnn.cli", "graphnn.lsp") == alone
