"""Shapes inferred by onnx, in a separate process: its C++ may crash or hang on unsound models."""

from __future__ import annotations

import atexit
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock, Timer
from typing import Any

from graphnn.interchange.onnx.libraries import onnx

_SECONDS = 60  # for one model, after which it is taken for endless
_LENGTH = 8  # bytes, of what goes to the process and comes back
_PROGRAM = Path(__file__).with_name("inference_process.py")


def infer_shapes(model: Any) -> Any | None:
    """`model` with the shapes that onnx infers; None where onnx refuses or cannot do it."""
    with suppress(ValueError):  # protobuf writes no more than 2 GiB
        answer = _inference().answer(model.SerializeToString())
        return None if answer is None else onnx().load_model_from_string(answer)
    return None


@cache
def _inference() -> Inference:
    made = Inference(_PROGRAM, _SECONDS)
    atexit.register(made.close)
    return made


class Inference:
    """A process that infers shapes, started when it is first needed and again after a crash.

    Parameters
    ----------
    program : Path
        What it runs.
    seconds : float
        How long an answer may take.
    """

    def __init__(self, program: Path, seconds: float) -> None:
        self._program, self._seconds = program, seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    def answer(self, model: bytes) -> bytes | None:
        """The model with shapes; None where there are none to be had."""
        with self._lock:
            process = self._process = self._process or self._start()
            timer = Timer(self._seconds, process.kill)
            timer.start()
            try:
                found = _exchange(process, model)
            except BaseException:  # Ctrl-C among them: the rest of an answer would be read next
                self._end(process)
                raise
            finally:
                timer.cancel()
            if found is None:
                self._end(process)
            return found or None

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            if self._process is not None:
                self._end(self._process)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", str(self._program), onnx().__path__[0]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        self._process = None
        process.kill()
        with suppress(BrokenPipeError):  # of what was not yet written
            process.communicate()


def _exchange(process: subprocess.Popen[bytes], model: bytes) -> bytes | None:
    """The answer to a model, empty if onnx refuses it; None where the process has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.write(len(model).to_bytes(_LENGTH, "little") + model)
        process.stdin.flush()
        header = process.stdout.read(_LENGTH)
        answer = process.stdout.read(int.from_bytes(header, "little"))
        if len(header) == _LENGTH and len(answer) == int.from_bytes(header, "little"):
            return answer
    return None
