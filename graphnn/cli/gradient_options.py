"""What commands of gradients share: the option ``--entries``, and work that Ctrl-C may stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphnn import gradients
from graphnn.cli import errors, progress
from graphnn.cli.record_options import Chosen
from graphnn.diagnostics import UsageError

if TYPE_CHECKING:
    from graphnn.execution import Network
    from graphnn.gradients import Interrupted


def entries(given: Sequence[str] | None) -> int | list[str] | None:
    """What ``--entries`` asks for: how many, or which.

    Raises
    ------
    UsageError
        A number stands beside something else.
    """
    if not given:
        return None
    numbers = [text for text in given if text.strip().lstrip("-").isdigit()]
    if not numbers:
        return list(given)
    if len(given) > 1:
        message = f"'--entries {numbers[0]}' cannot be combined with entry names"
        raise UsageError.of("bad-option", message)
    return int(numbers[0])


def computed(
    of: Callable[..., Any], net: Network, arrays: Mapping[str, Any], chosen: Chosen
) -> tuple[Any, Interrupted | None]:
    """What a function of gradients finds, or found until Ctrl-C, and the interruption."""
    try:
        with errors.explained(net), progress.counting("entries") as callback:
            return of(net, arrays, **chosen, progress=callback), None
    except gradients.Interrupted as stop:
        return stop.estimates if stop.report is None else stop.report, stop
