"""Hostile files: each ends in the diagnostics that it deserves, and nothing outside is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hostile_files
from hostile_runner import Outcome

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")

RUNNER = Path(hostile_files.__file__).with_name("hostile_runner.py")


@pytest.mark.slow  # to make the files and import the commands takes longer than to run them
@pytest.mark.parametrize(
    "part", [*(f"small {part} 6" for part in range(6)), "large 0 2", "large 1 2"]
)
def test_each_ends_as_it_deserves(part):
    done = subprocess.run(
        [sys.executable, str(RUNNER), "--part", *part.split()],
        capture_output=True,
        text=True,
        # Python's own files of bytecode are not touched by the command.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
    complaints = json.loads(done.stdout)
    assert len(complaints) >= 30
    assert {name: found for name, found in complaints.items() if found} == {}


# That the runner sees what it should: children that do as planted in place of a command.

TOUCHING = {
    "open-outside": "open('../outside/secret.npz', 'rb')",
    "list-outside": "__import__('os').listdir('..')",
    "write": "open('new', 'w')",
    "remove": "__import__('os').remove('net.yaml')",
    "system": "__import__('os').system('true')",
    "unpickle": "__import__('pickle').loads(b'cos\\nsystem\\n.')",
    "socket": "__import__('socket').socket()",
}
ENDING = {
    "killed": ("__import__('os').kill(__import__('os').getpid(), 9)", -9),
    "traceback": ("1 / 0", 70),
    "memory": ("bytearray(2 << 30)", 70),
    "exits": ("__import__('sys').exit(3)", 70),
}
LINES = hostile_files.GOOD + "# a line\n" * 200_000
TEXT = "open('net.yaml').read()"
COSTING = {
    "linear": "command(['check', 'net.yaml'])",
    # The number of each line by counting again all lines before it.
    "quadratic": f"[t.count('\\n', 0, at) for t in [{TEXT}] for at in range(0, len(t), 9)]",
}
PROGRAM = """
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
import hostile_files, hostile_runner

command = hostile_runner._command
for name, plant, content in json.load(sys.stdin):
    hostile_runner._command = lambda arguments: eval(plant) and 0
    case = hostile_files.text(name, content)
    folder = hostile_files.write(case, pathlib.Path(sys.argv[2]))
    print(json.dumps(vars(hostile_runner._run(case, folder, hostile_runner._unit()))))
"""


def planted(folder: Path, plants: dict[str, str], content: str) -> dict[str, Outcome]:
    """What the runner says of children that do each of `plants`, beside a spec of `content`."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(RUNNER.parent), str(folder)],
        input=json.dumps([(name, plant, content) for name, plant in plants.items()]),
        capture_output=True,
        text=True,
        check=True,
    )
    return {found["name"]: Outcome(**found) for found in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
def test_the_runner_sees_what_is_touched(tmp_path):
    found = planted(tmp_path, TOUCHING, hostile_files.GOOD)
    assert list(found) == list(TOUCHING)
    assert [name for name, outcome in found.items() if not outcome.touched] == []


@pytest.mark.slow
def test_the_runner_sees_how_it_ends(tmp_path):
    plants = {name: plant for name, (plant, _) in ENDING.items()}
    found = planted(tmp_path, plants, hostile_files.GOOD)
    for name, (_, status) in ENDING.items():
        assert found[name].status == status
        assert ("Traceback" in found[name].said) == (status == 70)


@pytest.mark.slow
def test_the_runner_sees_what_a_quadratic_reader_costs(tmp_path):
    found = planted(tmp_path, COSTING, LINES)
    assert found["linear"].cost < hostile_files.SMALL < found["quadratic"].cost
