"""Two independent gradients compared entry by entry, with a verdict for each."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, get_args

import numpy as np

from graphnn.diagnostics import Diagnostic, UsageError
from graphnn.execution import as_numbers
from graphnn.execution.network import Network, names_of
from graphnn.execution.options import Typed
from graphnn.gradients._backprop import Reverse, backprop
from graphnn.gradients._pieces import Shifts, shifts
from graphnn.gradients._refusals import (
    check_choice,
    check_mapping,
    check_tolerance,
    require_parameters,
    unknown_parameter,
)
from graphnn.gradients._report import (
    VERDICTS,
    WORST_FIRST,
    CheckedEntry,
    GradientReport,
    ParameterReport,
)
from graphnn.gradients._singular import is_singular
from graphnn.gradients.numerical.api import Interrupted, estimate_gradient
from graphnn.gradients.numerical.estimates import GradientEstimate
from graphnn.gradients.numerical.objective import largest
from graphnn.gradients.numerical.options import GradientOptions, takes
from graphnn.ops import Array
from graphnn.spec.model import DType
from graphnn.spec.sizes import show

_NOT_TAKEN = -1  # in place of a verdict
_MARGIN = 10.0  # an error estimate is trusted to this factor
_ROUNDING = 1e-13  # of the largest entry: what backprop itself may round in float64
_EPSILONS = 64.0  # likewise in a lower precision; 8 were the most in all of specs/
_RESOLVED = 1e-2  # an estimate this much of its entry cannot vouch for it ...
_NEGLIGIBLE = 1e-6  # ... unless it is this small beside the largest entry


@dataclass(frozen=True, kw_only=True)
class CheckOptions(GradientOptions):
    """How gradients are checked: as `GradientOptions`, with errors estimated always.

    Attributes
    ----------
    gradients : mapping of str to array_like, optional
        Gradients of the same loss from elsewhere, to be checked in place of backpropagation's:
        by name, each of the shape of its parameter. Parameters without one are left out. An array
        of lower precision is granted what that rounds.
    tolerance : float, optional
        How far the gradient may be off by rounding, as a part of the largest entry of all: for
        gradients that were taken in another precision than their arrays have. By default 1e-13 in
        float64, and 64 machine epsilons in a lower precision.
    dtype : {"float64", "float32"}, optional
        Precision of the backpropagation that is checked, by default float64, which shows a wrong
        formula most sharply; float32 checks what training in float32 computes.
    """

    estimate: bool = field(default=True, init=False)
    gradients: Mapping[str, Any] | None = None
    tolerance: Annotated[
        float | None,
        Typed(
            "How far the gradient may be off by rounding, as a part of its largest entry; by "
            "default what its precision rounds.",
        ),
    ] = None
    dtype: Annotated[
        DType | None,
        Typed("Precision of the backpropagation that is checked; by default float64."),
    ] = None

    def __post_init__(self) -> None:
        GradientOptions.__post_init__(self)
        check_tolerance(self.tolerance)
        if self.gradients is not None and self.dtype is not None:
            message = "'dtype' applies to backpropagation only, but gradients are given"
            raise UsageError.of("bad-option", message, help="leave it out")
        if self.dtype is not None:
            check_choice("bad-option", "precision", self.dtype, get_args(DType))


@takes(CheckOptions)
def check_gradients(
    network: Network, inputs: Mapping[str, Any], options: CheckOptions
) -> GradientReport:
    """Compare backpropagation with the numerical gradient, every entry.

    Parameters
    ----------
    network, inputs, **named
        As for `numerical_gradient`.
    **options
        The fields of `graphnn.gradients.CheckOptions`.

    Returns
    -------
    GradientReport
        An entry *agrees* when the two differ by less than ten estimated errors and what the
        precision of the gradient rounds; it shows a *wrong backward* when they differ by more,
        unless a probe crossed a *kink*, or the rounding of a lower precision did; it stays
        *unresolved* when the estimated error is too large to decide; it is *singular* where the
        gradient is not finite because a local derivative is not, such as that of the square root
        at 0.

    Raises
    ------
    RunError, UsageError
        As `numerical_gradient`; also when there is no parameter, or `gradients` names none, or has
        another shape.
    Interrupted
        As `numerical_gradient`; its `report` is that of the entries reached.
    """
    require_parameters(network)
    only = None if options.only is None else names_of(options.only)
    if options.gradients is not None:
        analytic = _fitting(network, options.gradients)
        only = tuple(analytic) if only is None else only
        origin, dtype = "given", network.dtype.name
    else:
        origin, dtype = "backprop", options.dtype or "float64"
    network = network if network.dtype == dtype else network.astype(dtype)
    # Both gradients are those of the same function: what is rounded for one is for the other.
    inputs = {name: _rounded(value, dtype) for name, value in inputs.items()}
    where: dict[str, Any] = {"loss": options.loss, "only": only, "mode": options.mode}
    if options.gradients is None:
        analytic = backprop(network, inputs, **where, seed=options.seed)
    compared = partial(
        compare,
        analytic,
        origin=origin,
        tolerance=options.tolerance,
        read=network.executor(network.losses(options.loss), mode=options.mode).plan.parameters,
    )
    if not all(np.isfinite(array).all() for array in analytic.values()):
        reverse = Reverse(network.astype("float64"), **where)
        compared = partial(compared, singular=_singular(reverse, inputs, options.seed))
    try:
        estimates = estimate_gradient(network, inputs, replace(options, only=only))
    except Interrupted as stop:
        stop.report = compared(stop.estimates)
        raise
    report = compared(estimates)
    if not report and (rounding := _rounding(options, analytic)) is not None:
        where["only"] = tuple(found.name for found in report.wrong)
        own = options.gradients is None
        moved = shifts(network, inputs, None if own else rounding, options.seed, **where)
        report = compared(estimates, shifts=moved)
    return report


def compare(
    analytic: Mapping[str, Array],
    estimates: Mapping[str, GradientEstimate],
    origin: str = "backprop",
    tolerance: float | None = None,
    singular: str | None = None,
    shifts: Shifts | None = None,
    read: Container[str] | None = None,
) -> GradientReport:
    """Report on gradients that are already there; see `check_gradients` and `CheckedEntry`.

    Parameters
    ----------
    analytic, estimates
        By parameter.
    origin, tolerance
        As for `CheckedEntry` and `CheckOptions`.
    singular : str, optional
        The node that makes entries of `analytic` that are not finite, for its local derivative is
        not.
    shifts : mapping of str to (ndarray, ndarray), optional
        How far the rounding of a lower precision across kinks moves entries, down and up.
    read : container of str, optional
        The parameters that the loss depends on; by default all.

    Raises
    ------
    UsageError
        A gradient is missing.
    """
    for name in estimates:
        if name not in analytic:
            raise UsageError.of("missing-gradient", f"there is no gradient of '{name}' to check")
    scale = max((largest(found.value) for found in estimates.values()), default=0.0)
    return GradientReport(
        tuple(
            _report(
                name,
                analytic[name],
                found,
                scale,
                origin,
                tolerance,
                singular,
                (shifts or {}).get(name),
            )
            for name, found in estimates.items()
            if found.taken
        ),
        tuple(name for name in estimates if read is not None and name not in read),
    )


def _singular(reverse: Reverse, inputs: Mapping[str, Any], seed: int) -> str | None:
    """The first node whose gradient is not finite, where only singular derivatives are at fault."""
    blown_up = reverse.blown_up(inputs, np.random.default_rng(seed))
    return blown_up[0].node if blown_up and all(map(is_singular, blown_up)) else None


def _rounded(value: Any, dtype: str) -> Any:
    array = as_numbers(value)
    return value if array is None or array.dtype.kind != "f" else array.astype(dtype)


def _allowance(precision: np.dtype[Any]) -> float:
    """What a gradient may be off by rounding, as a part of the largest entry."""
    lower = precision != np.float64
    return _EPSILONS * float(np.finfo(precision).eps) if lower else _ROUNDING


def _rounding(options: CheckOptions, analytic: Mapping[str, Array]) -> float | None:
    """How coarsely the gradients are rounded, in units of float32; None for float64."""
    coarsest = max(_allowance(_precision(array)) for array in analytic.values())
    allowed = coarsest if options.tolerance is None else options.tolerance
    return None if allowed <= _ROUNDING else allowed / _allowance(np.dtype(np.float32))


def _precision(array: Array) -> np.dtype[Any]:
    """Whole numbers, and what is finer than float64, are as good as float64."""
    return array.dtype if array.dtype in (np.float32, np.float16) else np.dtype(np.float64)


def misshapen(name: str, shape: tuple[int, ...], found: tuple[int, ...]) -> Diagnostic:
    """A gradient that has not the shape of its array, with the slip that it looks like."""
    help = ""
    if found[::-1] == shape:
        help = "it may be that of the transpose: give its '.T'"
    elif found[1:] == shape:
        help = "it may lack the sum over rows: give its '.sum(axis=0)'"
    message = f"'{name}' has shape {show(shape)}, but its gradient {show(found)}"
    return Diagnostic("wrong-shape", message, help=help)


def _fitting(network: Network, gradients: Mapping[str, Any]) -> dict[str, Array]:
    """Gradients from elsewhere, once they fit the network."""
    check_mapping("gradients", gradients)
    faults, arrays = [], {}
    for name, given in gradients.items():
        array = as_numbers(given)
        if name not in network.parameters:
            faults.append(unknown_parameter(network, name))
        elif array is None:
            message = f"the gradient of '{name}' is not an array of numbers"
            faults.append(Diagnostic("not-numbers", message))
        elif array.shape != network.parameters[name].shape:
            faults.append(misshapen(name, network.parameters[name].shape, array.shape))
        else:
            arrays[name] = array.astype(_precision(array))
    if faults:
        raise UsageError(*faults)
    if not arrays:
        raise UsageError.of("missing-gradient", "the gradients are of no parameter")
    return arrays


@np.errstate(invalid="ignore")  # infinite less infinite
def _report(
    name: str,
    analytic: Array,
    estimate: GradientEstimate,
    scale: float,
    origin: str,
    tolerance: float | None,
    singular: str | None,
    shift: tuple[Array, Array] | None,
) -> ParameterReport:
    precision = _precision(analytic)
    if tolerance is None:
        tolerance = _allowance(precision)
    analytic = analytic.astype(np.float64)
    difference = np.abs(analytic - estimate.value)
    allowed = _MARGIN * estimate.error + tolerance * scale
    # Written so that a NaN difference counts as too large.
    apart = ~(difference <= allowed)
    rounded = np.zeros_like(apart)
    if shift is not None:
        nearest = estimate.value + np.clip(analytic - estimate.value, *shift)
        rounded = apart & (np.abs(analytic - nearest) <= allowed)
    size = np.maximum(np.abs(analytic), np.abs(estimate.value))
    vague = (estimate.error > _RESOLVED * size) & (estimate.error > _NEGLIGIBLE * scale)
    lost = ~(np.isfinite(estimate.value) & np.isfinite(estimate.error))
    found = {
        "singular": ~np.isfinite(analytic) & (singular is not None),
        "kink": (estimate.kink & (apart | vague)) | rounded,
        "unresolved": lost | (vague & ~apart),
        "wrong backward": apart,
    }
    codes = [VERDICTS.index(verdict) for verdict in found]
    verdicts = np.select(list(found.values()), codes, VERDICTS.index("agree"))
    if estimate.entries is not None:
        left_out = np.delete(np.arange(verdicts.size), estimate.entries)
        verdicts.flat[left_out] = _NOT_TAKEN
    counts = {verdict: int((verdicts == code).sum()) for code, verdict in enumerate(VERDICTS)}
    index = _worst(verdicts, difference / np.maximum(allowed, np.finfo(np.float64).tiny))
    verdict = VERDICTS[verdicts[index]]
    given, numerical, error = (float(a[index]) for a in (analytic, estimate.value, estimate.error))
    crossing = estimate.locate(index) if estimate.locate and estimate.kink[index] else None
    node = singular if verdict == "singular" else None
    entry = CheckedEntry(name, index, given, numerical, error, verdict, crossing, origin, node)
    return ParameterReport(name, precision.name, verdicts, counts, entry, estimate)


def _worst(verdicts: Array, ratio: Array) -> tuple[int, ...]:
    """Index of the worst entry; those that were not taken come last."""
    # The last, which -1 finds, is that of entries not taken.
    severity = np.array([*map(WORST_FIRST.index, VERDICTS), len(VERDICTS)])[verdicts]
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    place = np.lexsort((-ratio.ravel(), severity.ravel()))[0]
    return tuple(map(int, np.unravel_index(place, verdicts.shape)))
