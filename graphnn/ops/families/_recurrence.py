"""What recurrent layers have in common: steps along time, forth and back, in one or two ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import ALL, Array, Cotangents, Saved, Wanted
from graphnn.ops._inference import unspecified
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Op, aliases
from graphnn.ops._operands import PARAMETERS_ELSEWHERE
from graphnn.ops._sizes import Size
from graphnn.ops.code import CodeForm, call
from graphnn.spec import sizes
from graphnn.spec.sizes import Shape

# What options of recurrent layers are called elsewhere.
ELSEWHERE: Mapping[str, str] = aliases(
    units="hidden_size num_hidden num_units state_size",
    bidirectional="bidirection go_backwards direction",
    recurrent="recurrent_weight recurrent_initializer recurrent_kernel weight_hh",
    **PARAMETERS_ELSEWHERE,
)


class Recurrence(Op):
    """A cell that goes along a sequence, from a state of zeros.

    Attributes
    ----------
    gates : int
        Blocks of columns that the weights have for each unit, and a step of the cell reads.
    onnx_order : tuple of int
        Which of the cell's gates come first, second and so on in ONNX.
    """

    units: Size | None = Field(
        None, description="Features of the state; left out, the rows of `recurrent`."
    )
    bidirectional: bool = Field(
        False, description="Whether a second cell goes from the end, whose states come after."
    )

    gates: ClassVar[int]
    onnx_order: ClassVar[tuple[int, ...]]
    output_interval = (-1.0, 1.0)
    result = "batch time units*ways"
    batchwise = True
    analytic = True
    torch = "{op.name}(...)"  # filled by `to_torch`

    def solve_sizes(
        self, shapes: Sequence[Shape], given: Mapping[str, Shape]
    ) -> Mapping[str, sizes.Size]:
        """Columns of the weights, and of the result."""
        recurrent = given.get("recurrent")
        units = self.units or (recurrent[0] if recurrent else None)
        if units is None:
            raise unspecified("units", "recurrent")
        states = sizes.multiply(units, 1 + self.bidirectional)
        columns = f"{self.gates}*units*ways" if self.gates > 1 else "units*ways"
        return {
            "units": units,
            "units*ways": states,
            columns: sizes.multiply(states, self.gates),
        }

    def forward(self, x: Array, *kept: Any, saved: Saved | None = None) -> Array:
        """States after every step; x ``[batch, time, n]``."""
        weight, recurrent, bias, *own = kept
        units, driven = len(recurrent), self._driven(x, weight, bias)
        states = [
            self._run(driven[way], self._block(recurrent, way), *self._parts(own, way, units))
            for way in range(1 + self.bidirectional)
        ]
        if saved is not None:
            saved.clear()
            for way, kept_by_way in enumerate(states):
                saved.update({f"{key}{way}": array for key, array in kept_by_way.items()})
        along = [each["states"][:: -1 if way else 1] for way, each in enumerate(states)]
        return np.concatenate(along, axis=2).swapaxes(0, 1)

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        x: Array,
        *kept: Any,
        wanted: Wanted = ALL,
        saved: Saved | None = None,
    ) -> Cotangents:
        """Through the steps, last first; those of the weights are summed over time and rows."""
        if not saved:
            self.forward(x, *kept, saved=(saved := {}))
        moving = np.asarray(cotangent.any(axis=(1, 2)))
        if not moving.all():
            return self._of_some(cotangent, x, kept, wanted, saved, moving)
        weight, recurrent, bias, *own = kept
        batch, time, features = x.shape
        units = len(recurrent)
        slopes = np.empty((time, batch, weight.shape[1]), cotangent.dtype)
        by_recurrent = np.empty_like(recurrent)
        by_own = [None if each is None else np.empty_like(each) for each in own]
        for way in range(1 + self.bidirectional):
            turn = slice(None, None, -1 if way else 1)
            state = {key[:-1]: array for key, array in saved.items() if key[-1] == str(way)}
            arriving = cotangent.swapaxes(0, 1)[turn, :, way * units : (way + 1) * units]
            parts = self._parts(own, way, units)
            along, inner, more = self._back(arriving, state, self._block(recurrent, way), *parts)
            self._block(slopes, way)[...] = along[turn]
            before, after = state["states"][:-1], inner[1:]
            self._block(by_recurrent, way)[...] = _pairs(before, after)
            for place, new in zip(by_own, more, strict=True):
                if place is not None:
                    place[way * units : (way + 1) * units] = new
        rows = slopes.reshape(-1, weight.shape[1])
        by_x = None
        if wanted[0]:
            by_x = (rows @ weight.T).reshape(time, batch, features).swapaxes(0, 1)
        return (
            by_x,
            _pairs(x.swapaxes(0, 1), slopes) if wanted[1] else None,
            by_recurrent,
            None if bias is None else rows.sum(axis=0),
            *by_own,
        )

    def multiply_adds(self, result: Sequence[int], *operands: Sequence[int] | None) -> int:
        """At each step, one for each entry of both weights."""
        _, weight, recurrent, *_ = operands
        assert weight is not None
        assert recurrent is not None
        return result[0] * result[1] * (weight[0] + recurrent[0]) * weight[1]

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """The operator of that name, along a transposed sequence, with its gates in its order."""
        x, weight, recurrent, bias, *own = operands
        ways = 1 + self.bidirectional
        turned = form.add("Transpose", x, perm=[1, 0, 2])
        units = _number(form.shapes[recurrent][0])
        columns = [self._onnx_columns(form, each, units) for each in (weight, recurrent)]
        biases = None
        if bias is not None or any(own):
            biases = self._onnx_biases(form, bias, own, units)
        direction = "bidirectional" if self.bidirectional else "forward"
        y = form.add(
            self.name.upper(),
            turned,
            *columns,
            biases,
            hidden_size=units,
            direction=direction,
            **self._onnx_options(),
        )
        rows = form.add("Transpose", y, perm=[2, 0, 1, 3])
        return form.add("Reshape", rows, [0, 0, ways * units])

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return self._written(self.name, form)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Functions of the file, one pass through the steps for each operand."""
        back = self._written(f"{self.name}_back", form, form.cotangent)
        return [name and f"{back}[{position}]" for position, name in enumerate(form.names)]

    def _written(self, function: str, form: CodeForm, *first: str, absent: str = "0") -> str:
        last = len(form.names) - 1
        while last > 2 and form.names[last] is None:
            last -= 1
        names = [name or absent for name in form.names[: last + 1]]
        ways = {"ways": 2} if self.bidirectional else {}
        return call(function, *first, *names, **ways)

    def to_torch(self, form: CodeForm) -> str:
        """A function of the file, which calls that of torch."""
        return self._written(self.name, form, absent="None")

    def to_torch_layer(self, form: CodeForm) -> str:
        """The parameters by our names, which the expression takes apart as torch has them."""
        kept = self.parameter_operands()
        shapes = form.shapes[len(form.shapes) - len(kept) :]
        parts = [
            f'"{operand.name}": nn.Parameter(torch.zeros({", ".join(map(str, shape))}))'
            for operand, shape in zip(kept, shapes, strict=True)
            if shape is not None
        ]
        return f"nn.ParameterDict({{{', '.join(parts)}}})"

    def _run(self, driven: Array, recurrent: Array, *own: Array | None) -> dict[str, Array]:
        """What a cell keeps of its steps, ``states`` among them.

        Parameters
        ----------
        driven : ndarray, shape (time, batch, gates units)
            What the data give each step; may be written over.
        recurrent : ndarray, shape (units, gates units)
        *own : ndarray, shape (units,), or None
            Further parameters.
        """
        raise NotImplementedError

    def _back(
        self, arriving: Array, state: Mapping[str, Array], recurrent: Array, *own: Array | None
    ) -> tuple[Array, Array, Sequence[Array]]:
        """Cotangents of `driven`, of what `recurrent` gives it, and of `own`."""
        raise NotImplementedError

    def _driven(self, x: Array, weight: Array, bias: Array | None) -> list[Array]:
        """For each way, what the data give its steps, in its order."""
        batch, time, features = x.shape
        rows = np.ascontiguousarray(x.swapaxes(0, 1)).reshape(-1, features)
        whole = rows @ weight
        if bias is not None:
            whole += bias
        whole = whole.reshape(time, batch, weight.shape[1])
        if not self.bidirectional:
            return [whole]
        return [
            np.ascontiguousarray(self._block(whole, way)[:: -1 if way else 1]) for way in (0, 1)
        ]

    def _block(self, array: Array, way: int) -> Array:
        """The columns that belong to one way."""
        width = array.shape[-1] // (1 + self.bidirectional)
        return array[..., way * width : (way + 1) * width]

    def _parts(self, own: Sequence[Array | None], way: int, units: int) -> list[Array | None]:
        return [None if a is None else a[way * units : (way + 1) * units] for a in own]

    def _of_some(
        self,
        cotangent: Array,
        x: Array,
        kept: Sequence[Any],
        wanted: Wanted,
        saved: Saved,
        moving: Array,
    ) -> Cotangents:
        """As `vjp`, of the rows that have a cotangent: others pass on nothing, not even NaN."""
        some = {key: array[:, moving] for key, array in saved.items()}
        rows = x[moving]
        if len(rows):
            found = self.vjp(cotangent[moving], rows, rows, *kept, wanted=wanted, saved=some)
        else:
            found = (rows, *(None if each is None else np.zeros_like(each) for each in kept))
        if found[0] is None:
            return found
        by_x = np.zeros_like(x)
        by_x[moving] = found[0]
        return by_x, *found[1:]

    def _onnx_columns(self, form: OnnxForm, name: str, units: int) -> str:
        """A weight as ONNX has it, a row for each gate and unit."""
        blocks = [1 + self.bidirectional, self.gates, units, -1]
        rows = form.add("Reshape", form.add("Transpose", name, perm=[1, 0]), blocks)
        ordered = form.add("Gather", rows, [*self.onnx_order], axis=1)
        width = self.gates * units
        return form.add("Reshape", ordered, [1 + self.bidirectional, width, -1])

    def _onnx_biases(
        self, form: OnnxForm, bias: str | None, own: Sequence[str | None], units: int
    ) -> str:
        """The biases of the data, then those of the state, which are 0 but for `own`."""
        ways, count = 1 + self.bidirectional, self.gates * units
        zeros = np.zeros((ways, count))
        first: Any = zeros
        if bias is not None:
            blocks = form.add("Reshape", bias, [ways, self.gates, units])
            ordered = form.add("Gather", blocks, [*self.onnx_order], axis=1)
            first = form.add("Reshape", ordered, [ways, count])
        second: Any = zeros
        if own and own[0] is not None:
            before = np.zeros((ways, count - units))
            given = form.add("Reshape", own[0], [ways, units])
            second = form.add("Concat", before, given, axis=1)
        return form.add("Concat", first, second, axis=1)

    def _onnx_options(self) -> Mapping[str, Any]:
        return {}


def _pairs(a: Array, b: Array) -> Array:
    """``sum a^T b`` over all rows of all steps."""
    product: Array = np.ascontiguousarray(a).reshape(-1, a.shape[-1]).T @ np.ascontiguousarray(
        b
    ).reshape(-1, b.shape[-1])
    return product


def _number(size: sizes.Size) -> int:
    """A size of a parameter, which is never free."""
    assert isinstance(size, int)
    return size
