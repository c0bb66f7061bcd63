"""The numerical gradient of a scalar function of arrays, of whose inside nothing is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphnn.diagnostics import RunError, UsageError
from graphnn.gradients.numerical.objective import Probed, Progress, largest
from graphnn.gradients.numerical.rules import CENTRAL, EPSILON
from graphnn.ops import Array
from graphnn.ops.own import what
from graphnn.spec.sizes import show

Function = Callable[..., Any]
_SEEN = 100.0  # roundings of a value: a second difference below that shows nothing


class FunctionLoop:
    """Values of a function with one entry of its arrays moved, a call each; as `Loop`.

    Parameters
    ----------
    function : callable
        Of the arrays, by keyword; it gives one number.
    arrays : mapping of str to ndarray
        Real numbers in float64, copied.

    Attributes
    ----------
    origin : float
        The value with nothing moved.
    stopped : bool
        Whether Ctrl-C was pressed.

    Raises
    ------
    UsageError
        The function gives more than one number, one of a lower precision, another one when it is
        called again, or modifies its arguments.
    RunError
        Its value is not finite.
    """

    stopped = False

    def __init__(self, function: Function, arrays: Mapping[str, Array]) -> None:
        self._function = function
        self._arrays = {name: np.array(array) for name, array in arrays.items()}
        self.origin = self._value()
        refuse_modified("function", arrays, self._arrays)
        if not np.isfinite(self.origin):
            raise RunError.of("not-finite", f"the value of the function is {self.origin}")
        again = self._value()
        if again != self.origin:
            message = f"the function gives {self.origin!r}, and then {again!r}"
            help = "let it give the same for the same arrays, as by a fixed seed"
            raise UsageError.of("bad-value", message, help=help)
        if _is_single(self.origin):
            self._refuse_single()

    def differences(
        self, name: str, offsets: Sequence[float], progress: Progress, entries: Array | None
    ) -> Probed:
        """As `Loop.differences`; kinks are seen by second differences."""
        array = self._arrays[name]
        chosen = np.arange(array.size) if entries is None else entries
        values = np.zeros((len(offsets), len(chosen)))
        done = 0
        try:
            for entry in chosen.tolist():
                original = array.flat[entry]
                for which, offset in enumerate(offsets):
                    array.flat[entry] = original + offset
                    values[which, done] = self._value()
                array.flat[entry] = original
                done += 1
                progress(done)
        except KeyboardInterrupt:
            self.stopped = True
            array.flat[chosen[done]] = original
            entries, values = chosen[:done], values[:, :done]
        size = largest(values, abs(self.origin))
        crossed = np.zeros(values.shape, dtype=bool)
        crossed[:] = self._bent(offsets, values, size)
        return Probed(values, crossed, np.full(done, size), entries)

    def _bent(self, offsets: Sequence[float], values: Array, size: float) -> Array | bool:
        """Where the second difference at twice the step is not four times that at the step.

        A function that bends ``d`` from the point, by ``a`` in its slope, has the two ``a (h - d)``
        and ``a (2 h - d)``. From half a step on, the error that two steps estimate covers it.
        """
        at = dict(zip(offsets, values, strict=True))
        step = min(abs(offset) for offset in offsets)
        if not {-2 * step, -step, step, 2 * step} <= at.keys():
            return False
        near, far = (at[h] - 2 * self.origin + at[-h] for h in (step, 2 * step))
        seen = np.abs(near) > _SEEN * EPSILON * max(size, np.finfo(float).tiny)
        return np.asarray(seen & (np.abs(far - 4 * near) > np.abs(near)))

    def _refuse_single(self) -> None:
        """Refuse a function whose values nearby differ, and all are numbers of float32.

        Its differences are roundings, which look like kinks and would excuse a wrong gradient.
        """
        rng, kept, values = np.random.default_rng(0), self._arrays, {self.origin}
        for _ in range(2):
            self._arrays = {name: _shaken(array, rng) for name, array in kept.items()}
            values.add(self._value())
        self._arrays = kept
        if len(values) == 3 and all(_is_single(value) for value in values):
            raise _of_precision("float32")

    def _value(self) -> float:
        given = self._function(**self._arrays)
        found = np.asarray(given)
        if found.size != 1 or found.dtype.kind not in "fiu":
            array = f"{found.dtype} of shape {show(found.shape)}"
            message = f"the function gives {what(given) if found.dtype.kind == 'O' else array}"
            raise UsageError.of("wrong-shape", message, help="let it give one real number")
        if found.dtype.kind == "f" and found.dtype.itemsize < np.dtype(np.float64).itemsize:
            raise _of_precision(str(found.dtype))
        return float(found.reshape(()))


def refuse_modified(what: str, given: Mapping[str, Array], after: Mapping[str, Array]) -> None:
    """Raise a UsageError where a function has written into its arguments."""
    for name, array in given.items():
        if not np.array_equal(array, after[name], equal_nan=array.dtype.kind == "f"):
            message = f"the {what} modifies its argument '{name}'"
            raise UsageError.of("bad-value", message, help="let it work on a copy")


def _of_precision(dtype: str) -> UsageError:
    help = "let it compute in float64, from the arrays on, or its differences are roundings"
    return UsageError.of("bad-dtype", f"the function computes in {dtype}", help=help)


def _is_single(value: float) -> bool:
    with np.errstate(over="ignore"):
        return float(np.float32(value)) == value and not value.is_integer()


def _shaken(array: Array, rng: np.random.Generator) -> Array:
    """An array with its real numbers moved by about a step."""
    if array.dtype.kind != "f":
        return array
    return np.asarray(array + rng.uniform(0.5, 1, array.shape) * CENTRAL.default_step())
