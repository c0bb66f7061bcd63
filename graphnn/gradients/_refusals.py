"""What the calls of this room refuse alike: options, and names that nothing has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphnn.diagnostics import Code, Diagnostic, UsageError, suggestion
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
