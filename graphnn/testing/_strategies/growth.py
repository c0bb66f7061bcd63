"""A network that grows node by node, each fitted to the shapes and values that are there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice, takewhile
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from graphnn.ops import REGISTRY, Array, Op, Operand, Shape
from graphnn.testing._strategies.arrays import Values, reals, wholes
from graphnn.testing._strategies.cases import kept
from graphnn.testing._strategies.drawing import Choices
from graphnn.testing._strategies.fitting import BATCH, Fit, Place, first_shape, fitted, takes
from graphnn.testing._strategies.nodes import Call, Node, is_whole, numbers, reshape

ANYWHERE = Operand("x", "...")
_TAME = 6.0  # numbers beyond it are clipped before an op that may be used anywhere
_LARGE = 400  # entries of a result
_UNMAPPED = 4  # one node in this many has an affine map before it
# What an op reads first: a new parameter, a new input, the last node that fits, or one counted from
# the first; each from one number up to the next.
_INPUT, _LAST, _FORMER, _END = 3, 6, 15, 23
_LENGTH = 3  # nodes of a block, and copies of it
_DEPTH = 3  # blocks inside one another
_NESTED = 5  # of so many nodes of a block one is a block itself
_GIVEN = ("p", "q")  # the inputs that a block may have
WAYS = 32  # to add a node, distinguished by one code
REPEAT = "r"  # the size of a block that says how often one in it is repeated
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class Options:
    """What networks are made of."""

    choices: Sequence[type[Op]]
    sizes: int
    shared: bool
    blocks: int  # of `WAYS` nodes
    maps: bool
    values: Values


@dataclass
class Growth:
    """Nodes of a network, or of a block in `outer`, which takes what is `given`."""

    draw: Choices
    options: Options
    rows: int
    outer: Growth | None = None
    blocks: dict[str, Growth] = field(default_factory=dict)
    nodes: Document = field(default_factory=dict)
    inputs: dict[str, Array] = field(default_factory=dict)
    given: dict[str, Place] = field(default_factory=dict)
    sources: dict[str, Node] = field(default_factory=dict)
    copies: int | None = None  # how often what is repeated by a size of the block is repeated
    there: list[Node] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    _calls: list[Call | Use] = field(default_factory=list)
    _owners: dict[Shape, list[str]] = field(default_factory=dict)
    _kept: dict[str, Array] = field(default_factory=dict)
    _drawn: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._step = _steps(self)
        self._depth: int = self.outer._depth + 1 if self.outer else 0
        self._action: Callable[[], object] = lambda: None

    def grow(self, action: Callable[[], object]) -> None:
        """Take an action, its draws as one, so that they are deleted as one."""
        self._action = action
        self.draw.apart(self._step)

    def act(self, draw: DrawFn) -> None:
        """Take the action that `grow` has been given."""
        with self._drawing(Choices(draw)):
            self._action()

    @contextmanager
    def _drawing(self, draw: Choices) -> Iterator[None]:
        before, self.draw = self.draw, draw
        yield
        self.draw = before

    # ------------------------------------------------------------------------ one op

    def add_any(self) -> None:
        """Add a node, now and then with an affine map before it, which most nodes read."""
        # Each has separate choices, so that the other keeps its place when one is deleted.
        op_class = self.draw.one_of(self.options.choices)
        if self.options.maps and self.draw.chance(_UNMAPPED):
            self.grow(partial(self.add, REGISTRY["affine"]))
        self.add(op_class)

    def add(self, op_class: type[Op]) -> None:
        """Add a node of an op, with sources for what it reads, unless it cannot be fitted."""
        fit, source = self._fitted(op_class)
        if fit is None:
            return
        places = fit.places[1:]
        # Of two places, one would take the input that the other needs.
        alone = sum(BATCH in place.shape for place in places) == 1
        if not all(self._has_source(place, alone) for place in places):
            return
        sources = [self._source(place, alone) for place in places]
        first = self._source(fit.places[0], alone=False) if source is None else source
        self._place(fit, [self.within(first, fit.places[0].operand), *sources])

    def _place(self, fit: Fit, sources: Sequence[Node]) -> Node:
        """Add a node of an op that is fitted, with its parameters."""
        name = f"n{len(self.nodes)}"
        written: Document = {}
        arrays = []
        for operand in fit.stated.parameter_operands():
            written[operand.name], array = self._parameter(f"{name}.{operand.name}", operand, fit)
            arrays.append(array)
        result = fit.inferred.result
        operands = [place.operand for place in fit.places]
        return self.apply(fit.stated, sources, operands, arrays, fit.declared, written, result)

    def _fitted(self, op_class: type[Op]) -> tuple[Fit | None, Node | None]:
        """The op fitted to a node that is there, or else to a new parameter or input."""
        how = _LAST if self.outer else self.draw.integer(0, _END)
        sizes, kind = self.options.sizes, None
        # Drawn in any case, so that less changes where a new source takes the place of an old one.
        shape = first_shape(self.draw, op_class, sizes, sizes)
        shape = (BATCH, *shape[1:]) if _INPUT <= how < _LAST else shape
        source = self._existing(op_class, how) if how >= _LAST else None
        if source is not None:
            shape, kind = source.shape, source.kind
        fit = fitted(self.draw, op_class, shape, sizes, kind)
        if fit is None or not (self._is_fine(fit) and self._is_steady(source, fit.places[0])):
            # What mixes rows needs to know how many there are.
            first, *rest = self._numbers(shape) or (1,)
            shape = (max(first, self._needed(fit)), *rest) if shape else ()
            fit, source = fitted(self.draw, op_class, shape, sizes), None
        fine = fit is not None and self._is_fine(fit) and not (self.outer and source is None)
        return (fit, source) if fine else (None, None)

    def _is_steady(self, node: Node | None, place: Place) -> bool:
        """Whether whole numbers stay below the limit of a place, whatever else a run is given."""
        if node is None or not place.limited or place.below is None:
            return True
        # Inputs are drawn below the limits of what reads them; what is computed may change.
        given = self.nodes.get(node.name, {}).get("op") in ("input", "constant")
        return given and node.value is not None and node.value.max(initial=0) < place.below

    def _is_fine(self, fit: Fit) -> bool:
        """Whether the result has whole rows and is not large, and there are rows to train on."""
        result, first = fit.inferred.result, self._numbers(fit.places[0].shape[:1])
        whole = all(is_whole(size) or size == BATCH for size in result)
        enough = not first or first[0] >= self._needed(fit)
        return whole and enough and math.prod(self._numbers(result)) <= _LARGE

    def _needed(self, fit: Fit | None) -> int:
        """How many rows the first operand has at least, in training."""
        if fit is None:
            return 1
        return fit.stated.in_training().rows_needed(*(place.shape for place in fit.places))

    def _existing(self, op_class: type[Op], how: int) -> Node | None:
        """A node that the op may read first, perhaps reshaped."""
        operand = op_class.data_operands()[0]
        nodes = [
            node
            for node in self._open()
            if operand.kind in ("any", node.kind) and node.has_whole_rows
        ]
        fitting = [node for node in nodes if takes(op_class, node.shape)]
        if fitting:
            return _chosen(fitting, how)
        ranked = [node for node in nodes if node.shape]
        if not ranked or self.outer:
            return None
        node = _chosen(ranked, how)
        axes = len(operand.signature.split()) - 1
        if operand.ranks:  # of which '...' is one already
            axes += self.draw.one_of(operand.ranks) - 1
        split = self._split(math.prod(self._numbers(node.shape[1:])), axes)
        return self.apply(reshape(node.shape[0], *split), [node])

    def _open(self) -> list[Node]:
        """What a node may read first: in a block the last one, so that nothing is left unread."""
        return self.there[-1:] if self.outer else self.there

    def _split(self, total: int, axes: int) -> tuple[int, ...]:
        """So many sizes whose product is `total`."""
        split: list[int] = []
        for _ in range(axes - 1):
            split.append(self.draw.one_of([n for n in range(1, total + 1) if total % n == 0]))
            total //= split[-1]
        return (*split, total)

    # ----------------------------------------------------------------- what it reads

    def _alike(self, place: Place) -> list[Node]:
        return [node for node in self.there if node.fills(place) and self._is_steady(node, place)]

    def _has_source(self, place: Place, alone: bool) -> bool:
        """Whether the place can be filled: what has rows must be there or be given."""
        if not all(map(is_whole, place.shape[1:])):
            return False
        free = BATCH not in place.shape or not self.outer
        return free or bool(self._alike(place)) or (alone and self._may_take(place))

    def _may_take(self, place: Place) -> bool:
        """Whether a block may have another input, for a place."""
        if self.outer is None or len(self.given) == len(_GIVEN):
            return False
        return self.outer._has_source(place, alone=True)

    def _source(self, place: Place, alone: bool) -> Node:
        """What fills a place: a new node, or one that is there and like it."""
        node = self._like(place, alone)
        if node is None and not (self.outer and BATCH in place.shape):
            return self.source(place)
        return self.within(node or self._taken(place), place.operand)

    def _like(self, place: Place, alone: bool) -> Node | None:
        """A node that is there and fills a place; None for a new one."""
        alike = self._alike(place)
        if not alike:
            return None
        bound = self.outer and BATCH in place.shape and not (alone and self._may_take(place))
        return self.draw.one_of(alike[::-1]) if bound or self.draw.integer(0, 2) else None

    def _taken(self, place: Place) -> Node:
        """A new input of the block, for what the network outside has for a place."""
        assert self.outer is not None
        with self.outer._drawing(self.draw):
            source = self.outer._offered(place)
        return self._take(source, place)

    def _offered(self, place: Place) -> Node:
        """What a block that is used here may read: as it is, for the block may come to nothing."""
        node = self._like(place, alone=True)
        if node is None:
            return self._taken(place) if self.outer else self.source(place)
        return node

    def _take(self, source: Node, place: Place) -> Node:
        assert self.outer is not None
        node = replace(source, name=_GIVEN[len(self.given)])
        self.given[node.name], self.sources[node.name] = place, source
        self.there.insert(0, node)  # not as the last one, which is what the block gives
        if source.name in self.outer._drawn:
            self._drawn.add(node.name)
        return node

    def source(self, place: Place, letter: str = "") -> Node:
        """A new input for a shape with rows; else a parameter, or a constant of whole numbers."""
        shape = self._numbers(place.shape)
        value: Array = (
            reals(self.draw, shape, place.operand.domain, self.options.values)
            if place.below is None
            else wholes(self.draw, shape, place.below)
        )
        whole = {} if place.below is None else {"dtype": "int"}
        if BATCH in place.shape:
            body = {"op": "input", "shape": ["batch", *place.shape[1:]], **whole}
            node = self._enter(letter or "x", body, place.shape, value)
            self.inputs[node.name] = value
            return node
        op = "parameter" if not letter and place.below is None else "constant"
        body = {"op": op, "value": value.tolist(), **whole}
        return self._enter(letter or op[0], body, place.shape, value)

    def within(self, node: Node, operand: Operand) -> Node:
        """A node like this one, with values on which the operand is meant to be used."""
        self.read.add(node.name)
        if self.options.values != "tame" or node.value is None or node.kind == "int":
            return node
        low, high = operand.domain
        if operand.domain == ANYWHERE.domain:
            low, high = -_TAME, _TAME
        elif 0 <= low < high <= 1:
            low, high = 0.001, 0.999
        # What is drawn in training lies anywhere then.
        drawn = node.name in self._drawn and operand.domain != ANYWHERE.domain
        if not drawn and low <= node.value.min() and node.value.max() <= high:
            return node
        finite = node.value[np.isfinite(node.value)]
        if not drawn and (not finite.size or (low <= finite.min() and finite.max() <= high)):
            return node
        low, high = operand.domain
        return self.apply(REGISTRY["clip"].model_validate({"low": low, "high": high}), [node])

    def _parameter(self, name: str, operand: Operand, fit: Fit) -> tuple[Any, Array | None]:
        """What the spec says of a parameter or a state, with its numbers."""
        shape = self._numbers(fit.inferred.parameters[operand.name])
        owners = self._owners.setdefault(shape, [])
        if operand.role == "parameter":
            if self.options.shared and owners and self.draw.chance(4):
                owner = self.draw.one_of(owners)
                return {"share": owner}, self._kept[owner]
            owners.append(name)
        array = kept(self.draw, operand, fit, self.options.values)
        if array is None:
            owners.remove(name)
            return False, None
        self._kept[name] = array
        return array.tolist(), array

    # ---------------------------------------------------------------- how it is kept

    def _enter(self, letter: str, body: Document, shape: Shape, value: Array | None) -> Node:
        """Add a node whose value is known."""
        node = Node(f"{letter}{len(self.nodes)}", shape, value, body.get("dtype", "float"))
        self.nodes[node.name] = body
        self.there.append(node)
        return node

    def apply(
        self,
        op: Op,
        sources: Sequence[Node],
        operands: Sequence[Operand] = (),
        arrays: Sequence[Array | None] = (),
        declared: Op | None = None,
        written: Mapping[str, Any] | None = None,
        result: Shape | None = None,
    ) -> Node:
        """Add a node of an op, and compute its value."""
        names = [source.name for source in sources]
        self.read.update(names)
        placed = op.placed(operands, names)
        inputs: Any = names if len(names) > 1 else names[0]
        if None in placed:
            inputs = {each.name: name for each, name in zip(operands, names, strict=True)}
        body = {"op": op.name, "inputs": inputs, **(written or {})}
        body |= (declared or op).model_dump(mode="json", exclude_defaults=True)
        shape = op.infer([each.shape for each in sources], {}).result if result is None else result
        kind = op.infer_kind(*(source.kind for source in sources))
        name = f"n{len(self.nodes)}"
        if arrays:
            placed += [None] * (len(op.data_operands()) - len(placed))
        call = Call(name, op, tuple(placed), tuple(arrays), shape)
        self._calls.append(call)
        draws = any(each.role == "noise" for each in op.in_training().operands)
        if draws or not self._drawn.isdisjoint(names):
            self._drawn.add(name)
        value = call.value({node.name: node.value for node in self.there}, self.rows)
        self.nodes[name] = body
        self.there.append(node := Node(name, shape, value, kind))
        return node

    def _numbers(self, shape: Shape) -> tuple[int, ...]:
        return numbers(shape, self.rows)

    # ------------------------------------------------------------------------ blocks

    def add_block(self) -> None:
        """Add a use of a block, of a new one or of one that is there, perhaps repeated."""
        source = self._rows_for_block()
        if source is None:
            return
        known = [name for name, body in self.blocks.items() if self._fills(source, body)]
        if known and self.draw.chance(2):
            name = self.draw.one_of(known)
            body = self.blocks[name]
            sources = [source, *map(self._offered, [*body.given.values()][1:])]
            copies = body.copies and self.draw.integer(1, _LENGTH)
            self._use(name, body, sources, copies)
            return
        body = self._body(source)
        if body.nodes:
            sources = [body.sources[each] for each in body.given]
            self._use(f"b{len(self.blocks)}", body, sources, body.copies)

    def _rows_for_block(self) -> Node | None:
        """What a block may read first: a node, or a new input of any shape where none will do."""
        nodes = [n for n in self._open() if n.kind == "float" and n.shape[:1] == (BATCH,)]
        if nodes := [node for node in nodes if node.has_whole_rows]:
            return self.draw.one_of(nodes[::-1])
        if self.outer:
            return None
        return self.source(Place(ANYWHERE, (BATCH, *self.draw.extents(0, 2, self.options.sizes))))

    def _fills(self, source: Node, body: Growth) -> bool:
        """Whether there is something for every input of a block, of which a node is the first."""
        first, *others = body.given.values()
        return source.fills(first) and all(self._has_source(place, alone=True) for place in others)

    def _body(self, source: Node) -> Growth:
        """A new block whose first input is a node; others that it came not to read are left out."""
        body = Growth(self.draw, self.options, self.rows, self, self.blocks)
        body._take(source, Place(ANYWHERE, source.shape))
        for _ in range(self.draw.integer(1, _LENGTH)):
            body.grow(body._add_part)
        body.given = {name: place for name, place in body.given.items() if name in body.read}
        return body

    def _add_part(self) -> None:
        """Add a node of a block, which may be a use of another block."""
        if self._depth < _DEPTH and self.draw.chance(_NESTED):
            self.add_block()
        else:
            self.add_any()

    def _use(self, block: str, body: Growth, sources: list[Node], copies: int | None) -> None:
        last = body.there[-1]
        repeat = self.draw.integer(0, _LENGTH) if body.hands_on else 0
        results = body.results([source.value for source in sources], copies)
        # What a copy gives need not lie where the next is meant to be used, as for a logarithm.
        found = [*takewhile(self._would_do, islice(results, max(repeat, 1)))]
        if not found:
            return
        value, done = found[-1], len(found)
        self.blocks.setdefault(block, body)
        names = [source.name for source in sources]
        written: Document = {"block": block, "inputs": self._inputs(body, names)}
        if copies:
            written[REPEAT] = copies
        if named := bool(repeat and self.outer and not self.copies and self.draw.chance(2)):
            self.copies = done
        if repeat:
            written["repeat"] = REPEAT if named else done
        node = Node(f"n{len(self.nodes)}", last.shape, value, last.kind)
        self._calls.append(Use(node.name, body, tuple(names), copies, None if named else done))
        self.nodes[node.name] = written
        self.read.update(names)
        self.there.append(node)
        if last.name in body._drawn or not self._drawn.isdisjoint(names):
            self._drawn.add(node.name)

    def _inputs(self, body: Growth, names: list[str]) -> str | list[str] | dict[str, str]:
        """How a use of a block names what it reads."""
        if len(names) == 1:
            return names[0]
        return names if self.draw.chance(2) else dict(zip(body.given, names, strict=True))

    @property
    def hands_on(self) -> bool:
        """Whether copies of a block can read each other."""
        return self.there[-1].fills(self.given["p"])

    def written(self) -> Document:
        """The definition of the block."""
        last: Any = self.there[-1].name
        output = {"p": last} if self.hands_on and len(self.given) > 1 else last
        sizes = {"sizes": [REPEAT]} if self.copies else {}
        return {**sizes, "inputs": [*self.given], "nodes": self.nodes, "output": output}

    def _would_do(self, value: Array | None) -> bool:
        """Whether a value may stand in a network of the kind asked for."""
        tame = self.options.values == "tame"
        return value is None or not tame or bool(np.isfinite(value).all())

    def results(self, given: Sequence[Array | None], copies: int | None) -> Iterator[Array | None]:
        """What copies of a block give for what the first of them reads, each for the one before."""
        while True:
            result = self._replayed(given, copies)
            yield result
            given = [result, *given[1:]]

    def _replayed(self, given: Sequence[Array | None], copies: int | None) -> Array | None:
        values = {node.name: node.value for node in self.there}
        values |= dict(zip(self.given, given, strict=True))
        for call in self._calls:
            values[call.name] = (
                call.value(values, self.rows)
                if isinstance(call, Call)
                else call.value(values, copies)
            )
        return values[self.there[-1].name]

    # --------------------------------------------------------------------------- end

    def ends(self) -> list[Node]:
        """Nodes that nothing reads."""
        return [node for node in self.there if node.name not in self.read]


@dataclass(frozen=True, slots=True)
class Use:
    """Copies of a block, as many as `count`, or else as a size of the block around it says."""

    name: str
    body: Growth
    sources: tuple[str, ...]
    copies: int | None
    count: int | None

    def value(self, values: Mapping[str, Array | None], copies: int | None) -> Array | None:
        """What the last of the copies gives."""
        results = self.body.results([values[each] for each in self.sources], self.copies)
        count = self.count or copies or 1
        return next(islice(results, count - 1, None))


@st.composite
def _steps(draw: DrawFn, growth: Growth) -> None:
    growth.act(draw)


def _chosen(nodes: Sequence[Node], how: int) -> Node:
    """The last of some nodes, or one counted from the first, which later ones do not change."""
    return nodes[-1] if how < _FORMER else nodes[(how - _FORMER) % len(nodes)]
