"""An ONNX graph translated, operator by operator, into nodes in the making."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from graphnn.diagnostics import Diagnostic, RunError, UsageError
from graphnn.interchange.onnx.folding import filled, fold
from graphnn.interchange.onnx.layouts import Layout
from graphnn.interchange.onnx.models import ForeignInput, ForeignNode, Model, Reader
from graphnn.interchange.onnx.opaque import inferred, opaque
from graphnn.interchange.onnx.table import alike, apply, rules
from graphnn.interchange.onnx.values import Filled, Made, UnsupportedError, Value
from graphnn.ops import MOST_NUMBERS, REGISTRY, Array, Kind, Op, ShapeError
from graphnn.spec import NAME, sizes
from graphnn.spec.sizes import Size

_NAMED = 3  # nodes that a refusal names
_LONGEST = 40  # characters of a name
_DEEPEST = 8  # graphs inside one another
_INLINE = 16  # entries of a constant that the spec itself states
_FINITE = float(np.finfo(np.float32).max)
DRAWN = "'graphnn draw' and 'graphnn show' take the model as it is"
# What NumPy and Python raise where a node breaks the standard, in whichever way.
_TRIPPED = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError)
_PREFIXES = 3  # parts of the name of a weight that name its node


class Translator:
    """Translates one model.

    Parameters
    ----------
    model : Model
    given : mapping of str to array_like
        Values that some inputs, or free sizes, have.
    drawn : bool
        Whether what has no counterpart becomes an opaque node.

    Attributes
    ----------
    made : list of Made
        In an order in which they can be computed.
    inputs : dict of str to Made
        By name in the model.
    outputs : list of Made
    free : list of str
        Names of free sizes.
    notes : list of str
        What was changed on the way.
    """

    def __init__(
        self, model: Model, given: Mapping[str, Any] | None = None, *, drawn: bool = False
    ) -> None:
        self.model = model
        self.opset = model.opset
        self.made: list[Made] = []
        self.inputs: dict[str, Made] = {}
        self.outputs: list[Made] = []
        self.free: list[str] = []
        self.notes: list[str] = []
        self.readers: dict[str, int] = {}
        self._given = dict(given or {})
        self._used: set[str] = set()
        self._drawn = drawn
        self._shapes = inferred(model) if drawn else {}
        self._values: dict[str, Value] = {}
        self._names: dict[int, str] = {}  # of initializers, by the array's id
        self._depth = 0
        self._first = ""  # what the model calls the size that is the batch here
        self._constants: dict[int, Made] = {}
        self._small: dict[object, Made] = {}
        self._alive: list[Array] = []
        self._layouts: dict[Made, Layout] = {}
        self._node = ForeignNode("", "", (), (), {})
        self._refused: dict[tuple[str, str], list[str]] = {}

    def translate(self) -> Translator:
        """Translate the whole model.

        Raises
        ------
        RunError
            Some operators have no counterpart: one diagnostic for each operator and reason.
        """
        for name in (name for node in self.model.nodes for name in node.inputs):
            self.readers[name] = self.readers.get(name, 0) + 1
        for name in self.model.outputs:
            self.readers[name] = self.readers.get(name, 0) + 1
        for name, array in self.model.arrays.items():
            self._values[name] = self._finite(name, array)
            self._names[id(self._values[name])] = name
        for each in self.model.inputs:
            value = self._values[each.name] = self._input(each)
            if isinstance(value, Made):
                self.inputs[each.name] = value
        names = ", ".join(f"'{each.name}'" for each in self.model.inputs)
        if unknown := [name for name in self._given if name not in self._used]:
            message = f"the model has no input '{unknown[0]}'"
            raise UsageError.of("unknown-input", message, help=f"its inputs: {names}")
        self.run(self.model.nodes)
        self._raise_refusals()
        for name in self.model.outputs:
            self._node = ForeignNode("Identity", name, (), (), {})
            try:
                made = self._output(self._values[name])
            except UnsupportedError as error:
                self._refused["Identity", str(error)] = [name]
                self._raise_refusals()
                raise
            made.hints = (name, *made.hints)
            self.outputs.append(made)
        return self

    def _output(self, value: Value) -> Made:
        """A separate node for an output."""
        made = self.node(value)
        if made.op.is_input or made in self.outputs:
            made = self.emit("reshape", made, shape=made.shape)
        return made

    def run(self, nodes: Iterable[ForeignNode]) -> None:
        """Translate nodes; what does not work is kept for the refusals."""
        for node in nodes:
            try:
                inputs = [self._values[name] if name else None for name in node.inputs]
            except KeyError:
                continue  # it follows from what is refused
            self._node = node
            try:
                found = self._translated(node, inputs)
            except UnsupportedError as error:
                if not self._drawn:
                    label = node.name or next(iter(node.outputs), "")
                    self._refused.setdefault((node.op, str(error)), []).append(label)
                    continue
                found = self._opaque_values(node, inputs)
            for name, value in zip(node.outputs, found, strict=False):
                if name:
                    self._values[name] = value

    def inline(self, graph: Any) -> list[Value]:
        """Translate a graph inside of this one, and give what it gives."""
        if self._depth == _DEEPEST:
            raise UnsupportedError("it is inside of too many others")
        arrays, nodes = Reader(Path(self.model.name)).graph(graph)
        for name, array in arrays.items():
            self._values[name] = self._finite(name, array)
        outer, self._depth = self._node, self._depth + 1
        self.run(nodes)
        self._node, self._depth = outer, self._depth - 1
        missing = [each.name for each in graph.output if each.name not in self._values]
        if missing:
            raise UnsupportedError("what it leads to has no counterpart")
        return [self._values[each.name] for each in graph.output]

    def _translated(self, node: ForeignNode, inputs: list[Value | None]) -> list[Value]:
        """The values of a node.

        Raises
        ------
        UnsupportedError
            It has no counterpart; or it is not as ONNX's standard demands, on which rules rely.
        """
        try:
            found = self._by_rule(node, inputs)
        except _TRIPPED:
            raise UnsupportedError("its inputs and attributes do not fit together") from None
        if rest := [name for name in node.outputs[len(found) :] if self.readers.get(name)]:
            raise UnsupportedError(f"nothing here gives its output '{rest[0][:100]}'")
        return found

    def _by_rule(self, node: ForeignNode, inputs: list[Value | None]) -> list[Value]:
        full = filled(node, inputs)
        if full is not None:
            return [full]
        found = fold(node, inputs, self.opset)
        if found is not None:
            return [*found]
        if function := rules().get(node.op):
            return apply(function, self, node, inputs)
        if same := alike().get(node.op):
            return [self._same(same, node, inputs)]
        raise UnsupportedError("there is no such op here")

    def _same(self, op: type[Op], node: ForeignNode, inputs: list[Value | None]) -> Made:
        attributes = {
            ours: node.attributes[theirs]
            for ours, theirs in op.onnx_keys.items()
            if theirs in node.attributes
        }
        return self.emit(op.name, *inputs, **attributes)

    # --- making nodes

    def emit(
        self,
        op: str,
        *inputs: Value | float | None,
        arrays: Mapping[str, Array | None] | None = None,
        **attributes: Any,
    ) -> Made:
        """Make a node of the op; constants among its inputs become nodes too.

        Raises
        ------
        UnsupportedError
            The op does not take such attributes, shapes or kinds.
        """
        kept = {key: value for key, value in attributes.items() if value is not None}
        sources = [self.node(value) for value in inputs if value is not None]
        arrays = dict(arrays or {})
        try:
            made = REGISTRY[op].model_validate({"op": op, **kept})
            given = {name: array.shape for name, array in arrays.items() if array is not None}
            _check_kinds(made, sources)
            inferred = made.infer([source.shape for source in sources], given)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"]))
            raise UnsupportedError(f"'{where}' of {op} cannot be {fault['input']!r}") from None
        except ShapeError as error:
            raise UnsupportedError(str(error)) from None
        if any(size == 0 for size in inferred.result):
            raise UnsupportedError("it has an array without entries")
        kind = made.infer_kind(*[source.kind for source in sources])
        stated = {**kept, **inferred.attributes}
        if inferred.attributes:
            made = made.model_copy(update=dict(inferred.attributes))
        found = Made(made, sources, arrays, inferred.result, kind, given=stated)
        return self._placed(found, arrays)

    def _placed(self, found: Made, arrays: Mapping[str, Array | None]) -> Made:
        node = self._node
        found.origin, found.scopes, found.about = node.name, node.scopes, node.about
        if arrays:
            found.hints = self._hints(array for array in arrays.values() if array is not None)
        self.made.append(found)
        return found

    def _hints(self, arrays: Iterable[Array]) -> tuple[str, ...]:
        """Names for the node with these parameters: that of a weight without its last part."""
        names = [self._names.get(id(array), "") for array in arrays]
        if not names:
            return ()
        own = (name for name in names if self.readers.get(name) == 1)
        found = [name.rpartition(".")[0] or name.rpartition("/")[0] for name in own]
        return tuple(filter(None, (*found, *self._node.scopes[-2:-1])))

    def layout(self, made: Made) -> Layout:
        """How a node lies in what it has been reshaped or transposed from, if it has."""
        return self._layouts.get(made) or Layout.of(made)

    def keep_layout(self, made: Made, layout: Layout | None) -> None:
        """Remember the layout of a node, if it is known."""
        if layout is not None:
            self._layouts[made] = layout

    def give(self, made: Made, key: str, array: Array) -> None:
        """Give a node that is there already another parameter."""
        made.arrays = {**made.arrays, key: array}
        made.hints = (*self._hints([array])[:1], *made.hints)

    def named(self, array: Array, source: Array) -> Array:
        """`array`, made of `source`, under the name of that."""
        self._alive.append(array)  # or its id could be that of another array later
        if (name := self._names.get(id(source))) is not None:
            self._names[id(array)] = name
        return array

    def node(self, value: Value | float) -> Made:
        """The node that gives `value`: of a constant, one that states it."""
        if isinstance(value, Made):
            return value
        if isinstance(value, Filled):
            return self.emit("expand", np.asarray(value.number), shape=value.shape)
        if isinstance(value, float | int):
            value = np.asarray(float(value))
        if value.dtype == object:
            raise UnsupportedError("it computes with free sizes")
        if id(value) in self._constants:
            return self._constants[id(value)]
        if value.size <= _INLINE:
            value = self._finite(self._node.name or self._node.op, value)
        kind: Kind = "float" if value.dtype.kind == "f" else "int"
        if value.size == 0:
            raise UnsupportedError("it has an array without entries")
        if value.size <= _INLINE:
            return self._stated(value, kind)
        if kind == "int" and value.size > MOST_NUMBERS:
            raise UnsupportedError("it has a large constant of whole numbers")
        if kind == "int":
            made = self._constants[id(value)] = self.emit(
                "constant", value=_listed(value), dtype=kind
            )
            self._alive.append(value)
            return made
        made = self.emit("parameter", shape=value.shape, arrays={"value": value})
        made.hints = (self._names.get(id(value), ""),)
        made.trainable = made.hints[0] != ""
        self._constants[id(value)] = made
        self._alive.append(value)
        return made

    def _stated(self, value: Array, kind: Kind) -> Made:
        """A node that states a small array: one for each reader, so that blocks have their own."""
        key = (value.dtype, value.shape, value.tobytes())
        if (known := self._small.get(key)) is not None:
            return self._placed(replace(known), {})
        made = self._small[key] = self.emit("constant", value=_listed(value), dtype=kind)
        return made

    def _finite(self, name: str, array: Array) -> Array:
        """`array` without infinities, of which a note is taken."""
        if array.dtype.kind != "f" and array.dtype.name not in ("bfloat16",):
            return array
        wide = array.astype(np.float64) if array.dtype.itemsize < 4 else array
        if not np.isfinite(wide).all():
            if np.isnan(wide).any():
                return wide
            self.notes.append(f"infinities of '{name}' are now {_FINITE:.3g}")
            wide = np.clip(wide, -_FINITE, _FINITE)
        return wide

    # --- inputs

    def _input(self, each: ForeignInput) -> Value:
        if each.name in self._given:
            self._used.add(each.name)
            return np.asarray(self._given[each.name], each.dtype)
        if each.shape is None:
            message = f"the input '{each.name}' has no shape"
            raise RunError.of("not-in-graphnn", message)
        shape = tuple(self._size(size, each.name, axis) for axis, size in enumerate(each.shape))
        kind = "float" if "float" in each.dtype.name else "int"  # bfloat16 too
        made = self.emit("input", shape=shape, dtype=kind)
        made.hints, made.origin = (each.name,), each.name
        return made

    def _size(self, size: int | str | None, name: str, axis: int, *, known: bool = True) -> Size:
        if isinstance(size, int):
            return size
        first = known and axis == 0
        plain = self._plain(size or ("batch" if first else f"{name}_{axis}"))
        if plain in self._given:
            self._used.add(plain)
            return int(self._given[plain])
        if first and not self.free:
            self._first = size or ""
            plain = "batch"
        elif size and size == self._first:
            plain = "batch"
        if plain not in self.free:
            self.free.append(plain)
        return sizes.free(plain)

    def _plain(self, text: str) -> str:
        """A name for a free size."""
        plain = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in text)
        fits = NAME.fullmatch(plain) and len(plain) <= _LONGEST
        return plain if fits else f"size_{len(self.free) + 1}"

    # --- what has no counterpart

    def _opaque_values(self, node: ForeignNode, inputs: list[Value | None]) -> list[Value]:
        operator = node.op.rpartition(".")[2]
        if not NAME.fullmatch(operator):
            operator = "Unknown"
        sources = [self.node(value) for value in inputs if value is not None and _is_drawn(value)]
        found: list[Value] = []
        for name in node.outputs:
            shape, kind = self._shapes.get(name, ((), "float"))
            sizes = tuple(
                self._size(size if size != 0 else None, operator, axis, known=False)
                for axis, size in enumerate(shape)
            )
            given = {"shape": sizes, "dtype": kind}
            op = opaque(operator) if sources else REGISTRY["input"]
            made = Made(op(**given), sources, {}, sizes, kind, given=given)
            self._placed(made, {}).hints = () if sources else (name or operator,)
            found.append(made)
        return found

    def _raise_refusals(self) -> None:
        operators: dict[str, list[tuple[str, list[str]]]] = {}
        for (op, reason), labels in self._refused.items():
            operators.setdefault(op, []).append((reason, labels))
        found = []
        for op, reasons in operators.items():
            labels = [label for _, each in reasons for label in each]
            shown = ", ".join(f"'{label[:100]}'" for label in labels[:_NAMED])
            rest = f" and {len(labels) - _NAMED:,} more" if len(labels) > _NAMED else ""
            why = "; ".join(dict.fromkeys(reason for reason, _ in reasons))
            message = f"{op} of {shown}{rest} has no counterpart: {why}"
            found.append(Diagnostic("not-in-graphnn", message[:1000], help=DRAWN))
        if found:
            raise RunError(*found)


def _is_drawn(value: Value) -> bool:
    """Whether an opaque node shows that it reads `value`: of constants, large ones alone."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f" and value.size > _INLINE
    return isinstance(value, Made)


def _check_kinds(op: Op, sources: list[Made]) -> None:
    operands = op.data_operands()
    if operands and operands[0].many:
        operands = (operands[0],) * len(sources)
    if not sum(not each.optional for each in operands) <= len(sources) <= len(operands):
        raise UnsupportedError(f"{op.name} reads {len(operands)} arrays, not {len(sources)}")
    for operand, source in zip(operands, sources, strict=False):
        if operand.kind not in ("any", source.kind):
            raise UnsupportedError("it computes with whole numbers")
    op.check_kinds([source.shape for source in sources], [source.kind for source in sources])


def _listed(array: Array) -> Any:
    """A small array as nested lists, with no more digits than it has."""
    if array.dtype == np.float32:
        # The shortest number that is this one in float32.
        numbers = [float(str(entry)) for entry in array.reshape(-1)]
        array = np.asarray(numbers).reshape(array.shape)
    return array.tolist() if array.dtype != bool else array.astype(int).tolist()
