"""Colours of a user's choice, and whether names are mathematical: of the spec, and of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from graphnn.diagnostics import Findings, SpecError
from graphnn.drawing.diagram.options import DiagramOptions
from graphnn.graph import Graph
from graphnn.graph.looks import check_look
from graphnn.ops import Op
from graphnn.spec import reader
from graphnn.spec.build import build_look
from graphnn.spec.drawing_records import DrawSpec
from graphnn.spec.values import located
from graphnn.storage.files import as_path


@dataclass(frozen=True, slots=True)
class Look:
    """Colours as ``#rrggbb``.

    Attributes
    ----------
    families, ops, nodes : mapping of str to str
    mathematical : bool
        Whether names are written as in formulas.
    """

    families: Mapping[str, str] = field(default_factory=dict)
    ops: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, str] = field(default_factory=dict)
    mathematical: bool = False

    def of_names(self, names: Iterable[str]) -> str | None:
        """The colour of the first of `names`, of nodes or uses of blocks, that has one."""
        return next((self.nodes[name] for name in names if name in self.nodes), None)

    def of_op(self, op: Op) -> str | None:
        """The colour of an op, by its name, or else its family."""
        return self.ops.get(op.name) or self.families.get(op.family)


def look_of(graph: Graph, options: DiagramOptions) -> Look:
    """The look of the spec, and above it that of `options`.

    Raises
    ------
    SpecError
        The look of `options` has an invalid colour, or a name of which there is nothing.
    FileError
        Its file cannot be read.
    """
    given = [each for each in (graph.spec.draw, _given(graph, options)) if each is not None]
    families, ops, nodes = dict[str, str](), dict[str, str](), dict[str, str]()
    for spec in given:
        for table, given_to in ((families, spec.families), (ops, spec.ops), (nodes, spec.nodes)):
            table.update({name: each.colour for name, each in given_to.items()})
    mathematical = options.mathematical or any(spec.mathematical for spec in given)
    return Look(families, ops, nodes, mathematical)


def _given(graph: Graph, options: DiagramOptions) -> DrawSpec | None:
    if options.look is None:
        return None
    findings = Findings()
    if isinstance(options.look, Mapping):
        document = located(dict(options.look))
    else:
        document = reader.read_file(as_path(options.look), findings=findings)
    look = build_look(document, findings)
    if look is not None:
        check_look(look, graph.spec, findings)
    findings.raise_errors(SpecError)
    return look
