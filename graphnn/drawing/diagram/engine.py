"""The program that gives coordinates: the graphviz-pure wheel, or `dot` where that is missing.

The wheel comes first, so that the same network has the same picture on every machine.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from graphnn.drawing._formats import fail

_TIME_LIMIT = 120.0  # seconds
_MAX_MESSAGE = 500  # characters of an engine's own message that are worth showing


def coordinates(dot: str) -> dict[str, Any]:
    """The layout of a graph in the DOT language, as Graphviz writes it in JSON.

    Raises
    ------
    DrawingError
        There is no program, or it cannot be started, takes too long, or rejects the text.
    """
    program = find_engine()
    try:
        done = subprocess.run(
            [program, "-Tjson0"],
            input=dot.encode(),
            capture_output=True,
            timeout=_TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise fail(
            "drawing-too-slow",
            f"'{program}' did not finish within {_TIME_LIMIT:g} seconds",
            "draw a smaller part of the network, or fold its blocks with --depth 0",
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise fail("drawing-failed", f"'{program}' cannot be started: {reason}") from None
    if done.returncode != 0 or not done.stdout:
        raise fail("drawing-failed", f"'{program}' failed: {_reason(done)}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def find_engine() -> str:
    """The path of the program.

    Raises
    ------
    DrawingError
        There is none.
    """
    # The environment's own scripts may not be on the PATH when it is not activated.
    for folder in (str(Path(sys.executable).parent), sysconfig.get_path("scripts"), None):
        if program := shutil.which("graphviz-pure", path=folder):
            return program
    if program := shutil.which("dot"):
        return program
    raise fail(
        "no-engine",
        "no program lays diagrams out: neither 'graphviz-pure' nor 'dot' was found",
        "pip install graphviz-pure, or install Graphviz from https://graphviz.org; "
        "a .dot or .mmd file needs neither",
    )


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    text = " ".join(done.stderr.decode(errors="replace").split())
    if not text:
        return f"it drew nothing and ended with exit code {done.returncode}"
    return text if len(text) <= _MAX_MESSAGE else f"{text[:_MAX_MESSAGE]}..."
