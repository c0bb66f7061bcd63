"""Gradients of functions of arrays, written anywhere, checked as those of networks are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from graphnn.diagnostics import Diagnostic, UsageError, listed, suggestion
from graphnn.execution import as_numbers
from graphnn.gradients._check import compare, misshapen
from graphnn.gradients._refusals import (
    check_mapping,
    check_progress,
    check_tolerance,
    selected,
)
from graphnn.gradients._report import GradientReport
from graphnn.gradients.numerical import schemes, selection
from graphnn.gradients.numerical.api import Interrupted
from graphnn.gradients.numerical.estimates import GradientEstimate, take
from graphnn.gradients.numerical.functions import Function, FunctionLoop, refuse_modified
from graphnn.gradients.numerical.loop import Crossing
from graphnn.gradients.numerical.options import GradientOptions
from graphnn.gradients.numerical.selection import Entries
from graphnn.ops import Array

Gradient = Mapping[str, Any] | Callable[..., Mapping[str, Any]]


@dataclass(frozen=True)
class _Arguments:
    """The arrays that are moved, in the place of a network's parameters."""

    parameters: Mapping[str, Array]


def check_function(
    function: Function,
    arrays: Mapping[str, Any],
    gradient: Gradient,
    *,
    only: str | Iterable[str] | None = None,
    entries: Entries | None = None,
    order: int | None = None,
    step: float | Mapping[str, float] | None = None,
    tolerance: float | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> GradientReport:
    """Compare a gradient of a scalar function with the numerical one, every entry.

    The function may be written in anything that takes arrays. It is called four times for
    each entry, with the estimates, tolerances and verdicts of `check_gradients`. Its inside is not
    known: a kink is recognised by second differences that do not shrink as they should.

    Parameters
    ----------
    function : callable
        Takes the arrays by keyword and gives one number, the same for the same arrays; it may
        not modify them.
    arrays : mapping of str to array_like
        Where to check; whole numbers are passed on, not moved.
    gradient : mapping of str to array_like, or callable
        By name, each of the shape of its array; or a function of the arrays that gives that.
        Arrays without one are left out. A lower precision is granted what that rounds.
    only, entries, order, step, seed, progress
        As for `numerical_gradient`, with arrays in the place of parameters.
    tolerance : float, optional
        As for `check_gradients`.

    Returns
    -------
    GradientReport

    Raises
    ------
    UsageError
        A name, a shape or an option is invalid; the function gives more than one number, one that
        it computes in a lower precision, another one when it is called again; or it or the gradient
        modifies its arguments.
    RunError
        The value of the function is not finite.
    Interrupted
        As `check_gradients`.

    Examples
    --------
    >>> def cube(x):
    ...     return (x**3).sum()
    >>> print(check_function(cube, {"x": [1.0, 2.0]}, {"x": [3.0, 12.5]}))
    2 entries in float64: 1 agree, 1 wrong backward
      x[1]: wrong backward (1 of 2), given 12.5, numerical 12 +- 2e-10
    """
    if not callable(function):
        message = f"'function' is {function!r}, not a function of the arrays"
        raise UsageError.of("bad-value", message)
    given = _numbers(arrays)
    moved = {name: array for name, array in given.items() if array.dtype.kind == "f"}
    analytic = _fitting(moved, _called(gradient, given) if callable(gradient) else gradient)
    check_tolerance(tolerance)
    check_progress(progress)
    wanted = list(analytic if only is None else selected(only))
    _refuse_unknown(wanted, analytic)
    if not any(moved[name].size for name in wanted):
        message = f"there is nothing to check: no entry is in {listed(wanted)}"
        raise UsageError.of("missing-gradient", message)
    options = GradientOptions(order=order, step=step, seed=seed)
    arguments: Any = _Arguments({name: moved[name] for name in wanted})
    chosen = selection.choose(arguments, None, entries, seed)
    ways = schemes.choose(arguments, tuple(chosen), options)
    loop = FunctionLoop(function, given)
    total = sum(moved[name].size if at is None else len(at) for name, at in chosen.items())
    estimates: dict[str, GradientEstimate] = {}
    for name, places in chosen.items():
        before = sum(estimate.taken for estimate in estimates.values())

        def report(done: int, before: int = before) -> None:
            if progress is not None:
                progress(before + done, total)

        estimate = take(ways[name], loop, name, moved[name], places, report)
        if estimate.taken:
            estimates[name] = replace(estimate, locate=partial(_crossing, name))
        if loop.stopped:
            stop = Interrupted(estimates, total)
            stop.report = compare(analytic, estimates, "given", tolerance)
            raise stop
    return compare(analytic, estimates, "given", tolerance)


def _called(gradient: Callable[..., Any], given: Mapping[str, Array]) -> Any:
    copies = {name: array.copy() for name, array in given.items()}
    found = gradient(**copies)
    refuse_modified("gradient", given, copies)
    return found


def _crossing(name: str, index: tuple[int, ...]) -> Crossing:
    """All that is known of a kink of a function: which entry it was met by."""
    return Crossing(index, name, None, index)


def _numbers(arrays: Mapping[str, Any], what: str = "") -> dict[str, Array]:
    check_mapping("arrays", arrays)
    given = {name: as_numbers(value) for name, value in arrays.items()}
    faults = [
        Diagnostic("not-numbers", f"{what}'{name}' is not an array of numbers")
        for name, array in given.items()
        if array is None
    ]
    if faults:
        raise UsageError(*faults)
    known = {name: array for name, array in given.items() if array is not None}
    return {
        name: array.astype(np.float64) if array.dtype.kind == "f" else array
        for name, array in known.items()
    }


def _fitting(moved: Mapping[str, Array], gradient: Any) -> dict[str, Array]:
    if not isinstance(gradient, Mapping):
        message = "the gradient is not a mapping from names to arrays"
        help = f"such as {{'{next(iter(moved), 'x')}': ...}}"
        raise UsageError.of("not-numbers", message, help=help)
    _refuse_unknown(gradient, moved)
    if not gradient:
        help = f"there are {', '.join(moved) or 'none'}"
        raise UsageError.of("missing-gradient", "the gradient is of no array", help=help)
    _numbers(gradient, "the gradient of ")
    # Copies: it may be memory that the function writes its own gradient to in every call.
    found = {name: np.array(value) for name, value in gradient.items()}
    faults = [
        misshapen(name, moved[name].shape, array.shape)
        for name, array in found.items()
        if array.shape != moved[name].shape
    ]
    if faults:
        raise UsageError(*faults)
    return found


def _refuse_unknown(names: Iterable[str], known: Mapping[str, Any]) -> None:
    for name in names:
        if name not in known:
            message = f"there is no array of real numbers '{name}' to check"
            help = suggestion(name, known, f"there are {', '.join(known) or 'none'}")
            raise UsageError.of("unknown-parameter", message, help=help)
