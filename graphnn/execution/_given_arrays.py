"""Arrays as specs give them: numbers, filled with zeros or ones, or of a file."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from graphnn.diagnostics import FAULTY, SpecError, suggestion
from graphnn.execution._free_sizes import fits
from graphnn.graph import Node, arrays
from graphnn.ops import Array, Kind
from graphnn.spec import brief, number_help, sizes
from graphnn.spec.model import NetworkSpec
from graphnn.spec.sizes import show
from graphnn.spec.values import Map, Scalar, Seq, Value
from graphnn.storage import archives, files

_MAX_FILLED = 2**24  # 128 MiB
_SHOWN = 60  # characters of an array that help repeats
FILLED = {"zeros": np.zeros, "ones": np.ones}
_FORMS = ("numbers", "{zeros: SHAPE}", "{ones: SHAPE}", "{file: NAME, key: NAME}")


def read_array(value: Value, node: Node, spec: NetworkSpec, also: Iterable[str] = ()) -> Array:
    """The array that `value` gives to `node`: numbers, filled with zeros or ones, or of a file.

    Parameters
    ----------
    value : Value
    node : Node
    spec : NetworkSpec
    also : iterable of str
        Keys that `value` may have meant besides those of an array, for help.

    Raises
    ------
    SpecError
        It is none of them, or does not fit the node's shape.
    FileError
        The file cannot be read, or lacks the array.
    """
    return array_for(value, Wanted(node.name, node.kind, node.shape), spec, also)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an array must be for a node; no shape where that is not known."""

    name: str
    kind: Kind = "float"
    shape: sizes.Shape | None = None

    def refuse(self, shape: tuple[int, ...], value: Value) -> None:
        """Raise for an array of `shape` that does not fit."""
        if self.shape is not None and not fits(shape, self.shape):
            message = (
                f"'{self.name}' is given in shape {show(shape)}, but it has {show(self.shape)}"
            )
            help = ""
            if arrays.is_numbers(value) and fits((1, *shape), self.shape):
                from graphnn.spec import flow  # help alone writes values

                text = flow(value)
                shown = text if len(text) <= _SHOWN else "..."
                help = f"for one value along '{self.shape[0]}', put it in brackets: [{shown}]"
            raise SpecError.of("wrong-shape", message, value.span, help=help)


def array_for(value: Value, wanted: Wanted, spec: NetworkSpec, also: Iterable[str] = ()) -> Array:
    """As `read_array`, for what may not be known in full."""
    what, dtype = f"'{wanted.name}'", np.int64 if wanted.kind == "int" else np.float64
    if arrays.is_numbers(value):
        array = arrays.from_value(value, what, dtype)
    elif isinstance(value, Map) and "file" in value:
        array = _from_file(value, wanted.name, spec)
    elif isinstance(value, Map) and len(value.entries) == 1 and set(FILLED) & {*value.entries}:
        key, entry = next(value.items())
        shape = _shape(entry, spec)
        wanted.refuse(shape, value)  # the shape is at fault then, not its size
        if math.prod(shape) > _MAX_FILLED:
            message = f"an array of shape {show(shape)} has more than {_MAX_FILLED:,} entries"
            raise SpecError.of("too-large", message, entry.span)
        if len(shape) > sizes.MAX_AXES:
            message = f"an array of {len(shape)} axes has more than {sizes.MAX_AXES}"
            raise SpecError.of("too-large", message, entry.span)
        array = FILLED[key](shape, dtype)
    else:
        help = _form_meant(value, (*FILLED, "file", *also))
        *forms, last = *_FORMS, *(f"{{{key}: NUMBERS}}" for key in also)
        message = f"{what} must be {', '.join(forms)} or {last}, not {brief(value)}"
        raise SpecError.of("bad-array", message, value.span, help=help)
    wanted.refuse(array.shape, value)
    return array


def _form_meant(value: Value, keys: Iterable[str]) -> str:
    """Help that offers the nearest of `keys` for one of `value`."""
    known = tuple(keys)
    names = value.entries if isinstance(value, Map) else ()
    helps = (suggestion(name, known) for name in names if name not in known)
    return next(filter(None, helps), "")


def _from_file(value: Map, name: str, spec: NetworkSpec) -> Array:
    file, key = value.get("file"), value.get("key")
    texts = [
        part.value
        for part in (file, key)
        if isinstance(part, Scalar) and isinstance(part.value, str)
    ]
    if set(value.entries) - {"file", "key"} or len(texts) != len(value.entries):
        message = f"'{name}' must be {{file: NAME, key: NAME}}, not {brief(value)}"
        raise SpecError.of("bad-array", message, value.span)
    assert file is not None
    path = files.within(spec.folder, texts[0], file.span)
    return archives.read_array(path, texts[1] if key else name, (key or file).span)


def _shape(value: Value, spec: NetworkSpec) -> tuple[int, ...]:
    if not isinstance(value, Seq):
        message = f"a shape is a list of sizes such as [1, 3], not {brief(value)}"
        raise SpecError.of("bad-array", message, value.span)
    return tuple(_size(item, spec) for item in value.items)


def _size(value: Value, spec: NetworkSpec) -> int:
    written = value.value if isinstance(value, Scalar) else None
    try:
        size = sizes.read(written, spec.sizes)
    except sizes.SizeError as error:
        if error.reason != "text":
            message = f"a size is a whole number of at least 1, or a name, not {brief(value)}"
            raise SpecError.of("bad-size", message, value.span) from None
        help = suggestion(error.name, spec.sizes) if error.name else number_help(value)
        span = value.span_of(error.name or "")
        raise SpecError.of("unknown-size", str(error), span, help=help) from None
    if size is FAULTY:
        raise SpecError
    if not isinstance(size, int):
        help = "an example says how many there are: write a number"
        message = f"'{written}' is free, so it has no value here"
        raise SpecError.of("free-size", message, value.span, help=help)
    return size
