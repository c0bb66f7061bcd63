"""What the calls of this room refuse alike: options, and names that nothing has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphnn.diagnostics import Code, Diagnostic, UsageError, is_real, suggestion
from graphnn.execution.network import Network, names_of


def check_choice(code: Code, what: str, name: Any, among: Iterable[str]) -> None:
    """Refuse a name that is not `among` those there are.

    Raises
    ------
    UsageError
    """
    names = tuple(among)
    if name not in names:
        help = suggestion(str(name), names, f"there are {', '.join(names[:-1])} and {names[-1]}")
        raise UsageError.of(code, f"there is no {what} '{name}'", help=help)


def unknown_parameter(network: Network, name: str) -> Diagnostic:
    """The fault of a name that no parameter has."""
    help = suggestion(name, network.parameters)
    return Diagnostic("unknown-parameter", f"the network has no parameter '{name}'", help=help)


def selected(only: str | Iterable[str]) -> tuple[str, ...]:
    """The names in `only`, each once.

    Raises
    ------
    UsageError
        There are none, so that a check would pass that looks at nothing.
    """
    names = names_of(only)
    if not names:
        message = "'only' selects nothing"
        raise UsageError.of("bad-option", message, help="leave it out to take all")
    return names


def check_tolerance(tolerance: Any) -> None:
    """Refuse what is neither None nor a part of the largest entry.

    Raises
    ------
    UsageError
    """
    if tolerance is not None and not (is_real(tolerance) and 0 <= tolerance <= 1):
        message = f"'tolerance' must be a number from 0 to 1, not {tolerance!r}"
        help = "leave it out for the rounding of the gradient's precision"
        raise UsageError.of("bad-option", message, help=help)


def check_progress(progress: Any) -> None:
    """Refuse what is neither None nor a function.

    Raises
    ------
    UsageError
    """
    if progress is not None and not callable(progress):
        message = f"'progress' must be a function of two counts, not {progress!r}"
        raise UsageError.of("bad-option", message)


def require_parameters(network: Network) -> None:
    """Refuse a network without a parameter to take a gradient by.

    Raises
    ------
    UsageError
    """
    if not network.parameters:
        message = "there is nothing to take a gradient by: the network has no parameter"
        raise UsageError.of("missing-gradient", message)


def known_parameters(network: Network, names: str | Iterable[str]) -> tuple[str, ...]:
    """`names`, once all are those of parameters.

    Raises
    ------
    UsageError
        One is not.
    """
    names = names_of(names)
    for name in names:
        if name not in network.parameters:
            raise UsageError(unknown_parameter(network, name))
    return names


def check_mapping(what: str, given: object) -> None:
    """Raise a UsageError for what is not a mapping of names to arrays."""
    if not isinstance(given, Mapping):
        message = f"{what} are a mapping of names to arrays, not {type(given).__name__}"
        raise UsageError.of("bad-option", message)
    for name in given:
        if not isinstance(name, str):
            raise UsageError.of("bad-option", f"a name is text, not {name!r}")
