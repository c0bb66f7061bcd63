"""``graphnn schema``."""

from __future__ import annotations

import json
from pathlib import Path

import graphnn


def test_prints_it(call):
    assert json.loads(call("schema").output) == graphnn.schema()


def test_a_dash_is_standard_output(call, here):
    assert json.loads(call("schema", "-o", "-").output) == graphnn.schema()
    assert not Path("-").exists()


def test_writes_it(call, here):
    result = call("schema", "-o", "graphnn.schema.json")
    assert (result.code, result.out) == (0, "wrote 'graphnn.schema.json'\n")
    assert json.loads(Path("graphnn.schema.json").read_text()) == graphnn.schema()
