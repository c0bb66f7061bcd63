"""The errors that graphnn raises on purpose; each carries diagnostics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, Unpack

from graphnn.diagnostics._codes import Code
from graphnn.diagnostics._diagnostic import Diagnostic, Remarks, readable
from graphnn.diagnostics._excerpts import Span


class GraphnnError(Exception):
    """Base of every error that graphnn raises on purpose.

    Attributes
    ----------
    diagnostics : tuple of Diagnostic
        All faults found, in the order of their places.
    """

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(*diagnostics)
        self.diagnostics = diagnostics

    @classmethod
    def of(
        cls, code: Code, message: str, span: Span | None = None, **remarks: Unpack[Remarks]
    ) -> Self:
        """An error with one fault."""
        return cls(Diagnostic(code, message, span, **remarks))

    def __str__(self) -> str:
        shown, rest = readable(self.diagnostics)
        return "\n".join([*map(str, shown), rest]).rstrip("\n")

    def _render_traceback_(self) -> list[str]:
        """What Jupyter and IPython show: the diagnostics, for the code is not at fault."""
        return str(self).splitlines()


class SpecError(GraphnnError):
    """A spec is not a valid network."""


class FileError(GraphnnError):
    """A file cannot be read or written as asked."""


class RunError(GraphnnError):
    """A network cannot be run on the arrays given, or its result is not finite."""


class DataError(GraphnnError):
    """A data set is not what the network needs."""


class TrainingError(GraphnnError):
    """A run cannot be started, resumed or continued."""


class DrawingError(GraphnnError):
    """A picture cannot be made as asked."""


class UsageError(GraphnnError, ValueError):
    """A function or a command was called with arguments that make no sense."""


# Tracebacks show the name that users import.
for _error in (GraphnnError, *GraphnnError.__subclasses__()):
    _error.__module__ = "graphnn"


@contextmanager
def needing(
    kind: type[GraphnnError], code: Code, message: str, extra: str, span: Span | None = None
) -> Iterator[None]:
    """Around imports of packages that only an extra installs: says which one is missing.

    Parameters
    ----------
    message : str
        What needs which package; ``{name}`` stands for the package that is missing.
    extra : str
        The extra that installs it.

    Raises
    ------
    kind
        The package is not installed.
    """
    try:
        yield
    except ImportError as error:
        fault = f"{message.format(name=error.name)}, which is not installed"
        raise kind.of(code, fault, span, help=f"pip install 'graphnn[{extra}]'") from None
