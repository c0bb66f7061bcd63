"""What functions of a network refuse in its place, and in that of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphnn.diagnostics import UsageError
from graphnn.execution._run_inputs import inputs_by_name
from graphnn.execution.network import Network


def require_network(value: object) -> None:
    """Refuse what is not a network, such as the name of its file.

    Raises
    ------
    UsageError
    """
    if isinstance(value, Network):
        return
    named = isinstance(value, str | Path)
    shown = f"'{value}'" if named else type(value).__name__
    help = "read the file first: graphnn.load(FILE)" if named else ""
    raise UsageError.of("bad-option", f"a network is needed here, not {shown}", help=help)


def inputs_of(
    network: Network, inputs: Mapping[str, Any] | None, named: Mapping[str, Any]
) -> dict[str, Any]:
    """The inputs of a mapping and of keywords together, for a network.

    Raises
    ------
    RunError, UsageError
        The first is not a mapping, or the network is not one.
    """
    require_network(network)
    return inputs_by_name(network.graph, inputs, named)
