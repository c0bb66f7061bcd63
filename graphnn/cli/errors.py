"""What commands report with an error: its likely causes, and the other faults of the spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphnn import training
from graphnn.diagnostics import DataError, Diagnostic, FileError, RunError, SpecError, TrainingError

if TYPE_CHECKING:
    from graphnn.execution.network import Network

_CAUSES = ("not-probabilities",)  # warnings of what makes a result not finite


@contextmanager
def explained(net: Network) -> Iterator[None]:
    """Add the warnings of `net` that explain it to an error that a result is not finite."""
    try:
        yield
    except RunError as error:
        if error.diagnostics[0].code != "not-finite":
            raise
        raise RunError(*error.diagnostics, *causes(net)) from None


def causes(net: Network) -> list[Diagnostic]:
    """The warnings of `net` that explain a result that is not finite."""
    from graphnn.graph import lints

    found = lints.silence(lints.advise(net.graph), net.graph.spec, complete=False)
    return [warning for warning in found if warning.code in _CAUSES]


@contextmanager
def complete(file: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Report with a fault of the spec in `file` all others that ``graphnn check`` reports."""
    try:
        yield
    except (SpecError, FileError, DataError, TrainingError) as error:
        every = [found for found in training.diagnose(file, settings) if found.severity == "error"]
        known = {(found.code, found.message) for found in every}
        if any((found.code, found.message) not in known for found in error.diagnostics):
            raise  # not a fault of the spec, such as a folder that is in use
        raise type(error)(*every) from None
