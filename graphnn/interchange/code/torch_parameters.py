"""What the constructor of a network of torch says of parameters: which are shared, and frozen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import accumulate

from graphnn.graph import Graph


@dataclass(frozen=True)
class Placement:
    """Where the parameters of a network lie in its module.

    Attributes
    ----------
    graph : Graph
    paths : mapping of str to str
        Where layers lie, by full name of the node.
    turned : set of str
        Nodes whose matrices torch has as they are here; see `Graph.torch_turned`.
    """

    graph: Graph
    paths: Mapping[str, str]
    turned: Set[str]

    def key(self, full: str) -> str:
        """The name of a parameter in the state of the module."""
        node, operand = _parts(full)
        torch_name = self.graph.nodes[node].op.torch_names.get(operand, operand)
        return f"{self.paths[node]}.{torch_name}".removesuffix(".")

    def ties(self, ties: Mapping[str, str]) -> dict[str, None]:
        """Statements that make parameters others, or layers, where all of these are shared.

        Of a layer that is another, states stay shared when the network is converted.
        """
        return dict.fromkeys(
            f"{attribute(first)} = {attribute(second)}"
            for first, second in (self._tied(*names) for names in sorted(ties.items()))
        )

    def _tied(self, own: str, full: str) -> tuple[str, str]:
        nodes = [_parts(name)[0] for name in (own, full)]
        if self._are_doubles(*nodes):
            return self.paths[nodes[0]], self.paths[nodes[1]]
        return self.key(own), self.key(full)

    def _are_doubles(self, name: str, other: str) -> bool:
        """Whether nodes are alike, and all parameters of both are those of the second."""
        first, second = self.graph.nodes[name], self.graph.nodes[other]
        own = {key: full and f"{other}.{key}" for key, full in second.parameters.items()}
        same = own == {**first.parameters} == {**second.parameters}
        return same and first.op == second.op and self.turned.isdisjoint((name, other))

    def frozen(self) -> dict[str, None]:
        """Statements that keep training from what is not trainable, one where a block is all so."""
        every, still = Counter[str](), Counter[str]()
        for path, full in self._learned():
            frozen = not self.graph.parameters[full].trainable
            for around in _arounds(path):
                every[around] += 1
                still[around] += frozen
        whole = {around for around, count in every.items() if still[around] == count}
        tops = (
            next(around for around in _arounds(path) if around in whole)
            for path, full in self._learned()
            if not self.graph.parameters[full].trainable
        )
        return dict.fromkeys(f"{attribute(top)}.requires_grad_(False)" for top in tops)

    def _learned(self) -> Iterator[tuple[str, str]]:
        """Where each learned parameter lies, once for each node that has it, and its full name."""
        for name, node in self.graph.nodes.items():
            for operand, full in node.parameters.items() if name in self.paths else ():
                if full is not None and self.graph.parameters[full].learned:
                    yield self.key(f"{name}.{operand}"), full


def attribute(path: str) -> str:
    """What lies at a path of the network, as Python."""
    words = [f'["{word}"]' if word.isdigit() else f".{word}" for word in path.split(".")]
    return "self" + "".join(words)


def _parts(full: str) -> tuple[str, str]:
    node, _, operand = full.rpartition(".")
    return node, operand


def _arounds(path: str) -> list[str]:
    """What something lies in, the outermost first, and it itself."""
    return [*accumulate(path.split("."), "{}.{}".format)]
