"""DOT text to a picture file, by `dot` when there is one, else by the graphviz-pure wheel."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from graphnn.diagnostics import Code, Diagnostic, DrawingError, suggestion
from graphnn.storage.files import write_whole

_TEXT = ("dot", "gv")  # the DOT text itself, which no engine is needed for
_BITMAPS = ("png", "jpg", "jpeg", "gif", "webp")
_ANYWHERE = ("svg", "png", "jpg", "jpeg")  # what graphviz-pure 0.2.2 can write too
_DOT_ONLY = ("pdf", "eps", "ps", "svgz", "gif", "webp")
FORMATS = (*_ANYWHERE, *_DOT_ONLY, *_TEXT)

_DPI = 192.0  # twice a plain screen's 96: crisp on paper and on dense screens
_LARGE_TEXT = 20_000  # characters; a shorter DOT text cannot make an enormous bitmap
_MAX_SIDE = 32_000.0  # pixels; cairo, and so dot, draws no more than 32,767
_MAX_AREA = 1e8  # pixels; about 400 MB while drawing
_TIME_LIMIT = 120.0  # seconds
_MAX_MESSAGE = 500  # characters of an engine's own message that are worth showing


@dataclass(frozen=True, slots=True)
class Engine:
    """A Graphviz program.

    Attributes
    ----------
    program : str
        Its path.
    complete : bool
        Whether it is Graphviz itself, which writes every format; graphviz-pure writes some.
    """

    program: str
    complete: bool

    def run(self, dot: str, format: str, *options: str) -> bytes:
        """What the program makes of `dot` in `format`.

        Raises
        ------
        DrawingError
            The program cannot be started, takes too long, or rejects the text.
        """
        command = [self.program, f"-T{format}", *options]
        try:
            done = subprocess.run(
                command,
                input=dot.encode(errors="replace"),
                capture_output=True,
                timeout=_TIME_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise fail(
                "drawing-too-slow",
                f"'{self.program}' did not finish within {_TIME_LIMIT:g} seconds",
                "draw a smaller part of the network, or write .dot and lay it out elsewhere",
            ) from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise fail("drawing-failed", f"'{self.program}' cannot be started: {reason}") from None
        # a program that succeeds may still warn, of text that it had to measure roughly
        if done.returncode != 0 or not done.stdout:
            raise fail("drawing-failed", f"'{self.program}' failed: {_reason(done)}")
        return done.stdout


def render(dot: str, path: Path) -> Path:
    """Draw `dot` into the file at `path`, in the format that its suffix names.

    Parameters
    ----------
    dot : str
        A graph in the DOT language.
    path : Path
        Where to; one of the suffixes in `FORMATS`. It is written whole or not at all.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    DrawingError
        The format is unknown or needs Graphviz itself, there is no program to draw with, or
        the program fails.
    FileError
        The file cannot be written.
    """
    path = Path(path)
    format = format_of(path, FORMATS)
    content = dot.encode(errors="replace") if format in _TEXT else _draw(dot, format, path)
    write_whole(path, lambda stream: stream.write(content))
    return path


def to_svg(dot: str) -> str:
    """The graph `dot` drawn as the text of an SVG picture.

    Raises
    ------
    DrawingError
        There is no program to draw with, or it fails.
    """
    return find_engine().run(dot, "svg").decode(errors="replace")


def find_engine() -> Engine:
    """The program to draw with: `dot` on the PATH, else the one that graphviz-pure installs.

    Raises
    ------
    DrawingError
        There is neither.
    """
    if program := shutil.which("dot"):
        return Engine(program, complete=True)
    # the environment's own scripts may not be on the PATH when it is not activated
    beside = (None, str(Path(sys.executable).parent), sysconfig.get_path("scripts"))
    for folder in beside:
        if program := shutil.which("graphviz-pure", path=folder):
            return Engine(program, complete=False)
    raise fail(
        "no-engine",
        "there is no program to draw with: neither 'dot' nor 'graphviz-pure' was found",
        "pip install graphviz-pure, or install Graphviz from https://graphviz.org; "
        "a .dot file needs neither",
    )


def format_of(path: Path, formats: tuple[str, ...]) -> str:
    """The one of `formats` that the suffix of `path` names.

    Raises
    ------
    DrawingError
        It names none of them.
    """
    format = path.suffix.lower().removeprefix(".")
    if format in formats:
        return format
    suffixes = [f".{known}" for known in formats]
    listed = ", ".join(suffixes)
    if not format:
        raise fail(
            "unknown-format",
            f"'{path}' has no suffix, which decides the picture format",
            f"end the name in one of {listed}",
        )
    guess = suggestion(path.suffix, suffixes)
    raise fail(
        "unknown-format",
        f"'{path.suffix}' of '{path}' is not a format that pictures are written in",
        f"{guess} All formats: {listed}" if guess else f"use one of {listed}",
    )


def fail(code: Code, message: str, help: str = "") -> DrawingError:
    """One-fault `DrawingError`."""
    return DrawingError(Diagnostic(code, message, help=help))


def _draw(dot: str, format: str, path: Path) -> bytes:
    engine = find_engine()
    if format in _DOT_ONLY and not engine.complete:
        raise fail(
            "format-needs-dot",
            f"'{path}' cannot be drawn here: .{format} needs Graphviz's own program 'dot', "
            "which is not on the PATH",
            f"install Graphviz from https://graphviz.org, or write {_instead(format)} instead",
        )
    options = (f"-Gdpi={_resolution(engine, dot):.4g}",) if format in _BITMAPS else ()
    return engine.run(dot, format, *options)


def _instead(format: str) -> str:
    return ".png" if format in _BITMAPS else ".svg or .png"


def _resolution(engine: Engine, dot: str) -> float:
    """Dots an inch, fewer where the bitmap would not fit into memory."""
    if len(dot) < _LARGE_TEXT:
        return _DPI
    # the first line of this format is: graph SCALE WIDTH HEIGHT, in inches
    sides = map(float, engine.run(dot, "plain").split(maxsplit=4)[2:4])
    width, height = (max(side, 0.1) for side in sides)
    return min(_DPI, _MAX_SIDE / max(width, height), math.sqrt(_MAX_AREA / (width * height)))


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    text = " ".join(done.stderr.decode(errors="replace").split())
    if not text:
        return f"it drew nothing and ended with exit code {done.returncode}"
    return text if len(text) <= _MAX_MESSAGE else f"{text[:_MAX_MESSAGE]}..."
