"""All faults of a spec at once, for a command that stops at the first kind of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graphnn.diagnostics import DataError, FileError, SpecError, TrainingError
from graphnn.training import diagnose


@contextmanager
def told(file: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Tell with a fault of the spec in `file` all others that ``graphnn check`` tells."""
    try:
        yield
    except (SpecError, FileError, DataError, TrainingError) as error:
        every = [found for found in diagnose(file, settings) if found.severity == "error"]
        known = {(found.code, found.message) for found in every}
        if any((found.code, found.message) not in known for found in error.diagnostics):
            raise  # what is no fault of the spec, such as a folder that is in use
        raise type(error)(*every) from None
