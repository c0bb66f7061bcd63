"""Which node reads which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Where it is used, it is imported: a fourth of the time of checking a small file.
    import networkx as nx


@dataclass(frozen=True, slots=True)
class Wiring:
    """Which node reads which, both ways.

    Attributes
    ----------
    operands : mapping of str to tuple of str or None
        By node, in the order of the file, what each of its operands reads; None where there is no
        such node.
    readers : mapping of str to sequence of str
        By node, those that read it, each once, in the order of the file.
    """

    operands: Mapping[str, tuple[str | None, ...]]
    readers: Mapping[str, list[str]]

    @classmethod
    def of(cls, operands: Mapping[str, tuple[str | None, ...]]) -> Wiring:
        """The same with its readers found."""
        readers: dict[str, list[str]] = {name: [] for name in operands}
        for name, reads in operands.items():
            for read in reads if len(reads) < 2 else dict.fromkeys(reads):
                if read is not None:
                    readers[read].append(name)
        return cls(operands, readers)

    def reads(self, name: str) -> Iterable[str]:
        """The nodes that `name` reads, each once."""
        return [read for read in dict.fromkeys(self.operands[name]) if read is not None]

    def is_in_order(self) -> bool:
        """Whether each node comes after those that it reads."""
        seen: set[str | None] = {None}
        for name, reads in self.operands.items():
            if not seen.issuperset(reads):
                return False
            seen.add(name)
        return True

    def network(self) -> nx.MultiDiGraph[str]:
        """All nodes, with an edge for each operand that is known, keyed by its position."""
        import networkx as nx

        network: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        network.add_nodes_from(self.operands)
        for name, reads in self.operands.items():
            for position, read in enumerate(reads):
                if read is not None:
                    network.add_edge(read, name, key=position)
        return network
