"""A network run here and by onnxruntime, compared node by node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from graphnn.diagnostics import RunError
from graphnn.execution import Executor
from graphnn.execution.drawn_inputs import draw_inputs
from graphnn.execution.network import Network
from graphnn.interchange.onnx.libraries import onnx, onnxruntime
from graphnn.interchange.onnx.recording import Recorded, dtype_of
from graphnn.ops import Array, Op

_ROWS, _SEEDS = 3, 5
_ROUNDED = 3  # times; once, roundings may cancel
_UNFIT = ("not-finite", "bad-value")  # how a run refuses numbers drawn, or sizes
_TOLERANCE = 2**14  # roundings of the largest entry: deep networks gather many, mistakes far more


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well two programs agree on a network.

    Attributes
    ----------
    difference : float
        The largest in any node, relative to the largest entry of that node's value. Where rounding
        before a node makes too much of it, that on the numbers that the node reads there; relative
        to the size of what is rounded there, where that is larger: a mean near 0 may be that of
        numbers near 1. nan where no inputs give finite values.
    """

    difference: float


def compare(network: Network, recorded: Recorded, model: Any, path: Path) -> Agreement | None:
    """Run the file at `path`, which holds `model`, beside `network`.

    Raises
    ------
    RunError
        A node has another value there; or onnxruntime cannot run the model.
    """
    runtime = onnxruntime()
    if runtime is None:
        return None
    found = _values(network, recorded)
    if found is None:
        return Agreement(float("nan"))
    inputs, expected = found
    watched = type(model)()
    watched.CopyFrom(model)
    known = {output.name for output in watched.graph.output}
    names = dict.fromkeys(recorded.values.values())
    watched.graph.output.extend(
        onnx().helper.make_empty_tensor_value_info(name) for name in names if name not in known
    )
    beside = path.with_name(f"{path.name}.watched")
    beside.write_bytes(watched.SerializeToString())
    try:
        actual = run(beside, inputs, network.dtype, tuple(names))
    finally:
        beside.unlink()
    return Agreement(_compared(network, recorded, inputs, expected, actual))


def run(
    path: Path, inputs: Mapping[str, Array], dtype: np.dtype[Any], names: tuple[str, ...]
) -> dict[str, Array]:
    """What onnxruntime gives for the values called `names` of the model at `path`.

    Raises
    ------
    RunError
        It cannot load or run the model.
    """
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return dict(zip(names, session.run(list(names), dict(inputs)), strict=True))
    except Exception as error:  # its errors have no base class but this
        message = f"onnxruntime cannot run the model: {str(error).strip()}"
        help = "onnxruntime knows some operators in float32 alone" if dtype == np.float64 else ""
        raise RunError.of("onnx-differs", message, help=help) from None


def _values(
    network: Network, recorded: Recorded
) -> tuple[dict[str, Array], dict[str, Array]] | None:
    """Inputs drawn, and the values of all nodes for them; None where a run takes none of them."""
    executor = network.executor(tuple(recorded.values))
    for seed in range(_SEEDS):
        drawn = draw_inputs(network, recorded.inputs, _ROWS, seed, apart=True)
        kinds = {name: kind for name, (_, kind) in recorded.inputs.items()}
        inputs = {
            name: array.astype(dtype_of(kinds[name], network.dtype))
            for name, array in drawn.items()
        }
        try:
            return inputs, executor.run(_needed(executor, inputs), network.arrays)
        except RunError as error:
            if error.diagnostics[0].code not in _UNFIT:
                raise
    return None


def _needed(executor: Executor, inputs: Mapping[str, Array]) -> dict[str, Array]:
    return {name: inputs[name] for name in executor.plan.inputs}


def _compared(
    network: Network,
    recorded: Recorded,
    inputs: Mapping[str, Array],
    expected: Mapping[str, Array],
    actual: Mapping[str, Array],
) -> float:
    limits = np.finfo(network.dtype)
    tolerance, least = _TOLERANCE * float(limits.eps), float(limits.tiny)
    theirs = {node: actual[value] for node, value in recorded.values.items()}
    alone = _Alone(network, inputs, theirs)
    largest = 0.0
    for node, found in theirs.items():
        ours = expected[node]
        if ours.shape != found.shape:
            message = f"'{node}' has shape {ours.shape} here and {found.shape} in onnxruntime"
            raise RunError.of("onnx-differs", message)
        apart = _apart(ours, found, least)
        if not apart <= tolerance:
            # Rounding may grow without bounds between nodes, but not within one that is right.
            computed, grain = alone.value(node)
            apart = _apart(computed, found, max(grain, least))
        if not apart <= tolerance:
            message = (
                f"'{node}' is the first node that differs in onnxruntime, "
                f"by {apart:.2g} of its largest entry"
            )
            help = "nothing has been written; please report the network"
            raise RunError.of("onnx-differs", message, help=help)
        largest = max(largest, apart)
    return largest


class _Alone:
    """Single nodes of a network, computed from what they read in onnxruntime."""

    def __init__(
        self, network: Network, inputs: Mapping[str, Array], theirs: Mapping[str, Array]
    ) -> None:
        self._network, self._inputs, self._theirs = network, inputs, theirs

    def value(self, node: str) -> tuple[Array, float]:
        """What the node's op gives here, and the size of numbers whose rounding is in it."""
        op, slots = self._steps[node]
        arguments = [self._values[slot] for slot in slots]
        epsilon, rng = float(np.finfo(self._network.dtype).eps), np.random.default_rng(0)
        with np.errstate(all="ignore"):
            value = np.asarray(op.forward(*arguments))
            moved = 0.0
            for _ in range(_ROUNDED):
                rounded = [_rounded(argument, epsilon, rng) for argument in arguments]
                moved = max(moved, float(np.abs(op.forward(*rounded) - value).max(initial=0)))
        return value, max(moved / epsilon, op.grain, op.onnx_grain)

    @cached_property
    def _executor(self) -> Executor:
        return self._network.executor(tuple(self._theirs))

    @cached_property
    def _steps(self) -> dict[str, tuple[Op, tuple[int | None, ...]]]:
        """The op of each node, of this run's sizes, and the slots of its arguments."""
        executor = self._executor
        _, sizes = executor.bind(_needed(executor, self._inputs))
        return {
            step.node: (step.op.bind(dict(sizes)), step.arguments) for step in executor.plan.steps
        }

    @cached_property
    def _values(self) -> dict[int | None, Array | None]:
        plan = self._executor.plan
        values: dict[int | None, Array | None] = {None: None}
        values |= {slot: self._inputs[name] for name, slot in plan.inputs.items()}
        values |= {slot: self._network.arrays[name] for name, slot in plan.parameters.items()}
        return values | {step.output: self._theirs[step.node] for step in plan.steps}


def _rounded(array: Array | None, epsilon: float, rng: np.random.Generator) -> Array | None:
    """Numbers as one more operation could have rounded them."""
    if array is None or array.dtype.kind != "f":
        return array
    signs = rng.choice((-epsilon, epsilon), array.shape)
    return np.asarray(array * (1 + signs), array.dtype)


def _apart(ours: Array, theirs: Array, least: float) -> float:
    """The largest difference, relative to the largest entry or to `least`."""
    scale = max(float(np.abs(ours).max(initial=0)), least)
    difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    return float(difference.max(initial=0) / scale)
