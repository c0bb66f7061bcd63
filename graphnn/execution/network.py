"""A network that runs: a graph with the values of its parameters."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from graphnn.diagnostics import (
    RunError,
    Span,
    SpecError,
    UsageError,
    counted,
    is_whole,
    printable,
    suggestion,
)
from graphnn.execution import weight_files
from graphnn.execution._executor import Executor
from graphnn.execution._matching import check_finite, match
from graphnn.execution._places import placed
from graphnn.execution._plan import MODES, Mode, make
from graphnn.execution._run_inputs import as_numbers, inputs_by_name
from graphnn.graph import Graph, Parameter
from graphnn.ops import Array
from graphnn.spec.model import DType, Layout, WeightsSpec
from graphnn.spec.values import Entry, Map, located
from graphnn.storage import archives, files

if TYPE_CHECKING:
    from graphnn.graph import Summary


class Network:
    """A checked graph and its parameters; what users hold.

    Parameters
    ----------
    graph : Graph
    seed : int
        Of the initializers. Each parameter draws from a separate generator, made from the seed
        and its name, so that adding a node changes no other's start.

    Attributes
    ----------
    graph : Graph
    parameters : mapping of str to ndarray
        By full name (``a1.weight``); the arrays may be changed in place. They are drawn when first
        asked for: a network that is only looked at costs nothing.
    state : mapping of str to ndarray
        What is kept but not learned, such as running means; likewise.
    arrays : mapping of str to ndarray
        Both.
    classes : dict of str to tuple of str, or None
        By input: names of the classes that its numbers stand for, as training numbered them. None
        where they are unknown; empty where they have no names.
    """

    def __init__(self, graph: Graph, seed: int = 0) -> None:
        check_seed(seed)
        if not isinstance(graph, Graph):
            message = f"a graph is needed here, not {type(graph).__name__}"
            help = "networks are read by graphnn.load and graphnn.loads"
            raise UsageError.of("bad-option", message, help=help)
        self.graph = graph
        self.dtype = np.dtype(graph.spec.dtype)
        self._seed = seed
        self._executors: dict[tuple[tuple[str, ...], bool, Mode, bool], Executor] = {}
        self.classes: weight_files.Classes | None = None
        if graph.spec.weights is not None:
            self.arrays = self._start(self._given(graph.spec.weights))

    def __repr__(self) -> str:
        name = self.graph.spec.name or "network"
        known = self.graph.parameters.values()
        count = sum(parameter.size for parameter in known if parameter.learned)
        return f"<{name}: {counted(len(self.graph.nodes), 'node')}, {counted(count, 'parameter')}>"

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles hold: executors, which own memory, are made anew."""
        kept = {"graph": self.graph, "dtype": self.dtype, "_seed": self._seed}
        return {**kept, "classes": self.classes, "arrays": dict(self.arrays)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, arrays=MappingProxyType(state["arrays"]), _executors={})

    def _given(self, weights: WeightsSpec) -> dict[str, Array]:
        """The values in the file that the spec names."""
        name, span = str(weights.file.value), weights.file.span
        path = files.within(self.graph.spec.folder, name, span)
        try:
            arrays, classes = self._read(
                path,
                f"'{name}'",
                span,
                partial=weights.partial,
                names=weights.names,
                layout=weights.layout,
            )
        except RunError as error:
            faults = (replace(fault, span=fault.span or span) for fault in error.diagnostics)
            raise SpecError(*faults) from None
        self.classes = None if weights.partial else classes
        return arrays

    def astype(self, dtype: str) -> Network:
        """A copy that computes in `dtype`, ``float64`` or ``float32``, from the same values.

        Raises
        ------
        UsageError
            It is another dtype.
        """
        if dtype not in get_args(DType):
            message = f"a network computes in {' or '.join(get_args(DType))}, not {dtype}"
            raise UsageError.of("bad-dtype", message)
        other = object.__new__(Network)
        other.__setstate__({**self.__getstate__(), "dtype": np.dtype(dtype)})
        other.arrays = other._start(self.arrays)
        return other

    @functools.cached_property
    def arrays(self) -> Mapping[str, Array]:
        """All values; they are drawn when first asked for, since a spec may be only looked at."""
        return self._start({})

    @functools.cached_property
    def parameters(self) -> Mapping[str, Array]:
        """Those of `arrays` that are learned."""
        return self._of(learned=True)

    @functools.cached_property
    def state(self) -> Mapping[str, Array]:
        """Those of `arrays` that are kept but not learned."""
        return self._of(learned=False)

    def _of(self, *, learned: bool) -> Mapping[str, Array]:
        known = self.graph.parameters
        chosen = {n: array for n, array in self.arrays.items() if known[n].learned is learned}
        return MappingProxyType(chosen)

    def _start(self, given: Mapping[str, Array]) -> Mapping[str, Array]:
        """An array for each parameter: of `given`, or as its initializer draws it."""
        with np.errstate(over="ignore"):  # what a run says better
            arrays = {
                name: np.array(given[name], dtype=self.dtype, order="C")
                if name in given
                else _start(parameter, self.dtype, self._seed)
                for name, parameter in self.graph.parameters.items()
            }
        return MappingProxyType(arrays)

    @property
    def trainable(self) -> tuple[str, ...]:
        """Names of the parameters that training may change."""
        known = self.graph.parameters.values()
        return tuple(array.name for array in known if array.trainable and array.learned)

    def executor(
        self,
        wanted: Iterable[str],
        *,
        keep: bool = False,
        mode: Mode = "run",
        fuse: bool = True,
    ) -> Executor:
        """The executor of the nodes `wanted`, made once; see `Executor`, and `Op.fusions`.

        Raises
        ------
        UsageError
            A name is not that of a node, or there is no such mode.
        """
        if mode not in MODES:
            help = suggestion(str(mode), MODES, f"there are {' and '.join(MODES)}")
            raise UsageError.of("unknown-mode", f"there is no mode '{mode}'", help=help)
        key = (tuple(wanted), keep, mode, fuse)
        found = self._executors.get(key)
        if found is None:
            plan = make(self.graph, key[0], mode, fuse=fuse)
            found = self._executors[key] = Executor(plan, self.dtype, keep=keep)
        return found

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
        wanted = self.graph.outputs if outputs is None else names_of(outputs)
        return self.executor(wanted).run(inputs_by_name(self.graph, inputs, named), self.arrays)

    def __call__(self, *arrays: Any, **named: Any) -> Any:
        """Value of the network, of arrays in the order of the inputs that its outputs need.

        Parameters
        ----------
        *arrays, **named : array_like
            One for each input that is needed, by place or by name.

        Returns
        -------
        ndarray or dict of str to ndarray
            An array where the network has one output.

        Raises
        ------
        RunError
            As `run`.
        UsageError
            There are more arrays than inputs, or two for one input.
        """
        places = self._places(arrays, named)
        values = self.run({**places, **named})
        return next(iter(values.values())) if len(values) == 1 else values

    def _places(self, arrays: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """The arrays given by place, by name of their inputs."""
        needed = self.graph.upstream(self.graph.outputs)
        names = [node.name for node in self.graph.inputs if node.name in needed]
        if len(arrays) > len(names):
            counts = f"{len(arrays)} arrays are given, but the network needs {len(names)}"
            message = f"{counts}: {', '.join(names)}" if names else counts
            raise UsageError.of("bad-option", message)
        places = dict(zip(names, arrays, strict=False))
        if both := places.keys() & named.keys():
            message = f"'{min(both)}' is given by place and by name"
            raise UsageError.of("bad-option", message)
        return places

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
        values = self.executor(nodes).run(inputs_by_name(self.graph, inputs, named), self.arrays)
        return float(sum(value.mean() for value in values.values()))

    def losses(self, loss: str | Iterable[str] | None = None) -> tuple[str, ...]:
        """Names of the nodes that make up the loss; see `loss`.

        Raises
        ------
        UsageError
            There are none.
        """
        nodes = self.graph.losses if loss is None else names_of(loss)
        if not nodes and len(self.graph.outputs) == 1:
            node = self.graph.node(self.graph.outputs[0])
            nodes = (node.name,) if node.shape == () else ()
        if not nodes:
            help = "add a loss op, or name a node: 'train: {loss: NODE}' or loss=..."
            raise UsageError.of("no-loss", "the network has no loss", help=help)
        return nodes

    def assign(
        self,
        values: Mapping[str, Any],
        *,
        origin: str = "the mapping given",
        partial: bool = True,
        names: Mapping[str, str | bool] | None = None,
        layout: Layout | None = None,
    ) -> None:
        """Set parameters and state in place, all of them or none.

        Parameters
        ----------
        values : mapping of str to array_like
            By full name.
        origin : str
            What the values come from, for messages.
        partial : bool
            Whether parameters that are not named keep their values; else they are a fault.
        names, layout : optional
            Whose names and order of axes they have; see `load_weights`.

        Raises
        ------
        RunError
            A name is unknown, or an array of the wrong shape or not of numbers.
        UsageError
            `values` is not a mapping of names.
        """
        if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
            message = "values are given in a mapping, by the full names of parameters"
            raise UsageError.of("bad-option", message)
        arrays = {name: as_numbers(value) for name, value in values.items()}
        shapes = {name: None if a is None else a.shape for name, a in arrays.items()}
        needed = () if partial else self._open()
        given = _entries(names)
        places = match(self.graph, shapes, origin, names=given, layout=layout, needed=needed)
        known = {name: array for name in places if (array := arrays[name]) is not None}
        self._set(placed(self.graph, known, places, origin))

    def _set(self, arrays: Mapping[str, Array]) -> None:
        if "arrays" not in vars(self):  # those that are given need not be drawn
            self.arrays = self._start(arrays)
            return
        with np.errstate(over="ignore"):  # what a run says better
            for name, array in arrays.items():
                self.arrays[name][...] = array

    def _read(
        self,
        path: Path,
        origin: str,
        span: Span | None = None,
        *,
        partial: bool,
        names: Mapping[str, Entry] | None = None,
        layout: Layout | None = None,
    ) -> tuple[dict[str, Array], weight_files.Classes | None]:
        """The arrays in a file that the network has room for, and the classes that it names."""
        needed = () if partial else self._open()
        with archives.opened(path, span) as archive:
            stored = weight_files.stored_names(archive.names)
            shapes = {name: archive.shape(kept, span) for name, kept in stored.items()}
            places = match(self.graph, shapes, origin, names=names, layout=layout, needed=needed)
            classes = weight_files.classes_in(archive.metadata, path.name)
            found = {name: archive.read(stored[name], span) for name in places}
        check_finite(found, origin)
        return placed(self.graph, found, places, origin), classes

    def _open(self) -> list[str]:
        """The parameters that the spec does not give in numbers."""
        known = self.graph.parameters.values()
        return [each.name for each in known if each.origin.array is None]

    def load_weights(
        self,
        path: str | Path,
        *,
        partial: bool = False,
        names: Mapping[str, str | bool] | None = None,
        layout: Layout | None = None,
    ) -> None:
        """Set parameters and state from a .safetensors or .npz file, such as `save` writes.

        Parameters
        ----------
        path : str or Path
            Or the folder of a run, for the weights in it. Of a checkpoint, the parameters count.
        partial : bool
            Whether those that the file lacks keep their values; else they are a fault, but for
            those that the spec gives in numbers.
        names : mapping of str to str or False, optional
            For the name of an array, or for what names of several begin with (``0`` of
            ``0.weight``): the parameter, or the node, use or copy of a block, that it is here;
            False for arrays to leave out. Others go by their own names.
        layout : {"graphnn", "torch"}, optional
            Whose names of parameters the file has, such as ``running_var``, and whose order of
            axes: a linear layer of torch has the axes of its weight the other way round. It can
            be left out for files of graphnn.

        Raises
        ------
        FileError
            The file cannot be read.
        RunError
            As `assign`; or a name is missing, or there are two for one parameter.
        UsageError
            There is no such layout.
        """
        if layout not in (None, *get_args(Layout)):
            help = suggestion(str(layout), get_args(Layout), "there are graphnn and torch")
            raise UsageError.of("bad-option", f"there is no layout '{layout}'", help=help)
        path = weight_files.located(path)
        given = _entries(names)
        arrays, classes = self._read(
            path, f"'{path.name}'", partial=partial, names=given, layout=layout
        )
        self._set(arrays)
        if not partial:
            self.classes = classes

    def save(self, path: str | Path) -> None:
        """Write parameters and state to a .safetensors or .npz file, whole or not at all.

        A .safetensors file keeps the names of classes too.
        """
        archives.write_arrays(
            files.as_path(path), self.arrays, weight_files.metadata_of(self.classes)
        )

    def summary(self, *, expand: bool = False, costs: bool = False) -> Summary:
        """Nodes, shapes, parameters and sizes as tables; see `graphnn.graph.summarize`."""
        from graphnn.graph import summarize  # its tables load only where they are shown

        return summarize(self.graph, expand=expand, costs=costs)

    def draw(self, path: str | Path | None = None, **options: Any) -> Any:
        """Diagram of the network; see `graphnn.drawing.draw`."""
        # Drawing stands above the network; only this convenience looks up at it.
        from graphnn import drawing

        return drawing.draw(self, path, **options)

    def _repr_svg_(self) -> str:
        """The diagram, for what shows pictures alone."""
        from graphnn import drawing

        return drawing.to_svg(self)

    def _repr_html_(self) -> str:
        """The diagram with the tables folded away, which Jupyter shows."""
        import html

        title = html.escape(printable(repr(self)[1:-1]))
        tables = f"<details><summary>{title}</summary>{self.summary()._repr_html_()}</details>"
        picture: str = self.draw()._repr_html_()
        return picture + tables


def _entries(names: Mapping[str, str | bool] | None) -> Mapping[str, Entry]:
    """Names given in Python as those of a spec."""
    if names is not None and not isinstance(names, Mapping):
        message = f"'names' are a mapping of names to names, not {type(names).__name__}"
        raise UsageError.of("bad-option", message)
    given = located(dict(names or {}))
    assert isinstance(given, Map)
    return given.entries


def check_seed(seed: int) -> None:
    """Refuse what is not a seed.

    Raises
    ------
    UsageError
        It is not a whole number from 0 on.
    """
    if not is_whole(seed, 0):
        raise UsageError.of("bad-seed", f"a seed is a whole number of at least 0, not {seed}")


def names_of(given: str | Iterable[str]) -> tuple[str, ...]:
    """Names as a tuple, each once; a single one need not be in a list.

    Raises
    ------
    UsageError
        It is something else.
    """
    every = [given] if isinstance(given, str) else given
    if not isinstance(every, Iterable):
        raise UsageError.of("bad-option", f"a name is text, not {given!r}")
    names = tuple(every)
    for name in names:
        if not isinstance(name, str):
            raise UsageError.of("bad-option", f"a name is text, not {name!r}")
    return tuple(dict.fromkeys(names))


def _start(parameter: Parameter, dtype: np.dtype[Any], seed: int) -> Array:
    origin = parameter.origin
    if origin.array is not None:
        return np.array(origin.array, dtype=dtype, order="C")
    assert origin.start is not None
    rng = np.random.default_rng([seed, zlib.crc32(parameter.name.encode())])
    return origin.start.draw(rng, parameter.shape, origin.layout).astype(dtype)
