"""Shared parameters: whose array each one is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from collections.abc import Mapping as Dict

from graphnn.diagnostics import Findings, suggestion
from graphnn.graph._binding import Bound, Origin
from graphnn.spec import BlockDiagnostics
from graphnn.spec.model import BlockInstance

_GUESSES = 20  # faults of one kind that get a nearest name: finding it among all names takes time
_COMPARED = 50_000  # names that they may be compared with, all together


def guesses(names: int) -> int:
    """How many faults of one kind get a nearest name where there are so many to choose from."""
    return min(_GUESSES, 1 + _COMPARED // (1 + names))


def resolve_shares(
    bound: Dict[str, Bound],
    shares: Dict[str, Origin],
    lost: Collection[str],
    is_told: Callable[[str], bool],
    copies: BlockDiagnostics,
) -> tuple[dict[str, str], set[str]]:
    """Owner of every parameter, following shares; and the nodes whose shares lead nowhere.

    Parameters
    ----------
    bound : mapping of str to Bound
    shares : mapping of str to Origin
        What nodes outside blocks share, by full name; also those of nodes that are not bound.
    lost : collection of str
        Full names of parameters of nodes at fault, shares of which are not told again.
    is_told : callable
        Whether the node of a name is at fault, so that any parameter may be one of it.
    copies : Copies
        Takes what is wrong.

    Returns
    -------
    owners : dict of str to str
        From full name to the full name whose array it is, itself for one not shared.
    lost : set of str
        Names of nodes with a share at fault.
    """
    origins = dict(shares) | {
        f"{node.name}.{parameter}": origin
        for node in bound.values()
        for parameter, origin in node.parameters.items()
        if not origin.absent
    }
    settled: dict[str, str | None] = {}
    told = 0
    for full in origins:
        path: dict[str, None] = {}
        name: str | None = full
        while name in origins and name not in settled and name not in path:
            path[name] = None
            name = origins[name].share
        last = next(reversed(path), full)
        owner: str | None = None
        if name is None:
            owner = last
        elif name in path:
            _share_circle(list(path), name, origins, copies.of(_copy_of(last, bound)))
        elif name in settled:
            owner = settled[name]
        elif name not in lost and not is_told(_node_of(name)):
            told += 1
            few = told <= guesses(len(origins))
            others = [other for other in (*origins, *sorted(lost)) if other != last] if few else ()
            _unknown_share(name, origins[last], others, copies.of(_copy_of(last, bound)))
        settled.update(dict.fromkeys(path, owner))
    owners = {full: owner for full, owner in settled.items() if owner is not None}
    return owners, {_node_of(full) for full in settled if full not in owners}


def _node_of(full: str) -> str:
    return full.rpartition(".")[0]


def _copy_of(full: str, bound: Dict[str, Bound]) -> BlockInstance | None:
    found = bound.get(_node_of(full))
    return found.spec.copy if found else None


def _share_circle(
    path: list[str], met: str, origins: Dict[str, Origin], findings: Findings
) -> None:
    knot = path[path.index(met) :]
    first = knot.index(next(name for name in origins if name in set(knot)))
    knot = [*knot[first:], *knot[: first + 1]]
    shown = knot if len(knot) <= 12 else [*knot[:6], "...", *knot[-5:]]
    findings.error(
        "cyclic-share",
        f"'{knot[0]}' is shared in a circle: {' -> '.join(shown)}",
        origins[knot[0]].place.span,
        help="give one of them numbers or an initializer",
    )


def _unknown_share(
    target: str, asking: Origin, others: Collection[str], findings: Findings
) -> None:
    findings.error(
        "unknown-parameter",
        f"there is no parameter '{target}' to share",
        asking.place.span,
        help=suggestion(target, others, "name it as NODE.PARAMETER, such as a1.weight"),
    )
