"""The plan of a network as ONNX records: named values, nodes and constants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from graphnn.diagnostics import Findings, RunError
from graphnn.execution import Plan, Step
from graphnn.execution.network import Network
from graphnn.ops import Array, Kind, OnnxForm, OnnxNode, Op, free_axes
from graphnn.spec.sizes import Shape

_NAMED = 5  # nodes of an op that ONNX cannot state


@dataclass(frozen=True, slots=True)
class Recorded:
    """A network in terms of ONNX.

    Attributes
    ----------
    nodes : tuple of (str, OnnxNode)
        Each with the node of the network that it is part of.
    inputs, outputs : mapping of str to (Shape, Kind)
        By name of value.
    constants : mapping of str to ndarray
        Parameters among them.
    values : mapping of str to str
        By node of the network that is computed: the name of its value.
    """

    nodes: tuple[tuple[str, OnnxNode], ...]
    inputs: Mapping[str, tuple[Shape, Kind]]
    outputs: Mapping[str, tuple[Shape, Kind]]
    constants: Mapping[str, Array]
    values: Mapping[str, str]


def record(network: Network, outputs: Iterable[str], opset: int) -> Recorded:
    """The plan that computes `outputs` in ONNX records.

    Raises
    ------
    RunError
        ONNX cannot state some ops.
    """
    plan = network.executor(outputs).plan
    _refuse(plan.steps)
    return _Recorder(network, plan, opset).recorded()


def _refuse(steps: Iterable[Step]) -> None:
    nodes: dict[str, list[str]] = {}
    reasons = {step.op.name: _reason(type(step.op)) for step in steps}
    for step in steps:
        if reasons[step.op.name]:
            nodes.setdefault(step.op.name, []).append(step.node)
    findings = Findings()
    for op, found in nodes.items():
        message = f"'{op}' of {_quoted(found)} cannot be exported to ONNX: {reasons[op]}"
        findings.error("not-in-onnx", message)
    findings.raise_errors(RunError)


def _reason(op_class: type[Op]) -> str:
    """Why ONNX cannot state an op; empty where it can."""
    stated = op_class.onnx or op_class.to_onnx is not Op.to_onnx
    return op_class.onnx_absent or ("" if stated else "the op states no ONNX form ('onnx')")


def _quoted(names: list[str]) -> str:
    more = [f"{len(names) - _NAMED:,} more"] if len(names) > _NAMED else []
    return " and ".join([", ".join(f"'{name}'" for name in names[:_NAMED]), *more])


class _Recorder:
    def __init__(self, network: Network, plan: Plan, opset: int) -> None:
        self._network = network
        self._plan = plan
        self._opset = opset
        self._nodes: list[tuple[str, OnnxNode]] = []
        self._constants: dict[str, Array] = {}
        self._names = {number: slot.name for number, slot in enumerate(plan.slots)}
        # A value that is wanted by the name of a use of a block has that name.
        computed = {step.output for step in plan.steps}
        for name, slot in plan.outputs.items():
            if slot in computed and self._names[slot] not in plan.outputs:
                self._names[slot] = name
        shapes = {name: plan.slots[slot].shape for name, slot in plan.inputs.items()}
        self._free = free_axes(shapes)

    def recorded(self) -> Recorded:
        slots = self._plan.slots
        for name in self._plan.parameters:
            self._constants[name] = self._network.arrays[name]
        for step in self._plan.steps:
            self._add(step)
        for name, slot in self._plan.outputs.items():
            if self._names[slot] != name:
                self._nodes.append((name, OnnxNode("Identity", (self._names[slot],), (name,))))
        typed = {n: (slots[s].shape, slots[s].kind) for n, s in self._plan.inputs.items()}
        return Recorded(
            tuple(self._nodes),
            typed,
            {n: (slots[s].shape, slots[s].kind) for n, s in self._plan.outputs.items()},
            self._constants,
            {step.node: self._names[step.output] for step in self._plan.steps},
        )

    def _add(self, step: Step) -> None:
        arguments = [slot for slot in step.arguments if slot is not None]
        slots = {self._names[slot]: self._plan.slots[slot] for slot in arguments}
        name = self._names[step.output]
        form = OnnxForm(
            name,
            self._opset,
            self._network.dtype,
            {key: slot.shape for key, slot in slots.items()},
            {key: slot.kind for key, slot in slots.items()},
            self._free,
        )
        operands = [None if slot is None else self._names[slot] for slot in step.arguments]
        result = step.op.to_onnx(form, *operands)
        self._constants.update(form.constants)
        self._nodes.extend((step.node, node) for node in _renamed(form.nodes, result, name))


def _renamed(nodes: Iterable[OnnxNode], old: str, new: str) -> Iterator[OnnxNode]:
    for node in nodes:
        inputs, outputs = (
            tuple(new if name == old else name for name in names)
            for names in (node.inputs, node.outputs)
        )
        yield OnnxNode(node.op, inputs, outputs, node.attributes)


def dtype_of(kind: Kind, dtype: np.dtype[np.floating]) -> np.dtype[np.generic]:
    """The dtype of arrays of `kind` in a network that computes in `dtype`."""
    return np.dtype(np.int64) if kind == "int" else dtype
