"""Damaged and hostile checkpoints, files of trials and archives, and what must not come of them.

Whatever such a file holds, graphnn reads it or reports it. A long run by hand::

    python tests/support/damaged_files.py 10000
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import checkpoints
import graphnn
from graphnn.diagnostics import GraphnnError
from graphnn.execution.weight_files import CHECKPOINT
from graphnn.storage import archives
from graphnn.training.fitting import checkpoint
from graphnn.training.fitting.loop import Training
from graphnn.training.runs import figures, outputs

DESCENT = """\
graphnn: 1
nodes:
  x: {op: parameter, shape: [2], value: [-3, 4]}
  squares: {op: power, inputs: x, exponent: 2}
  f: {op: sum, inputs: squares}
train:
  loss: f
  optimizer: adam
  epochs: 3
  keep: best
  early_stopping: {patience: 9, metric: loss}
search: {learning_rate: {uniform: [0.1, 0.4]}, x.value: {choice: [[1, 2], [3, 4]]}}
"""
# What stands in JSON where something else should.
STRANGE: list[Any] = [
    *(None, True, False, 0, 1, -1, -7, 2, 0.5, -0.0, 1e308, 2**31, 2**63, 2**64, 10**400),
    *(float("nan"), float("inf"), -float("inf"), "", "a", "\ud800", "0", "x" * 5000),
    *([], [1], [[]], {}, {"a": 1}, {"": None}, [None] * 50),
]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """`content` with one to three faults: bits, bytes and stretches that are others."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(found) + 1)
        to = min(len(found), at + rng.choice([1, 2, 8, 64, 4096]))
        kind = rng.randrange(6)
        if kind == 0 and at < len(found):
            found[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            found[at:to] = rng.randbytes(to - at)
        elif kind == 2:
            del found[at:to]
        elif kind == 3:
            found[at:at] = rng.choice([b"\0", b"\n", b"{", b"}", b"9" * 400, rng.randbytes(9)])
        elif kind == 4:
            found[at:at] = found[at:to]
        else:
            del found[at:]
    return bytes(found)


def altered(value: Any, rng: random.Random) -> Any:
    """A JSON value that differs in one place: another one there, none, or one more."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        kind = rng.random()
        if kind < 0.1:
            return {k: v for k, v in value.items() if k != key}
        if kind < 0.2:
            return value | {rng.choice(["a", "", key + "x"]): rng.choice(STRANGE)}
        return value | {key: altered(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        kind = rng.random()
        if kind < 0.1:
            return [*value[:at], *value[at + 1 :]]
        if kind < 0.2:
            return [*value[:at], value[at], *value[at:]]
        return [*value[:at], altered(value[at], rng), *value[at + 1 :]]
    if isinstance(value, str) and value.startswith("{"):
        with contextlib.suppress(ValueError):
            return json.dumps(altered(json.loads(value), rng))
    return rng.choice(STRANGE)


class Checkpoints:
    """Resumes from damaged checkpoints, among them such as were signed after they were altered."""

    def __init__(self, folder: Path) -> None:
        self._net = graphnn.loads(DESCENT)
        self._path = folder / CHECKPOINT
        training = self._training()
        training.epoch()
        checkpoint.save(training, self._path)
        self._sound = self._path.read_bytes()
        self._arrays, self._record = checkpoints.read(self._path)

    def __call__(self, rng: random.Random) -> None:
        """Damage one, and resume from it."""
        if rng.random() < 0.5:
            self._path.write_bytes(damaged(self._sound, rng))
        else:
            self._alter(rng)
        training = self._training()
        checkpoint.restore(training, self._path)
        while not training.finished:
            training.epoch()
        training.take_best()
        figures.columns_of(training.state.history)
        assert json.dumps(outputs._measures(training, {}))

    def _training(self) -> Training:
        spec = self._net.graph.spec.train
        assert spec is not None
        return Training(self._net, spec)

    def _alter(self, rng: random.Random) -> None:
        record, arrays = self._record, dict(self._arrays)
        for _ in range(rng.randint(1, 2)):
            record = altered(record, rng)
        if rng.random() < 0.3:
            name = rng.choice(list(arrays))
            strange = [np.nan, np.inf, -1e300, 0, -1]
            arrays[name] = np.full_like(arrays[name], rng.choice(strange))
        checkpoints.write(self._path, arrays, record)


class Studies:
    """Resumes searches whose file of trials is damaged."""

    def __init__(self, folder: Path) -> None:
        self._net = folder / "searched.yaml"
        self._net.write_text(DESCENT)
        self._path = folder / "study.log"
        graphnn.search(self._net, 3, storage=self._path)
        self._sound = self._path.read_bytes()
        self._folder = folder

    def __call__(self, rng: random.Random) -> None:
        """Damage one, run another trial, and show all."""
        content = self._sound
        if rng.random() < 0.3:
            content = damaged(content, rng)
        else:
            lines = content.splitlines()
            for _ in range(rng.randint(1, 3)):
                at = rng.randrange(len(lines))
                kind = rng.random()
                if kind < 0.7:
                    with contextlib.suppress(ValueError):
                        lines[at] = json.dumps(altered(json.loads(lines[at]), rng)).encode()
                elif kind < 0.85:
                    del lines[at]
                else:
                    lines.insert(rng.randrange(len(lines)), lines[at])
            content = b"".join(line + b"\n" for line in lines)
        self._path.write_bytes(content)
        found = graphnn.search(self._net, 4, storage=self._path)
        assert list(found._rows())
        if found.best is not None:
            _ = found.best_spec


class Archives:
    """Reads damaged archives of both kinds."""

    def __init__(self, folder: Path) -> None:
        self._arrays = {
            "a": np.arange(6.0).reshape(2, 3),
            "b/c": np.array(7, dtype=np.int32),
            "empty": np.zeros((0, 4), np.float32),
            "flags": np.array([True, False]),
        }
        self._paths = [folder / "some.npz", folder / "some.safetensors"]
        for path in self._paths:
            archives.write_arrays(path, self._arrays, {"about": "a test"})
        self._sound = [path.read_bytes() for path in self._paths]

    def __call__(self, rng: random.Random) -> None:
        """Damage one, and read all of it."""
        at = rng.randrange(2)
        content = self._sound[at]
        if at == 1 and rng.random() < 0.6:
            length = int.from_bytes(content[:8], "little")
            header = json.loads(content[8 : 8 + length])
            text = json.dumps(altered(header, rng)).encode()
            content = len(text).to_bytes(8, "little") + text + content[8 + length :]
        else:
            content = damaged(content, rng)
        self._paths[at].write_bytes(content)
        for array in archives.read_arrays(self._paths[at]).values():
            assert array.nbytes <= len(content) * 50 + (1 << 20)


KINDS: dict[str, Callable[[Path], Callable[[random.Random], None]]] = {
    "checkpoints": Checkpoints,
    "studies": Studies,
    "archives": Archives,
}


def failure(act: Callable[[random.Random], None], seed: str) -> BaseException | None:
    """What other than a diagnostic comes of one damaged file, if anything."""
    try:
        act(random.Random(seed))
    except GraphnnError as error:
        if len(str(error)) > 2000 * len(error.diagnostics):
            return AssertionError(f"a message of {len(str(error))} characters")
    except Exception as error:
        return error
    return None


def main() -> None:
    """Run as many as the command line says of each kind, and print each failure once."""
    count = int(sys.argv[1])
    for name, make in KINDS.items():
        if sys.argv[2:] not in ([], [name]):
            continue
        found: Counter[str] = Counter()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            act = make(Path(folder))
            for number in range(count):
                seed = f"{name} {number}"
                with contextlib.redirect_stderr(io.StringIO()):
                    error = failure(act, seed)
                if error is not None:
                    where = traceback.extract_tb(error.__traceback__)[-1:]
                    key = f"{type(error).__name__} {error}"[:200] + f" {where}"
                    found[key] += 1
                    if found[key] == 1:
                        print(f"{seed!r}: {key}")  # noqa: T201
                        traceback.print_exception(error)
        failures = f"{sum(found.values())} failures of {len(found)} kinds"
        print(f"{name}: {count} files, {failures}")  # noqa: T201


if __name__ == "__main__":
    main()
