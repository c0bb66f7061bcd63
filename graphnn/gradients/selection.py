"""Which entries of which parameters: names, indices, or a sample."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.errors import Diagnostic, UsageError, suggestion
from graphnn.network import Network

Array = NDArray[Any]
Index = int | tuple[int, ...]
Entries = int | str | Iterable[str] | Mapping[str, Index | list[Index]]
Chosen = dict[str, Array | None]
_ENTRY = re.compile(r"\s*([^\[\]]+?)\s*(?:\[([^\[\]]*)\])?\s*")


def choose(
    network: Network, only: Iterable[str] | None, entries: Entries | None, seed: int
) -> Chosen:
    """Parameters by name, each with the places of entries in its flat array; None for all of them.

    Parameters
    ----------
    network : Network
    only, entries, seed
        As for `graphnn.numerical_gradient`.

    Raises
    ------
    UsageError
        There is no such parameter, or no such entry.
    """
    names = known(network, network.parameters if only is None else only)
    if entries is None:
        return dict.fromkeys(names)
    if isinstance(entries, int | np.integer):
        return _sample(network, names, int(entries), seed)
    indices = _by_name(network, entries)
    for name in indices:
        if name not in names:
            message = f"an entry of '{name}' is asked for, but only {', '.join(names)}"
            raise UsageError(Diagnostic("unknown-entry", message))
    return {name: np.unique(indices[name]) for name in names if name in indices}


def known(network: Network, names: Iterable[str]) -> tuple[str, ...]:
    """`names`, once all are those of parameters.

    Raises
    ------
    UsageError
        One is not.
    """
    names = tuple(names)
    for name in names:
        if name not in network.parameters:
            help = suggestion(name, network.parameters)
            message = f"the network has no parameter '{name}'"
            raise UsageError(Diagnostic("unknown-parameter", message, help=help))
    return names


def parse(network: Network, entry: str) -> tuple[str, tuple[int, ...]]:
    """Name and index of an entry such as ``a1.weight[3,7]``; of a single one, the name will do.

    Raises
    ------
    UsageError
        There is none.
    """
    found = _ENTRY.fullmatch(entry)
    name = found.group(1) if found else entry
    known(network, [name])
    written = found.group(2) if found else None
    shape = network.parameters[name].shape
    try:
        index = tuple(int(part) for part in written.split(",")) if written else (0,) * len(shape)
    except ValueError:
        raise _outside(entry, name, shape) from None
    if written is None and network.parameters[name].size != 1:
        raise _outside(entry, name, shape)
    return name, _inside(entry, name, shape, index)


def show(name: str, index: Iterable[int]) -> str:
    """An entry as people write it, such as ``a1.weight[3,7]``."""
    return f"{name}[{','.join(map(str, index))}]"


def _sample(network: Network, names: tuple[str, ...], count: int, seed: int) -> Chosen:
    if count < 1:
        message = f"a sample has at least 1 entry, not {count}"
        raise UsageError(Diagnostic("bad-entries", message))
    ends = np.cumsum([network.parameters[name].size for name in names])
    total = int(ends[-1]) if names else 0
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.choice(total, min(count, total), replace=False))
    parts = np.split(drawn, np.searchsorted(drawn, ends[:-1]))
    starts = [0, *ends[:-1]]
    return {
        name: part - start
        for name, part, start in zip(names, parts, starts, strict=True)
        if len(part)
    }


def _by_name(network: Network, entries: Any) -> dict[str, list[int]]:
    """Places in flat arrays."""
    pairs: list[tuple[str, tuple[int, ...]]] = []
    if isinstance(entries, Mapping):
        for name, given in entries.items():
            known(network, [name])
            shape = network.parameters[name].shape
            for index in given if isinstance(given, list) else [given]:
                whole = index if isinstance(index, tuple) else (index,)
                numbers = tuple(operator.index(number) for number in whole)
                pairs.append((name, _inside(show(name, numbers), name, shape, numbers)))
    else:
        listed = [entries] if isinstance(entries, str) else entries
        pairs = [parse(network, entry) for entry in listed]
    places: dict[str, list[int]] = {}
    for name, index in pairs:
        shape = network.parameters[name].shape
        place = int(np.ravel_multi_index(index, shape)) if shape else 0
        places.setdefault(name, []).append(place)
    return places


def _inside(
    entry: str, name: str, shape: tuple[int, ...], index: tuple[int, ...]
) -> tuple[int, ...]:
    fits = len(index) == len(shape) and all(0 <= i < n for i, n in zip(index, shape, strict=True))
    if not fits:
        raise _outside(entry, name, shape)
    return index


def _outside(entry: str, name: str, shape: tuple[int, ...]) -> UsageError:
    message = f"'{entry}' is no entry of '{name}', whose shape is {list(shape)}"
    help = f"such as {show(name, (n - 1 for n in shape))}"
    return UsageError(Diagnostic("unknown-entry", message, help=help))
