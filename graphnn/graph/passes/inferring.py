"""Shapes of all values and parameters, from the inputs on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from graphnn.diagnostics import FAULTY, Code, Faulty, Note
from graphnn.graph._graph import Node, Parameter
from graphnn.graph.passes.hints import described, dtype_help, order_help, unflattened
from graphnn.graph.passes.resolving import ResolvedNode
from graphnn.ops import Inferred, Kind, Op, ShapeError
from graphnn.ops.own import asked, inferred_by
from graphnn.spec import BlockDiagnostics, sizes
from graphnn.spec.sizes import Shape, show
from graphnn.spec.values import Value

MAX_PARAMETER = 2**28  # entries of one parameter: 2 GiB in float64
MAX_VALUE = 2**30  # entries of the value of one node, free sizes not counted
_KINDS = {"float": "real numbers", "int": "whole numbers"}


class _Made(NamedTuple):
    """What is inferred of a node, and of all that say the same and read the same shapes."""

    op: Op
    shape: Shape
    kind: Kind
    parameters: Mapping[str, Shape]
    size: int  # entries of the value, free sizes not counted


def infer_shapes(
    order: Iterable[str],
    resolved: Mapping[str, ResolvedNode | Faulty],
    owners: Mapping[str, str | Faulty],
    reports: BlockDiagnostics,
) -> tuple[dict[str, Node], dict[str, Parameter]]:
    """The sound nodes of `order`, and their parameters by full name."""
    inference = _Inference(resolved, owners, reports)
    inference.infer(order)
    nodes = {name: node for name, node in inference.nodes.items() if node is not FAULTY}
    return nodes, inference.parameters


class _Inference:
    def __init__(
        self,
        resolved: Mapping[str, ResolvedNode | Faulty],
        owners: Mapping[str, str | Faulty],
        reports: BlockDiagnostics,
    ) -> None:
        self._resolved = resolved
        self._owners = owners
        self._reports = reports
        self._untouched: dict[str, ResolvedNode] = {}
        self._alike: dict[tuple[object, ...], _Made] = {}
        self._shapes: dict[Shape, Shape] = {}  # equal ones are one object
        self.nodes: dict[str, Node | Faulty] = {}
        self.parameters: dict[str, Parameter] = {}

    def infer(self, order: Iterable[str]) -> None:
        """Infer the shapes at the nodes of `order` that no fault found so far is in or before."""
        for name in order:
            node = self._resolved[name]
            if node is not FAULTY and self._is_untouched(node):
                self._untouched[name] = node
        for name, node in self._untouched.items():
            self.nodes[name] = self._infer(node)

    def _is_untouched(self, node: ResolvedNode) -> bool:
        for reference in node.inputs:
            if reference.name not in self._untouched:
                return False
        for key, origin in node.parameters.items():
            if not origin.absent and self._owners[f"{node.name}.{key}"] is FAULTY:
                return False
        return True

    def _infer(self, node: ResolvedNode) -> Node | Faulty:
        names = tuple([reference.name for reference in node.inputs])
        inputs = [read for name in names if (read := self.nodes[name]) is not FAULTY]
        if len(inputs) < len(names):
            return FAULTY
        made = self._made(node, inputs)
        if made is FAULTY:
            return FAULTY
        if node.parameters and not self._add_parameters(node, made.parameters):
            return FAULTY
        if not self._is_allowed(node, node.name, made.shape, made.size, MAX_VALUE, node.spec.op):
            return FAULTY
        owners = {
            key: None if origin.absent else cast(str, self._owners[f"{node.name}.{key}"])
            for key, origin in node.parameters.items()
        }
        return Node(node.name, made.op, names, owners, made.shape, made.kind, node.spec)

    def _made(self, node: ResolvedNode, inputs: list[Node]) -> _Made | Faulty:
        """What is inferred of `node`, or was of one that says the same."""
        given = self._given(node) if node.parameters else {}
        if given is FAULTY:
            self._kinds_fit(node, inputs)
            return FAULTY
        by_name = bool(inputs) and node.inputs[0].operand is not None
        if by_name or given or node.spec.made_by:
            return self._made_anew(node, inputs, given)
        # Nodes that say the same have one op, and networks repeat a few shapes.
        alike: tuple[object, ...] = (id(node.op),)
        for read in inputs:
            alike += (id(read.shape), read.kind)
        if (found := self._alike.get(alike)) is not None:
            return found
        made = self._made_anew(node, inputs, given)
        if made is not FAULTY:
            self._alike[alike] = made
        return made

    def _made_anew(
        self, node: ResolvedNode, inputs: list[Node], given: Mapping[str, Shape]
    ) -> _Made | Faulty:
        if not self._kinds_fit(node, inputs):
            return FAULTY
        found = self._inferred(node, inputs, given)
        if found is FAULTY:
            return FAULTY
        inferred, kind = found
        left_out = dict(inferred.attributes)
        op = node.op.model_copy(update=left_out) if left_out else node.op
        shape = self._shapes.setdefault(inferred.result, inferred.result)
        fixed = math.prod(size for size in shape if isinstance(size, int))
        return _Made(op, shape, kind, inferred.parameters, fixed)

    def _inferred(
        self, node: ResolvedNode, inputs: list[Node], given: Mapping[str, Shape]
    ) -> tuple[Inferred, Kind] | Faulty:
        """Shapes of the value and the parameters of `node`, and the kind of the value."""
        op, shapes, kinds = node.op, [read.shape for read in inputs], [read.kind for read in inputs]
        if node.spec.made_by == "unstack" and not self._is_unstacked(node, inputs[0]):
            return FAULTY
        try:
            inferred = inferred_by(op, op.placed(node.operands, shapes), given)
            asked(op, op.check_kinds, shapes, kinds)
            kind = asked(op, op.infer_kind, *kinds)
        except (ShapeError, sizes.SizeError) as error:
            if not self._lacks_shared(node, given):
                self._report_shapes(node, inputs, error)
            return FAULTY
        return inferred, kind

    def _is_unstacked(self, node: ResolvedNode, read: Node) -> bool:
        """Whether `read` has one entry for each copy of a use; reports it at the first when not."""
        instance = node.spec.instance
        assert instance is not None
        call, shape = instance.call, read.shape
        local = node.name.removeprefix(f"{instance.name}.").removesuffix(".entry")
        axis = call.spec.unstack[local].axis
        if not -len(shape) <= axis < len(shape) or shape[axis] == call.repeat:
            return True  # the op itself reports an axis that is not there
        if instance.number == 1:
            entries = f"{shape[axis]} entries" if shape[axis] != 1 else "1 entry"
            copies = f"{call.repeat} copies" if call.repeat != 1 else "1 copy"
            place = call.spec.repeat or call.place
            self._reports.of(call.parent).error(
                "shape-mismatch",
                f"'{call.name}' has {copies}, but '{read.name}', of which each reads one entry, "
                f"has {entries} along axis {axis}: {show(shape)}",
                place.span,
                notes=(Note(described(read, ""), read.spec.place.span),),
                help=f"write repeat: {shape[axis]}" if isinstance(shape[axis], int) else "",
            )
        return False

    def _lacks_shared(self, node: ResolvedNode, given: Mapping[str, Shape]) -> bool:
        """Whether a fault at its owner hides the shape of what `node` shares."""
        unknown = (key for key, each in node.parameters.items() if each.share and key not in given)
        owners = (cast(str, self._owners[f"{node.name}.{key}"]) for key in unknown)
        return any(owner.rpartition(".")[0] not in self._untouched for owner in owners)

    def _kinds_fit(self, node: ResolvedNode, inputs: list[Node]) -> bool:
        fine = True
        for operand, read, reference in zip(node.operands, inputs, node.inputs, strict=True):
            if operand.kind in ("any", read.kind):
                continue
            fine = False
            self._reports.of(node.spec.instance).error(
                "wrong-kind",
                f"{node.op.name} takes {_KINDS[operand.kind]}, "
                f"but '{read.name}' holds {_KINDS[read.kind]}",
                reference.place.span,
                notes=(Note(described(read, ""), read.spec.place.span),),
                help=order_help(node, inputs) or dtype_help(read, operand.kind),
            )
        return fine

    def _given(self, node: ResolvedNode) -> dict[str, Shape] | Faulty:
        """Shapes of parameters that are known before inference, by operand."""
        given: dict[str, Shape] = {}
        for key, origin in node.parameters.items():
            if origin.array is not None:
                given[key] = origin.array.shape
            elif origin.share is not None:
                shape = self._shared(f"{node.name}.{key}")
                if shape is FAULTY:
                    return FAULTY
                if shape is not None:
                    given[key] = shape
        return given

    def _shared(self, full: str) -> Shape | Faulty | None:
        """Shape of the owner of a parameter; None where it is not known yet."""
        owner = self._owners[full]
        assert owner is not FAULTY
        name, _, key = owner.rpartition(".")
        keeper = self._resolved[name]
        if keeper is FAULTY or self.nodes.get(name) is FAULTY:
            return FAULTY
        written = keeper.parameters[key].array
        if written is not None:
            return written.shape
        return self.parameters[owner].shape if owner in self.parameters else None

    def _report_shapes(
        self, node: ResolvedNode, inputs: list[Node], error: ShapeError | sizes.SizeError
    ) -> None:
        if node.op.is_loss and (culprit := unflattened(inputs, self.nodes)):
            self._report_unflattened(culprit, node, error)
            return
        fault = error if isinstance(error, ShapeError) else ShapeError(str(error))
        operand, field = fault.operand, node.spec.fields.get(fault.attribute or "")
        names = [operand.name for operand in node.operands]
        matched = len(node.op.data_operands()) >= len(inputs)
        code: Code = "shape-mismatch"
        message = f"shapes do not fit at '{node.name}': {error}"
        place: Value = node.spec.inputs_place
        if operand is None:
            place = node.spec.op
            if field is None:
                code = "unknown-shape"
                message = f"cannot infer the shape of '{node.name}': {error}"
        elif operand in node.parameters:
            place = node.parameters[operand].place
        elif operand in names and matched:
            place = node.inputs[names.index(operand)].place
        if field is not None:
            place = field.value  # nearer to the fault than the input
        notes = [
            Note(described(read, names[position] if matched else ""), read.spec.place.span)
            for position, read in enumerate(inputs[:4])
        ]
        self._reports.of(node.spec.instance).error(
            code,
            message,
            place.span,
            notes=tuple(dict.fromkeys(notes)),
            help=fault.help,
        )

    def _report_unflattened(
        self, culprit: Node, loss: ResolvedNode, error: ShapeError | sizes.SizeError
    ) -> None:
        read = self.nodes[culprit.inputs[0]]
        assert read is not FAULTY, "nothing is made of one at fault"
        self._reports.of(culprit.spec.instance).error(
            "shape-mismatch",
            f"'{culprit.name}' maps only the last axis of '{read.name}', "
            f"so its result does not fit the loss '{loss.name}'",
            culprit.spec.inputs_place.span,
            notes=(
                Note(described(read, ""), read.spec.place.span),
                Note(str(error), loss.spec.place.span),
            ),
            help=f"put a node {{op: flatten, inputs: {read.name}}} between the two",
        )

    def _add_parameters(self, node: ResolvedNode, shapes: Mapping[str, Shape]) -> bool:
        """Add the parameters that `node` owns; whether every one is of a size that can be."""
        for operand in node.op.parameter_operands():
            origin = node.parameters[operand.name]
            if origin.absent:
                continue
            full, shape = f"{node.name}.{operand.name}", shapes[operand.name]
            if not all(isinstance(size, int) for size in shape):
                loose = sorted(set().union(*map(sizes.free_names, shape)))
                self._reports.of(node.spec.instance).error(
                    "free-parameter",
                    f"'{full}' would have shape {show(shape)}, but '{loose[0]}' is free",
                    origin.place.span,
                    help="the shape of a parameter is fixed, "
                    f"but '{loose[0]}' can differ from run to run",
                )
                return False
            fixed = cast(tuple[int, ...], shape)
            count = math.prod(fixed)
            if not self._is_allowed(node, full, shape, count, MAX_PARAMETER, origin.place):
                return False
            if origin.share is None:
                learned = operand.role == "parameter"
                self.parameters[full] = Parameter(full, fixed, origin, node.spec.trainable, learned)
        return True

    def _is_allowed(
        self, node: ResolvedNode, what: str, shape: Shape, count: int, most: int, place: Value
    ) -> bool:
        """Whether an array of `count` entries is not too large; reports it when it is."""
        if len(shape) > sizes.MAX_AXES:
            problem = f"would have {len(shape):,} axes, more than {sizes.MAX_AXES}"
        elif count > most:
            problem = f"would have shape {show(shape)}, more than {most:,} entries"
        else:
            return True
        self._reports.of(node.spec.instance).error("too-large", f"'{what}' {problem}", place.span)
        return False
