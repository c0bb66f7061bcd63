"""What code in NumPy and in torch has in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from graphnn.diagnostics import RunError
from graphnn.graph import Graph
from graphnn.interchange.code.names import Names
from graphnn.interchange.code.sharing import Definition, shared
from graphnn.interchange.code.structure import Copy, Operation, Scope, Structure, Use
from graphnn.ops import Array

_Form = TypeVar("_Form")
_LITERAL = 8  # entries of a constant that is written out; others lie beside the weights


class Written:
    """The code of a network; each style is a subclass.

    Parameters
    ----------
    graph : Graph
    outputs, losses : iterable of str
        Nodes.
    taken : iterable of str
        Names that the file uses otherwise.

    Attributes
    ----------
    structure : Structure
    arrays : dict of str to ndarray
        Large constants, by the names that the code has for them.
    ties : dict of str to str
        Names under which scopes know parameters that are not theirs, with the parameters.
    definitions : dict of str to Definition
        By name of a copy of a block, what computes it.

    Raises
    ------
    RunError
        The network has an op, or a structure, that is not written as code.
    """

    def __init__(
        self, graph: Graph, outputs: Iterable[str], losses: Iterable[str], taken: Iterable[str]
    ) -> None:
        self.graph = graph
        self.outputs, self.losses = tuple(outputs), tuple(losses)
        self.structure = Structure(graph, [*self.outputs, *self.losses])
        self.arrays: dict[str, Array] = {}
        self.ties: dict[str, str] = {}
        self.names = Names(taken)
        self.definitions: dict[str, Definition] = {}
        self.blocks = self._shared_blocks()

    def text(self, weights: str) -> str:
        """All of it; `weights` is the name of the file that holds the parameters."""
        raise NotImplementedError

    def block(self, copy: Copy) -> str:
        """The definition of a copy, as `shared` takes it."""
        raise NotImplementedError

    def block_name(self, name: str) -> str:
        """What the definition of a block is called."""
        raise NotImplementedError

    def extra_sizes(self, copy: Copy) -> Mapping[str, int]:
        """Sizes that code may take as arguments, besides those of the block."""
        return {}

    def used(self) -> set[str]:
        """Full names of the parameters and states of what is written."""
        every = (self.structure.top, *self.structure.scopes.values())
        return {
            full
            for scope in every
            for item in scope.items
            if isinstance(item, Operation)
            for full in self.structure.kept(item).values()
            if full is not None
        }

    def constant(self, operation: Operation) -> bool:
        """Whether an operation is a large constant, which `arrays` then holds."""
        array = getattr(operation.op, "array", None)
        if array is None or array.size <= _LITERAL:
            return False
        self.arrays[operation.node.name] = array
        return True

    def parameter(self, scope: Scope, operation: Operation, operand: str, full: str) -> str:
        """The name of a parameter in a scope."""
        if full.startswith(scope.prefix):
            return full.removeprefix(scope.prefix)
        local = f"{operation.node.name.removeprefix(scope.prefix)}.{operand}"
        self.ties[scope.prefix + local] = full
        return local

    def learns(self, scope: Scope) -> bool:
        """Whether a scope has parameters."""
        return any(
            any(self.learned(full) for full in self.structure.kept(item).values())
            if isinstance(item, Operation)
            else any(self.learns(copy.scope) for copy in item.copies)
            for item in scope.items
        )

    def keeps(self, scope: Scope) -> bool:
        """Whether a scope has parameters, states or large constants."""
        return any(
            any(self.structure.kept(item).values()) or self.constant(item)
            if isinstance(item, Operation)
            else any(self.keeps(copy.scope) for copy in item.copies)
            for item in scope.items
        )

    def learned(self, full: str | None) -> bool:
        """Whether it is a parameter that has a gradient."""
        return full is not None and self.graph.parameters[full].learned

    def repeats(self, use: Use, scope: Scope) -> bool:
        """Whether the copies of a use are one loop: alike, and each read by the next alone."""
        first, *others = use.copies
        inner = {copy.output for copy in use.copies[:-1]}
        read = {n for item in scope.items if item is not use for n in self.structure.reads(item)}
        read |= {self.graph.node(name).name for name in (*self.outputs, *self.losses)}
        return (
            bool(others) and len(first.inputs) == 1 and self.alike(use) and inner.isdisjoint(read)
        )

    def alike(self, use: Use) -> bool:
        """Whether all copies of a use have one definition, and the same sizes."""
        found = [self.definitions[copy.instance.name] for copy in use.copies]
        given = [
            definition.given[copy.instance.name]
            for definition, copy in zip(found, use.copies, strict=True)
        ]
        return all(each is found[0] for each in found) and all(each == given[0] for each in given)

    def _shared_blocks(self) -> list[Definition]:
        """The definitions of all blocks, inner ones first."""
        copies = self._copies()
        inside = {
            name: _blocks(item for copy in every for item in copy.scope.items)
            for name, every in copies.items()
        }
        found: list[Definition] = []
        while copies:
            name = next(name for name in copies if inside[name].isdisjoint(copies))
            found += self._define(name, copies.pop(name))
        return found

    def _copies(self) -> dict[str, list[Copy]]:
        """All copies of blocks, by name of the block."""
        found: dict[str, list[Copy]] = {}
        for scope in (self.structure.top, *self.structure.scopes.values()):
            for item in scope.items:
                if isinstance(item, Use):
                    found.setdefault(item.call.block.name, []).extend(item.copies)
        return found

    def _define(self, name: str, copies: list[Copy]) -> list[Definition]:
        """Write the copies of a block, and note which definition computes which."""
        texts = {copy.instance.name: self.block(copy) for copy in copies}
        instances = {copy.instance.name: copy.instance for copy in copies}
        extra = {copy.instance.name: self.extra_sizes(copy) for copy in copies}
        found = shared(self.block_name(name), texts, instances, extra, self.names)
        for definition in found:
            self.definitions |= dict.fromkeys(definition.given, definition)
        return found


def _blocks(items: Iterable[Operation | Use]) -> set[str]:
    """Names of the blocks that are used."""
    return {item.call.block.name for item in items if isinstance(item, Use)}


@contextmanager
def naming(item: Operation) -> Iterator[None]:
    """Turns what an op cannot write into an error that names the node."""
    node, reason = item.node, item.op.code_absent
    try:
        if not reason:
            yield
            return
    except NotImplementedError as error:
        reason = str(error)
    raise RunError.of("not-in-code", f"'{node.name}' ({node.op.name}): {reason}")


def stated(form: _Form, what: str) -> _Form:
    """What an op states, if it does."""
    if not form:
        raise NotImplementedError(f"the op states no {what}")
    return form
