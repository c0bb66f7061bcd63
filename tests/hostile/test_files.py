"""Hostile files: each ends in the diagnostics that it deserves, and nothing outside is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import hostile_files
from hostile_runner import Outcome

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")

ROOT = Path(__file__).parents[2]
RUNNER = ROOT / "tests" / "support" / "hostile_runner.py"
WORKERS = 2
MEMORY = 512 << 20


@pytest.fixture(scope="module")
def corpus() -> dict[str, hostile_files.Hostile]:
    return {each.name: each for each in hostile_files.corpus()}


@pytest.fixture(scope="module")
def outcomes(corpus) -> dict[str, Outcome]:
    """What became of each, run in children of two processes."""
    names = list(corpus)
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = pool.map(_run, [names[start::WORKERS] for start in range(WORKERS)])
        return {found.name: found for part in parts for found in part}


def _run(names: list[str]) -> list[Outcome]:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(RUNNER), "--json"],
        input=json.dumps(names),
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    return [Outcome(**each) for each in json.loads(done.stdout)]


def test_there_are_enough(corpus):
    assert len(corpus) >= 150


def test_each_is_told_as_it_deserves(corpus, outcomes):
    wanted = {name: (each.status, list(each.codes)) for name, each in corpus.items()}
    found = {each.name: (each.status, each.codes) for each in outcomes.values()}
    assert found == wanted


def test_no_traceback_is_seen(outcomes):
    assert [each.name for each in outcomes.values() if "Traceback" in each.said] == []


def test_nothing_is_touched(outcomes):
    assert {each.name: each.touched for each in outcomes.values() if each.touched} == {}


def test_memory_is_bounded(outcomes):
    assert {each.name: each.memory for each in outcomes.values() if each.memory > MEMORY} == {}


def test_time_is_bounded(corpus, outcomes):
    slow = {each.name: each.seconds for each in outcomes.values()}
    assert {name: took for name, took in slow.items() if took > corpus[name].seconds} == {}


# That the runner sees what it should.

PLANTS = {
    "open-outside": "open('../outside/secret.npz', 'rb')",
    "list-outside": "__import__('os').listdir('..')",
    "write": "open('new', 'w')",
    "remove": "__import__('os').remove('net.yaml')",
    "system": "__import__('os').system('true')",
    "unpickle": "__import__('pickle').loads(b'cos\\nsystem\\n.')",
    "socket": "__import__('socket').socket()",
}


@pytest.mark.parametrize("plant", PLANTS)
def test_the_runner_sees_what_is_touched(tmp_path, plant):
    assert _planted(tmp_path, PLANTS[plant]).touched


@pytest.mark.parametrize(
    ("plant", "status"),
    [
        ("__import__('os').kill(__import__('os').getpid(), 9)", -9),
        ("1 / 0", 70),
        ("bytearray(2 << 30)", 70),
        ("__import__('sys').exit(3)", 70),
    ],
)
def test_the_runner_sees_how_it_ends(tmp_path, plant, status):
    found = _planted(tmp_path, plant)
    assert found.status == status
    assert ("Traceback" in found.said) == (status == 70)


def _planted(tmp_path: Path, plant: str) -> Outcome:
    """What the runner says of a child that does `plant` in place of a command."""
    program = (
        "import json, pathlib, sys; sys.path.insert(0, sys.argv[1])\n"
        "import hostile_files, hostile_runner\n"
        "hostile_runner._command = lambda arguments: eval(sys.argv[3]) and 0\n"
        "case = hostile_files.text('plant', hostile_files.GOOD)\n"
        "root = pathlib.Path(sys.argv[2])\n"
        "found = hostile_runner._run(case, hostile_files.write(case, root))\n"
        "json.dump(vars(found), sys.stdout)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(RUNNER.parent), str(tmp_path), plant],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    return Outcome(**json.loads(done.stdout))
