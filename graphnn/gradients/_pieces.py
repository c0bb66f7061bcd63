"""What the rounding of a lower precision does to a gradient where it crosses kinks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from graphnn.execution.network import Network
from graphnn.gradients._backprop import AtKinks, Operands, Reverse
from graphnn.ops import Array, Cotangents, Op

Shifts = Mapping[str, tuple[Array, Array]]
_TRIALS = 8  # each falls on either side of a near kink with equal chances


@dataclass(frozen=True, slots=True)
class _Pinned:
    """An op that acts as if its operands were `arrays`, whatever they are."""

    takes_out: ClassVar[bool] = False
    takes_saved: ClassVar[bool] = False
    op: Op
    arrays: Operands

    def __getattr__(self, name: str) -> Any:
        return getattr(self.op, name)

    def bind(self, bindings: Mapping[str, int]) -> _Pinned:
        """As `Op.bind`."""
        return _Pinned(self.op.bind(bindings), self.arrays)

    def forward(self, *_: Any) -> Array:
        """As `Op.forward`."""
        return self.op.forward(*self.arrays)

    def vjp(self, cotangent: Array, output: Array, *_: Any, **wanted: Any) -> Cotangents:
        """As `Op.vjp`."""
        if self.op.takes_saved:
            wanted["saved"] = {}
            self.op.forward(*self.arrays, saved=wanted["saved"])
        return self.op.vjp(cotangent, output, *self.arrays, **wanted)


def shifts(
    network: Network,
    inputs: Mapping[str, Any],
    rounding: float | None,
    seed: int,
    **where: Any,
) -> Shifts:
    """How far other pieces, which rounding may take instead, move each entry of the gradient.

    Where the branches of a pass in float32 differ from those in float64, its gradient is that of
    another smooth piece of the function. Here the gradient of that piece is taken in float64, so
    that only the choice of the piece counts.

    Parameters
    ----------
    network, inputs
        As for `check_gradients`.
    rounding : float or None
        None for the pieces of the pass in float32 itself. Otherwise, for a pass elsewhere whose
        pieces are not known, some trials move what the ops with kinks read, at random and by up to
        this number times as much as float32 rounds it.
    seed : int
        Of the noise in training.
    **where
        As for `Reverse`.

    Returns
    -------
    mapping of str to (ndarray, ndarray)
        By parameter, the least and the largest change, 0 among them.
    """

    def noise() -> np.random.Generator:
        return np.random.default_rng(seed)

    reverse = Reverse(network.astype("float64"), **where)
    lower = Reverse(network.astype("float32"), **where)
    with np.errstate(all="ignore"):
        here, there = (each.at_kinks(inputs, noise()) for each in (reverse, lower))
        base = reverse(inputs, noise()).gradients
        found = {name: (0 * array, 0 * array) for name, array in base.items()}
        for pinned in _trials(here, there, rounding):
            moved = reverse.with_ops(pinned)(inputs, noise()).gradients
            for name, (least, most) in found.items():
                change = moved[name] - base[name]
                found[name] = np.minimum(least, change), np.maximum(most, change)
    return found


def _trials(here: AtKinks, there: AtKinks, rounding: float | None) -> Iterator[Mapping[int, Op]]:
    """Ops at operands on other pieces than `here`, in float64, by slot."""
    signs = np.random.default_rng(0)
    for _ in range(1 if rounding is None else _TRIALS):
        pinned, differ = {}, False
        for slot, (op, exact) in here.items():
            arrays = tuple(
                _moved(a, b, rounding, signs) for a, b in zip(exact, there[slot][1], strict=True)
            )
            pieces = np.asarray(op.branch(*exact)), np.asarray(op.branch(*arrays))
            differ |= not np.array_equal(*pieces)
            pinned[slot] = cast(Op, _Pinned(op, arrays))
        if differ:
            yield pinned


def _moved(
    exact: Array | None, rounded: Array | None, rounding: float | None, signs: np.random.Generator
) -> Array | None:
    if exact is None or rounded is None or exact.dtype.kind != "f":
        return exact
    if rounding is None:
        return rounded.astype(np.float64)
    reach = rounding * float(np.max(np.abs(rounded - exact), initial=0.0))
    return exact + reach * signs.choice((-1.0, 1.0), exact.shape)
