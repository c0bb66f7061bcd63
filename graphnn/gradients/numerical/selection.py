"""Which entries of which parameters: names, indices, or a sample."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from types import EllipsisType
from typing import Any

import numpy as np

from graphnn.diagnostics import UsageError, is_whole
from graphnn.execution.network import Network
from graphnn.gradients._refusals import known_parameters, selected
from graphnn.ops import Array

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
        There is no such parameter, or no such entry; or `only` is empty.
    """
    names = known_parameters(network, network.parameters if only is None else selected(only))
    if entries is None or not names:
        return dict.fromkeys(names)
    if is_whole(entries):
        return _sample(network, names, int(entries), seed)
    indices = _by_name(network, entries)
    if not indices:
        message = f"'entries' selects nothing: {entries!r}"
        raise UsageError.of("bad-entries", message, help="leave it out to take all")
    if others := [name for name in indices if name not in names]:
        message = f"an entry of '{others[0]}' is selected, but 'only' allows {', '.join(names)}"
        raise UsageError.of("unknown-entry", message)
    return {name: np.unique(indices[name]) for name in names if name in indices}


def parse(network: Network, entry: str) -> tuple[str, tuple[int, ...]]:
    """Name and index of an entry such as ``a1.weight[3,7]``; of a single one, the name will do.

    Raises
    ------
    UsageError
        There is none.
    """
    if not isinstance(entry, str):
        raise UsageError.of("bad-option", f"the name of an entry is text, not {entry!r}")
    found = _ENTRY.fullmatch(entry)
    name, written = found.groups() if found else (entry, None)
    known_parameters(network, [name])
    shape = network.parameters[name].shape
    try:
        index = tuple(map(int, written.split(","))) if written else (0,) * len(shape)
    except ValueError:
        raise _outside(entry, name, shape) from None
    if len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape, strict=True)):
        raise _outside(entry, name, shape)
    if written is None and math.prod(shape) != 1:
        raise _outside(entry, name, shape)
    return name, index


def show(name: str, index: Iterable[Any]) -> str:
    """An entry as people write it, such as ``a1.weight[3,7]``."""
    return f"{name}[{','.join(map(str, index))}]"


def _sample(network: Network, names: tuple[str, ...], count: int, seed: int) -> Chosen:
    if count < 1:
        raise UsageError.of("bad-entries", f"a sample has at least 1 entry, not {count}")
    ends = np.cumsum([network.parameters[name].size for name in names])
    total = int(ends[-1]) if names else 0
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.choice(total, min(count, total), replace=False))
    parts = np.split(drawn, np.searchsorted(drawn, ends[:-1]))
    parted = zip(names, parts, [0, *ends[:-1]], strict=True)
    return {name: part - start for name, part, start in parted if len(part)}


def _by_name(network: Network, entries: Any) -> dict[str, list[int]]:
    """Places in flat arrays, for each parameter of which there are any."""
    indices: dict[str, list[Any]] = {}
    listed = [entries] if isinstance(entries, str) else entries
    if isinstance(entries, Mapping):
        known_parameters(network, entries)
        indices = {
            name: each if isinstance(each, list) else [each] for name, each in entries.items()
        }
    elif isinstance(listed, Iterable) and all(isinstance(entry, str) for entry in listed):
        for name, index in (parse(network, entry) for entry in listed):
            indices.setdefault(name, []).append(index)
    else:
        message = f"'entries' must be a number, names or indices, not {entries!r}"
        help = "give how many to draw, names such as 'a1.weight[3,7]', or indices by parameter"
        raise UsageError.of("bad-entries", message, help=help)
    every = {}
    for name, given in indices.items():
        places = np.arange(network.parameters[name].size).reshape(network.parameters[name].shape)
        every[name] = [int(at) for index in given for at in np.ravel(_taken(name, places, index))]
    return {name: found for name, found in every.items() if found}


def _taken(name: str, places: Array, index: Any) -> Array:
    """Those of the `places` in the flat array that an index, or an array of them, stands for."""
    if isinstance(index, np.ndarray) and index.ndim:
        return _by_array(name, places, index)
    whole = tuple(index) if isinstance(index, tuple | list) else (index,)
    outside = _outside(show(name, map(_written, whole)), name, places.shape)
    parts = tuple(int(part) if _is_whole(part) else part for part in whole)
    sliced = [part for part in parts if isinstance(part, slice | EllipsisType)]
    numbers = [part for part in parts if is_whole(part)]
    if len(sliced) + len(numbers) != len(parts) or min(numbers, default=0) < 0:
        raise outside
    if not sliced and len(parts) != places.ndim:
        raise outside
    try:
        return np.asarray(places[parts])
    except (IndexError, TypeError):
        raise outside from None


def _is_whole(part: Any) -> bool:
    scalar = isinstance(part, np.ndarray) and part.ndim == 0 and part.dtype.kind in "iu"
    return scalar or is_whole(part)


def _by_array(name: str, places: Array, given: Array) -> Array:
    shape = places.shape
    if given.dtype == bool and given.shape == shape:
        return np.asarray(places[given])
    rows = given[:, None] if given.ndim == len(shape) == 1 else given
    if given.dtype.kind not in "iu" or rows.shape[-1] != len(shape):
        what = f"an array of {given.dtype} of shape {list(given.shape)}"
        message = f"{what} does not index '{name}', whose shape is {list(shape)}"
        help = f"give rows of {len(shape)} whole numbers, or a mask of the parameter's shape"
        raise UsageError.of("unknown-entry", message, help=help)
    rows = rows.reshape(-1, len(shape))
    outside = ((rows < 0) | (rows >= shape)).any(axis=1)
    if outside.any():
        raise _outside(show(name, rows[outside.argmax()]), name, shape)
    return np.asarray(places[tuple(rows.T)])


def _written(part: Any) -> str:
    """Of one axis, as people write an index."""
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
        return ":".join(ends if ends[2] else ends[:2])
    return "..." if part is ... else str(part) if isinstance(part, int | float) else repr(part)


def _outside(entry: str, name: str, shape: tuple[int, ...]) -> UsageError:
    message = f"'{entry}' is not an entry of '{name}', whose shape is {list(shape)}"
    help = f"such as {show(name, (n - 1 for n in shape))}"
    return UsageError.of("unknown-entry", message, help=help)
