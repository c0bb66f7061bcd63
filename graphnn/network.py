"""A network that runs: a graph with the values of its parameters."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from graphnn import archives, files, graph
from graphnn.errors import (
    Diagnostic,
    Findings,
    RunError,
    SpecError,
    UsageError,
    suggestion,
)
from graphnn.executor import Executor, as_numbers
from graphnn.graph import Graph, Parameter
from graphnn.plan import Mode, make
from graphnn.spec import build, reader
from graphnn.spec.model import DType
from graphnn.spec.settings import override
from graphnn.spec.sizes import show
from graphnn.spec.values import Mapping as Document
from graphnn.spec.values import located

if TYPE_CHECKING:
    from collections.abc import Callable

Array = NDArray[Any]


class Network:
    """A checked graph and its parameters; what users hold.

    Parameters
    ----------
    graph : Graph
    seed : int
        Of the initializers. Each parameter draws from a generator of its own, made from the seed
        and its name, so that adding a node changes no other's start.

    Attributes
    ----------
    graph : Graph
    parameters : mapping of str to ndarray
        By full name (``a1.weight``); the arrays may be changed in place.
    state : mapping of str to ndarray
        What is kept but not learned, such as running means; likewise.
    arrays : mapping of str to ndarray
        Both.
    """

    def __init__(self, graph: Graph, seed: int = 0) -> None:
        if seed < 0:
            raise UsageError(Diagnostic("bad-seed", f"a seed is a number from 0 on, not {seed}"))
        self.graph = graph
        self.dtype = np.dtype(graph.spec.dtype)
        with np.errstate(over="ignore"):  # what a run says better
            self._hold(
                {
                    parameter.name: _start(parameter, self.dtype, seed)
                    for parameter in graph.parameters.values()
                }
            )
        if graph.spec.weights is not None:
            name, span = str(graph.spec.weights.value), graph.spec.weights.span
            path = files.within(graph.spec.folder, name, span)
            try:
                self.assign(archives.read_arrays(path, span), origin=f"'{name}'")
            except RunError as error:
                raise SpecError(*(replace(d, span=span) for d in error.diagnostics)) from None

    def __repr__(self) -> str:
        name = self.graph.spec.name or "network"
        count = sum(array.size for array in self.parameters.values())
        return f"<{name}: {len(self.graph.nodes)} nodes, {count} parameters>"

    def astype(self, dtype: str) -> Network:
        """A copy that computes in `dtype`, ``float64`` or ``float32``, from the same values.

        Raises
        ------
        UsageError
            It is another dtype.
        """
        if dtype not in get_args(DType):
            message = f"a network computes in {' or '.join(get_args(DType))}, not {dtype}"
            raise UsageError(Diagnostic("bad-dtype", message))
        other = object.__new__(Network)
        other.graph = self.graph
        other.dtype = np.dtype(dtype)
        with np.errstate(over="ignore"):  # what a run says better
            other._hold({name: array.astype(dtype) for name, array in self.arrays.items()})
        return other

    def _hold(self, arrays: dict[str, Array]) -> None:
        known = self.graph.parameters
        learned = {name: array for name, array in arrays.items() if known[name].learned}
        state = {name: array for name, array in arrays.items() if not known[name].learned}
        self.arrays: Mapping[str, Array] = MappingProxyType(arrays)
        self.parameters: Mapping[str, Array] = MappingProxyType(learned)
        self.state: Mapping[str, Array] = MappingProxyType(state)
        self._executors: dict[tuple[tuple[str, ...], bool, Mode], Executor] = {}

    @property
    def trainable(self) -> tuple[str, ...]:
        """Names of the parameters that training may change."""
        known = self.graph.parameters.values()
        return tuple(array.name for array in known if array.trainable and array.learned)

    def executor(
        self, wanted: Iterable[str], *, keep: bool = False, mode: Mode = "run"
    ) -> Executor:
        """The executor of the nodes `wanted`, made once; see `Executor` and `graphnn.plan.make`."""
        key = (tuple(wanted), keep, mode)
        if key not in self._executors:
            plan = make(self.graph, key[0], mode)
            self._executors[key] = Executor(plan, self.dtype, keep=keep)
        return self._executors[key]

    def run(
        self,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        outputs: str | Iterable[str] | None = None,
        **named: Any,
    ) -> dict[str, Array]:
        """Values of the network's outputs, or of any nodes.

        Parameters
        ----------
        inputs, **named : array_like
            One for each input that is needed, of the shape that the spec declares, given in a
            mapping or by keyword.
        outputs : str or iterable of str, optional
            Names of nodes; by default those that the spec declares.

        Returns
        -------
        dict of str to ndarray

        Raises
        ------
        RunError
            An input is missing, unknown, or of the wrong shape or kind; free sizes disagree; or a
            result is not finite.
        UsageError
            `outputs` names no node.
        """
        wanted = self.graph.outputs if outputs is None else _names(outputs)
        return self.executor(wanted).run({**(inputs or {}), **named}, self.arrays)

    def loss(
        self,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        loss: str | Iterable[str] | None = None,
        **named: Any,
    ) -> float:
        """Mean of the loss over the samples; the sum of the means where there are several.

        Parameters
        ----------
        inputs, **named : array_like
            As for `run`.
        loss : str or iterable of str, optional
            Nodes to take for the loss; by default ``train.loss``, else every loss op.

        Raises
        ------
        RunError, UsageError
            As `run`; also when there is no loss.
        """
        nodes = self.losses(loss)
        values = self.executor(nodes).run({**(inputs or {}), **named}, self.arrays)
        return float(sum(value.mean() for value in values.values()))

    def losses(self, loss: str | Iterable[str] | None = None) -> tuple[str, ...]:
        """Names of the nodes that make up the loss; see `loss`.

        Raises
        ------
        UsageError
            There are none.
        """
        nodes = self.graph.losses if loss is None else _names(loss)
        if not nodes and len(self.graph.outputs) == 1:
            node = self.graph.node(self.graph.outputs[0])
            nodes = (node.name,) if node.shape == () else ()
        if not nodes:
            raise UsageError(
                Diagnostic(
                    "no-loss",
                    "the network has no loss",
                    help="add a loss op, or name a node: 'train: {loss: NODE}' or loss=...",
                )
            )
        return nodes

    def assign(self, values: Mapping[str, Any], *, origin: str = "the values given") -> None:
        """Set parameters and state in place, all of them or none.

        Parameters
        ----------
        values : mapping of str to array_like
            By full name; parameters that are not named keep their values.
        origin : str
            What the values come from, for messages.

        Raises
        ------
        RunError
            A name is unknown, or an array of the wrong shape or not of numbers.
        """
        faults = []
        arrays = {name: as_numbers(value) for name, value in values.items()}
        for name, array in arrays.items():
            if name not in self.arrays:
                help = suggestion(name, self.arrays)
                message = f"'{name}' in {origin} is no parameter of the network"
                faults.append(Diagnostic("unknown-parameter", message, help=help))
            elif array is None:
                message = f"'{name}' in {origin} is not an array of numbers"
                faults.append(Diagnostic("not-numbers", message))
            elif array.shape != self.arrays[name].shape:
                message = (
                    f"'{name}' has shape {show(self.arrays[name].shape)}, "
                    f"but {show(array.shape)} in {origin}"
                )
                faults.append(Diagnostic("wrong-shape", message))
        if faults:
            raise RunError(*faults)
        with np.errstate(over="ignore"):  # what a run says better
            for name, array in arrays.items():
                self.arrays[name][...] = array

    def load_weights(self, path: str | Path) -> None:
        """Set parameters and state from a .safetensors or .npz file, such as `save` writes.

        Raises
        ------
        FileError
            The file cannot be read.
        RunError
            As `assign`.
        """
        path = Path(path)
        self.assign(archives.read_arrays(path), origin=f"'{path.name}'")

    def save(self, path: str | Path) -> None:
        """Write parameters and state to a .safetensors or .npz file, whole or not at all."""
        archives.write_arrays(Path(path), self.arrays)

    def draw(self, path: str | Path | None = None, **options: Any) -> str:
        """Diagram of the network; see `graphnn.drawing.draw`."""
        # Drawing stands above the network; only this convenience looks up at it.
        from graphnn import drawing

        return drawing.draw(self, path, **options)

    def _repr_svg_(self) -> str:
        """The diagram that Jupyter shows."""
        from graphnn import drawing

        return drawing.to_svg(self)


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((given,) if isinstance(given, str) else given))


def _start(parameter: Parameter, dtype: np.dtype[Any], seed: int) -> Array:
    origin = parameter.origin
    if origin.array is not None:
        return np.array(origin.array, dtype=dtype, order="C")
    assert origin.start is not None
    rng = np.random.default_rng([seed, zlib.crc32(parameter.name.encode())])
    return origin.start.draw(rng, parameter.shape, origin.layout).astype(dtype)


def load(
    path: str | Path, settings: Mapping[str, Any] | None = None, *, seed: int | None = None
) -> Network:
    """The network that the spec file at `path` declares.

    Parameters
    ----------
    path : str or Path
        A YAML file, or a JSON file by its suffix ``.json``.
    settings : mapping, optional
        Named sizes and values of ``train`` to replace; see `graphnn.spec.settings.override`.
    seed : int, optional
        Of the initializers; by default ``train.seed``, else 0.

    Raises
    ------
    SpecError
        With every independent fault of the spec, each with its place.
    FileError
        The file, or one that it names, cannot be read.
    UsageError
        A setting names nothing.
    """
    path = Path(path)
    return _network(lambda: reader.read_file(path), path.parent, settings, seed)


def loads(
    text: str | Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    *,
    folder: str | Path = ".",
    seed: int | None = None,
) -> Network:
    """The network that `text`, YAML or a dict of the same structure, declares; see `load`.

    Parameters
    ----------
    text : str or dict
    settings, seed
        As for `load`.
    folder : str or Path
        Where the files that it names lie.
    """

    def read() -> Document:
        if isinstance(text, str):
            return reader.read(text)
        document = located(dict(text))
        assert isinstance(document, Document)
        return document

    return _network(read, Path(folder), settings, seed)


def _network(
    read: Callable[[], Document],
    folder: Path,
    settings: Mapping[str, Any] | None,
    seed: int | None,
) -> Network:
    findings = Findings()
    document = override(read(), settings or {})
    spec = build.build(document, folder, findings)
    checked = graph.build(spec, findings)
    if seed is None:
        seed = spec.train.seed if spec.train is not None else 0
    return Network(checked, seed)
