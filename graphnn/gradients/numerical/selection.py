"""Which entries of which parameters: names, indices, or a sample."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import Diagnostic, UsageError, suggestion
from graphnn.execution.network import Network, names_of

Array = NDArray[Any]
Axis = int | slice | EllipsisType
Index = Axis | tuple[Axis, ...] | Array
Entries = int | str | Iterable[str] | Mapping[str, Index | list[Any]]
Chosen = dict[str, Array | None]
_ENTRY = re.compile(r"\s*([^\[\]]+?)\s*(?:\[([^\[\]]*)\])?\s*")


def choose(
    network: Network, only: str | Iterable[str] | None, entries: Entries | None, seed: int
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
    if not indices:
        message = f"'entries' selects nothing: {entries!r}"
        raise UsageError(Diagnostic("bad-entries", message, help="leave it out to take all"))
    for name in indices:
        if name not in names:
            message = f"an entry of '{name}' is selected, but 'only' allows {', '.join(names)}"
            raise UsageError(Diagnostic("unknown-entry", message))
    return {name: np.unique(indices[name]) for name in names if name in indices}


def known(network: Network, names: str | Iterable[str]) -> tuple[str, ...]:
    """`names`, once all are those of parameters.

    Raises
    ------
    UsageError
        One is not.
    """
    names = names_of(names)
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


def show(name: str, index: Iterable[Any]) -> str:
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
    """Places in flat arrays, for each parameter of which there are any."""
    places: dict[str, list[int]] = {}
    if isinstance(entries, Mapping):
        for name, given in entries.items():
            known(network, [name])
            shape = network.parameters[name].shape
            every = given if isinstance(given, list) else [given]
            places[name] = [place for index in every for place in _places(name, shape, index)]
        return {name: found for name, found in places.items() if found}
    listed = [entries] if isinstance(entries, str) else entries
    if not isinstance(listed, Iterable) or not all(isinstance(entry, str) for entry in listed):
        message = f"'entries' must be a number, names or indices, not {entries!r}"
        help = "give how many to draw, names such as 'a1.weight[3,7]', or indices by parameter"
        raise UsageError(Diagnostic("bad-entries", message, help=help))
    for name, index in (parse(network, entry) for entry in listed):
        found = _places(name, network.parameters[name].shape, index)
        places.setdefault(name, []).extend(found)
    return places


def _places(name: str, shape: tuple[int, ...], index: Any) -> list[int]:
    """Places in the flat array of the entries that an index, or an array of them, stands for."""
    if isinstance(index, np.ndarray) and index.ndim:
        return _by_array(name, shape, index)
    whole = tuple(index) if isinstance(index, tuple | list) else (index,)
    entry = show(name, map(_written, whole))
    if any(isinstance(part, slice | EllipsisType) for part in whole):
        return _by_slices(entry, name, shape, whole)
    if not all(isinstance(part, int | np.integer) or _is_whole(part) for part in whole):
        raise _outside(entry, name, shape)
    numbers = _inside(entry, name, shape, tuple(map(int, whole)))
    return [int(np.ravel_multi_index(numbers, shape))] if shape else [0]


def _is_whole(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.ndim == 0 and part.dtype.kind in "iu"


def _by_array(name: str, shape: tuple[int, ...], given: Array) -> list[int]:
    if given.dtype == bool and given.shape == shape:
        return [int(place) for place in np.flatnonzero(given)]
    rows = given[:, None] if given.ndim == len(shape) == 1 else given
    if given.dtype.kind not in "iu" or rows.shape[-1] != len(shape):
        what = f"an array of {given.dtype} of shape {list(given.shape)}"
        message = f"{what} does not index '{name}', whose shape is {list(shape)}"
        help = f"give rows of {len(shape)} whole numbers, or a mask of the parameter's shape"
        raise UsageError(Diagnostic("unknown-entry", message, help=help))
    rows = rows.reshape(-1, len(shape))
    outside = ((rows < 0) | (rows >= shape)).any(axis=1)
    if outside.any():
        raise _outside(show(name, rows[outside.argmax()]), name, shape)
    places: list[int] = np.asarray(np.ravel_multi_index(tuple(rows.T), shape)).tolist()
    return places


def _by_slices(entry: str, name: str, shape: tuple[int, ...], whole: tuple[Any, ...]) -> list[int]:
    if any(isinstance(part, int) and part < 0 for part in whole):
        raise _outside(entry, name, shape)
    try:
        found = np.arange(math.prod(shape)).reshape(shape)[whole]
    except (IndexError, TypeError):
        raise _outside(entry, name, shape) from None
    return [int(place) for place in found.ravel()]


def _written(part: Any) -> str:
    """Of one axis, as people write an index."""
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
        return ":".join(ends if ends[2] else ends[:2])
    return "..." if part is ... else str(part) if isinstance(part, int | float) else repr(part)


def _inside(
    entry: str, name: str, shape: tuple[int, ...], index: tuple[int, ...]
) -> tuple[int, ...]:
    fits = len(index) == len(shape) and all(0 <= i < n for i, n in zip(index, shape, strict=True))
    if not fits:
        raise _outside(entry, name, shape)
    return index


def _outside(entry: str, name: str, shape: tuple[int, ...]) -> UsageError:
    message = f"'{entry}' is not an entry of '{name}', whose shape is {list(shape)}"
    help = f"such as {show(name, (n - 1 for n in shape))}"
    return UsageError(Diagnostic("unknown-entry", message, help=help))
