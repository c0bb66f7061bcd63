"""Attributes, sizes and written forms of recurrent layers: ONNX, NumPy and torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._inference import unspecified
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import Op
from graphnn.ops._passages import Passage, Tracked, earlier, folded, mixed
from graphnn.ops._sizes import Size
from graphnn.ops.code import CodeForm, call
from graphnn.spec import sizes
from graphnn.spec.sizes import Shape

_INT32 = 6  # of ONNX's element types


class WrittenRecurrence(Op):
    """A recurrent layer, apart from what it computes.

    Attributes
    ----------
    gates : int
        Blocks of columns that the weights have for each unit, and a step of the cell reads.
    carried : tuple of str
        What the cell hands to its next step; ``states`` first.
    onnx_order : tuple of int
        Which of the cell's gates come first, second and so on in ONNX.
    """

    units: Size | None = Field(
        None, description="Features of the state; left out, the rows of `recurrent`."
    )
    bidirectional: bool = Field(
        False, description="Whether a second cell goes from the end, whose states come after."
    )
    returns: Literal["sequence", "last", "state"] = Field(
        "sequence",
        description="The states after all steps, `[batch, time, units]`; the one after the last "
        "step of each row, `[batch, units]`; or all that another layer takes as its `state`.",
    )

    gates: ClassVar[int]
    carried: ClassVar[tuple[str, ...]] = ("states",)
    onnx_order: ClassVar[tuple[int, ...]]
    torch = "{op.name}(...)"  # filled by `to_torch`

    def passage(self, tracked: Tracked) -> Passage | None:
        """A step depends on those before it, and on those after where there is a way back."""
        if tracked.position or tracked.axis != 1:
            return super().passage(tracked)
        if self.returns != "sequence":
            return folded(alike=False)
        return mixed(1, alike=False) if self.bidirectional else earlier(1)

    @property
    def shown(self) -> tuple[str, ...]:
        """What comes out of all that is carried."""
        return self.carried if self.returns == "state" else self.carried[:1]

    def signature(self) -> str:
        """Without time where the last state alone comes out."""
        if self.returns == "sequence":
            return self.result
        count = len(self.shown)
        return f"batch {count}*units*ways" if count > 1 else "batch units*ways"

    def solve_sizes(
        self, shapes: Sequence[Shape], given: Mapping[str, Shape]
    ) -> Mapping[str, sizes.Size]:
        """Columns of the weights, of the state, and of the result."""
        recurrent = given.get("recurrent")
        units = self.units or (recurrent[0] if recurrent else None)
        if units is None:
            raise unspecified("units", "recurrent")
        states = sizes.multiply(units, 1 + self.bidirectional)
        counts = (self.gates, len(self.carried))
        multiples = {f"{count}*units*ways": states * count for count in counts}
        return {"units": units, "units*ways": states, **multiples}

    def multiply_adds(self, result: Sequence[int], *operands: Sequence[int] | None) -> int:
        """At each step, one for each entry of both weights."""
        x, _, _, weight, recurrent, *_ = operands
        assert x is not None
        assert weight is not None
        assert recurrent is not None
        return x[0] * x[1] * (weight[0] + recurrent[0]) * weight[1]

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """The operator of that name, along a transposed sequence, with its gates in its order."""
        x, lengths, state, weight, recurrent, bias, *own = operands
        ways = 1 + self.bidirectional
        units = _number(form.shapes[recurrent][0])
        biases = None
        if bias is not None or any(own):
            biases = self._onnx_biases(form, bias, own, units)
        limits = lengths and self._onnx_lengths(form, x, lengths)
        starts = self._onnx_starts(form, state, units) if state else []
        found = form.add_all(
            1 if self.returns == "sequence" else 1 + len(self.shown),
            self.name.upper(),
            form.add("Transpose", x, perm=[1, 0, 2]),
            *(self._onnx_columns(form, each, units) for each in (weight, recurrent)),
            biases,
            limits,
            *starts,
            hidden_size=units,
            direction="bidirectional" if self.bidirectional else "forward",
            **self._onnx_options(),
        )
        if self.returns == "sequence":
            rows = form.add("Transpose", found[0], perm=[2, 0, 1, 3])
            return form.add("Reshape", rows, [0, 0, ways * units])
        ends = found[1] if len(found) == 2 else form.add("Concat", *found[1:], axis=0)
        rows = form.add("Transpose", ends, perm=[1, 0, 2])
        columns = len(self.shown) * ways * units
        flat = form.add("Reshape", rows, [0, columns])
        if not (lengths and state):
            return flat
        # Of a row without steps, onnxruntime gives 0.
        moved = form.add("Unsqueeze", form.add("Greater", lengths, [0]), [1])
        return form.add("Where", moved, flat, form.add("Slice", state, [0], [columns], [1]))

    def _onnx_lengths(self, form: OnnxForm, x: str, lengths: str) -> str:
        """Lengths from 0 to the number of steps, as ONNX demands, in its type."""
        most = form.size(form.shapes[x][1])
        held = form.add("Min", form.add("Max", lengths, [0]), most)
        return form.add("Cast", held, to=_INT32)

    def _onnx_starts(self, form: OnnxForm, state: str, units: int) -> list[str]:
        """What is carried at the start, each with a matrix for each way."""
        ways = 1 + self.bidirectional
        blocks = form.add("Reshape", state, [0, len(self.carried) * ways, units])
        matrices = form.add("Transpose", blocks, perm=[1, 0, 2])
        if len(self.carried) == 1:
            return [matrices]
        places = [[*range(at * ways, (at + 1) * ways)] for at in range(len(self.carried))]
        return [form.add("Gather", matrices, each, axis=0) for each in places]

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

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return self._written(self.name, form)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """A function of the file, which gives all of them."""
        back = self._written(f"{self.name}_back", form, form.cotangent)
        x, _, state, *kept = form.names
        numbered = enumerate([x, state, *kept])
        by_x, by_state, *by_kept = [name and f"{back}[{number}]" for number, name in numbered]
        return [by_x, None, by_state, *by_kept]

    def _written(self, function: str, form: CodeForm, *first: str, absent: str = "0") -> str:
        x, lengths, state, *kept = form.names
        while len(kept) > 2 and kept[-1] is None:
            kept.pop()
        options = {
            "ways": "2" if self.bidirectional else None,
            "lengths": lengths,
            "state": state,
            "returns": None if self.returns == "sequence" else f'"{self.returns}"',
            **self._written_options(),
        }
        given = [f"{key}={value}" for key, value in options.items() if value is not None]
        return call(function, *first, x, *(name or absent for name in kept), *given)

    def _written_options(self) -> Mapping[str, str]:
        return {}

    def torch_parts(
        self, shapes: Mapping[str, tuple[int, ...]]
    ) -> Mapping[str, Sequence[tuple[str, slice, slice]]]:
        """Arrays of each direction, and two biases that are added."""
        units, found = shapes["recurrent"][0], {}
        for way, end in enumerate(("", "_reverse")[: 1 + self.bidirectional]):
            columns = block(0, self.gates * units), block(way, self.gates * units)
            found[f"weight_ih_l0{end}"] = [("weight", *columns)]
            found[f"weight_hh_l0{end}"] = [("recurrent", *columns)]
            found[f"bias_ih_l0{end}"] = [("bias", *columns)]
            found[f"bias_hh_l0{end}"] = self._torch_recurrent_bias(units, way)
        return found

    def _torch_recurrent_bias(self, units: int, way: int) -> list[tuple[str, slice, slice]]:
        """The parts of the second bias."""
        return [("bias", block(0, self.gates * units), block(way, self.gates * units))]

    def to_torch(self, form: CodeForm) -> str:
        """A function of the file, which calls that of torch."""
        return self._written(self.name, form, absent="None")

    def to_torch_layer(self, form: CodeForm) -> str:
        """The parameters by our names, which the expression takes apart as torch has them."""
        return form.parameters(self)


def _number(size: sizes.Size) -> int:
    """A size of a parameter, which is never free."""
    assert isinstance(size, int)
    return size


def block(at: int, width: int) -> slice:
    """Columns of the block `at`, of so many columns each."""
    return slice(at * width, (at + 1) * width)
