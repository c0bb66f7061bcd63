"""Tied parameters: whose array each one is."""

from __future__ import annotations

from collections.abc import Mapping

from graphnn.diagnostics import FAULTY, Faulty, Span, show_circle, suggestion
from graphnn.graph._graph import Origin
from graphnn.graph.passes.connecting import suggestion_limit
from graphnn.ops import REGISTRY
from graphnn.spec import BlockDiagnostics
from graphnn.spec.model import NetworkSpec


def tie_parameters(
    spec: NetworkSpec, origins: Mapping[str, Origin | Faulty], reports: BlockDiagnostics
) -> dict[str, str | Faulty]:
    """Owner of every parameter, following shares, by full name; itself for one not shared."""
    return _Ties(spec, origins, reports).owners


class _Ties:
    def __init__(
        self, spec: NetworkSpec, origins: Mapping[str, Origin | Faulty], reports: BlockDiagnostics
    ) -> None:
        self._spec = spec
        self._origins = origins
        self._reports = reports
        self._suggestions = suggestion_limit(len(self._origins))
        self.owners: dict[str, str | Faulty] = {}
        for full in self._origins:
            path, after = self._follow(full)
            self.owners.update(dict.fromkeys(path, self._owner(path, after)))

    def _follow(self, full: str) -> tuple[list[str], str | None]:
        """Names from `full` on, each sharing the next, and what the last shares."""
        path: dict[str, None] = {}
        name: str | None = full
        while name is not None and name not in path and name not in self.owners:
            origin = self._origins.get(name)
            if not isinstance(origin, Origin):
                break
            path[name] = None
            name = origin.share
        return list(path), name

    def _owner(self, path: list[str], after: str | None) -> str | Faulty:
        """The owner of all in `path`, of which the last shares `after`."""
        if after is None:
            return path[-1]
        if after in self.owners:
            return self.owners[after]
        if after in path:
            self._report_circle(path[path.index(after) :])
        elif not self._may_be_at_fault(after):
            self._report_unknown(after, path[-1])
        return FAULTY

    def _may_be_at_fault(self, full: str) -> bool:
        node = self._spec.find(_node_of(full))
        if full in self._origins or node is FAULTY:
            return True
        return node is not None and str(node.op.value) not in REGISTRY

    def _report_circle(self, names: list[str]) -> None:
        members = set(names)
        first = names.index(next(name for name in self._origins if name in members))
        circle = [*names[first:], *names[: first + 1]]
        instance = self._spec.nodes[_node_of(names[-1])].instance
        self._reports.of(instance).error(
            "cyclic-share",
            f"'{circle[0]}' is shared in a circle: {show_circle(circle)}",
            self._place(circle[0]),
            help="give one of them numbers or an initializer",
        )

    def _report_unknown(self, target: str, asking: str) -> None:
        self._suggestions -= 1
        others = [o for o in self._origins if o != asking] if self._suggestions >= 0 else ()
        self._reports.of(self._spec.nodes[_node_of(asking)].instance).error(
            "unknown-parameter",
            f"there is no parameter '{target}' to share",
            self._place(asking),
            help=suggestion(target, others, "name it as NODE.PARAMETER, such as a1.weight"),
        )

    def _place(self, full: str) -> Span | None:
        origin = self._origins[full]
        assert origin is not FAULTY, "one at fault shares nothing"
        return origin.place.span


def _node_of(full: str) -> str:
    return full.rpartition(".")[0]
