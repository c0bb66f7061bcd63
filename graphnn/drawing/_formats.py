"""The format of a picture by the suffix of its file, and the error of what cannot be drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graphnn.diagnostics import Diagnostic, DrawingError, suggestion
from graphnn.storage.files import not_a_file

if TYPE_CHECKING:
    from graphnn.diagnostics import Code


def format_of(path: Path, formats: tuple[str, ...]) -> str:
    """The one of `formats` that the suffix of `path` names.

    Raises
    ------
    DrawingError
        It names none of them.
    FileError
        It is a folder.
    """
    format = path.suffix.lower().removeprefix(".")
    if format in formats:
        return format
    suffixes = [f".{known}" for known in formats]
    listed = ", ".join(suffixes)
    if path.is_dir():
        raise not_a_file(path)
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


def bad_data(message: str, help: str = "") -> DrawingError:
    """The error of data that a plot cannot show."""
    return fail("bad-picture-data", message, help)


def fail(code: Code, message: str, help: str = "") -> DrawingError:
    """One-fault `DrawingError`."""
    return DrawingError(Diagnostic(code, message, help=help))
