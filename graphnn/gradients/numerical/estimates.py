"""Derivatives from probes, with an estimate of how far each is off."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphnn.diagnostics import counted
from graphnn.gradients.numerical.engine.probes import Probes
from graphnn.gradients.numerical.functions import FunctionLoop
from graphnn.gradients.numerical.loop import Crossing, Loop
from graphnn.gradients.numerical.objective import Probed, Progress
from graphnn.gradients.numerical.rules import EPSILON, DifferenceRule, Extrapolation
from graphnn.ops import Array

Locate = Callable[[tuple[int, ...]], Crossing | None]
# What gives losses at moved parameters, up to a constant.
Prober = Loop | FunctionLoop | Probes
TINY = 1e-20  # a complex step whose square is lost beside 1, and that underflows nowhere
_AT_A_KINK = 1e-9  # how far to look for the kink that a point is at


@dataclass(frozen=True, slots=True, eq=False)
class GradientEstimate:
    """A numerical gradient that knows how far it may be off.

    Attributes
    ----------
    value : ndarray of float64
        The derivative by each entry; of the parameter's shape, like the others. NaN where the
        entry was not taken, or where a step leads out of the domain of an op.
    error : ndarray of float64
        Estimate of its error: truncation, from comparing two steps, and rounding of the loss. NaN
        where `value` is, or without estimates.
    kink : ndarray of bool
        Whether a probe crossed a point where the loss has no derivative.
    entries : ndarray of int or None
        Places in the parameter's flat array that were taken; None for all.
    locate : callable or None
        Finds the crossing of a marked entry by its index; None without estimates.
    """

    value: Array
    error: Array
    kink: Array
    entries: Array | None = None
    locate: Locate | None = field(default=None, repr=False)

    @property
    def taken(self) -> int:
        """How many entries were taken."""
        return self.value.size if self.entries is None else len(self.entries)

    def __repr__(self) -> str:
        size = counted(self.value.size, "entry")
        taken = size if self.entries is None else f"{self.taken} of {size}"
        kinks = f", {int(self.kink.sum())} at a kink" if self.kink.any() else ""
        return f"<estimate of shape {self.value.shape}: {taken}{kinks}>"

    def _repr_html_(self) -> str:
        """What of it there is, and its range, which Jupyter shows."""
        # Tables stand with the summary of a network, which a gradient alone does not need.
        from graphnn.graph import Table

        header = ("shape", "entries", "at a kink", "least", "greatest", "largest error")
        both = (np.fmin, np.fmax)  # which pass over entries that were not taken
        ends = [f"{end.reduce(self.value, axis=None):.9g}" for end in both]
        error = f"{np.fmax.reduce(self.error, axis=None):.1g}"
        counts = (str(self.taken), str(int(self.kink.sum())))
        row = (str([*self.value.shape]), *counts, *ends, error)
        return Table(header, (row,), right=(1, 2, 3, 4, 5))._repr_html_()

    def crossings(self, most: int | None = None) -> tuple[Crossing, ...]:
        """Where probes of the entries whose `kink` is true cross one, each the nearest it meets.

        Each takes some forward passes, made now, of the network as it was.

        Parameters
        ----------
        most : int, optional
            How many entries to look at; by default all.
        """
        if self.locate is None:
            return ()
        found = (self.locate(tuple(map(int, index))) for index in np.argwhere(self.kink)[:most])
        return tuple(each for each in found if each is not None)


@dataclass(frozen=True)
class Differences:
    """Differences of losses.

    Parameters
    ----------
    rule : DifferenceRule
    step : float
    extrapolation : Extrapolation
    estimate : bool
        Whether to estimate errors.
    """

    rule: DifferenceRule
    step: float
    extrapolation: Extrapolation
    estimate: bool

    @property
    def _multiples(self) -> list[int]:
        stretches = self.extrapolation.stretches
        return sorted({k * stretch for k in self.rule.weights for stretch in stretches} - {0})

    @property
    def reaches(self) -> Sequence[float]:
        """Offsets, on the real axis, within which kinks matter."""
        return [k * self.step for k in self._multiples]

    @property
    def offsets(self) -> tuple[float, ...]:
        """How far entries are moved."""
        return tuple(self.reaches)

    def derivatives(self, probed: Probed, moved: Array, origin: float) -> tuple[Array, Array]:
        """The derivatives by the entries `moved`, and their errors."""
        losses: dict[int, Array] = dict(zip(self._multiples, probed.losses, strict=True))
        losses[0] = np.full(probed.loss_scale.shape, origin)
        value, error = self.extrapolation.combine(
            [self.rule.apply(losses, self.step, s) for s in self.extrapolation.stretches],
            self.rule.order,
        )
        if self.estimate:
            # The entry itself is rounded where it was moved to.
            place = EPSILON * np.abs(moved * value)
            rounded = rounding(losses, probed.loss_scale, ~probed.kink) + place
            error = np.maximum(error, rounded / self.step)
        else:
            error = np.full(value.shape, np.nan)
        return value, error


@dataclass(frozen=True)
class ComplexStep:
    """Imaginary parts of the loss at entries moved along the imaginary axis.

    Parameters
    ----------
    step : float
    estimate : bool
        Whether to estimate errors.
    """

    step: float
    estimate: bool

    @property
    def reaches(self) -> Sequence[float]:
        """As those of `Differences`, of what the point itself lies on."""
        return (-_AT_A_KINK, _AT_A_KINK)

    @property
    def offsets(self) -> tuple[Any, ...]:
        """How far entries are moved."""
        # Three times the step changes nothing but how it is rounded.
        return tuple(1j * k * self.step for k in ((1, 3) if self.estimate else (1,)))

    def derivatives(self, probed: Probed, moved: Array, origin: float) -> tuple[Array, Array]:
        """The derivatives by the entries `moved`, and their errors."""
        value = probed.losses[0].imag / self.step
        error = np.full(value.shape, np.nan)
        if self.estimate:
            other = probed.losses[1].imag / (3 * self.step)
            error = noise(np.abs(other - value), np.abs(value))
        return value, error


# How the derivatives by one parameter are taken.
Scheme = Differences | ComplexStep


def take(
    scheme: Scheme,
    prober: Prober,
    name: str,
    values: Array,
    places: Array | None,
    progress: Progress,
) -> GradientEstimate:
    """The derivatives by entries of the parameter `name`; fewer where Ctrl-C was pressed."""
    probed = prober.differences(name, scheme.offsets, progress, places)
    moved = values.ravel() if probed.places is None else values.ravel()[probed.places]
    with np.errstate(all="ignore"):  # a loss is not finite where a step leaves the domain
        value, error = scheme.derivatives(probed, moved, prober.origin)
    return _spread(probed, values.shape, value, error)


def rounding(losses: Mapping[int, Array], loss_scale: Array, smooth: Array) -> Array:
    """Typical error by rounding of a loss at each moved entry.

    A divided difference over all places of a probe leaves of a smooth function only its highest
    derivative, which a small step makes negligible; what remains is noise.

    Parameters
    ----------
    losses : mapping of int to ndarray, shape (entries,)
        By multiples of the step, 0 among them.
    loss_scale : ndarray, shape (entries,)
        Size of the losses that the entry moves.
    smooth : ndarray of bool, shape (entries,)
        Whether no probe crossed a kink: a difference there is not noise.

    References
    ----------
    J. J. Moré and S. M. Wild, Estimating computational noise, SIAM Journal on Scientific Computing
    33 (2011), for noise estimated from differences of high order.
    """
    weights = {k: 1 / math.prod(k - other for other in losses if other != k) for k in losses}
    parts = [weight * losses[k] for k, weight in weights.items()]
    return noise(np.abs(np.sum(parts, axis=0)) / math.hypot(*weights.values()), loss_scale, smooth)


def noise(seen: Array, size: Array, counted: Array | None = None) -> Array:
    """Typical noise of each number, of which `seen` shows one draw each.

    A single draw may be small by chance, so the median of all counts too, each relative to the size
    of its number, without those that `counted` leaves out or that are not finite. It is never less
    than the machine epsilon times that size.
    """
    there = (size > 0) & np.isfinite(seen)
    if counted is not None:
        there &= counted
    common = EPSILON
    if there.any():
        common = max(common, float(np.median(seen[there] / size[there])))
    return np.asarray(np.maximum(seen, common * size))


def _spread(probed: Probed, shape: tuple[int, ...], value: Array, error: Array) -> GradientEstimate:
    """What was found at some entries, as arrays of the parameter's shape."""
    kink = probed.kink
    if probed.places is None:
        return GradientEstimate(value.reshape(shape), error.reshape(shape), kink.reshape(shape))
    whole = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    for array, found in zip(whole, (value, error, kink), strict=True):
        array.flat[probed.places] = found
    return GradientEstimate(*whole, probed.places)
