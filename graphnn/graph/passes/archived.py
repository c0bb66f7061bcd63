"""Arrays of files that nodes name, as ``{file: NAME, key: NAME}``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphnn.diagnostics import FAULTY, Faulty, FileError, suggestion
from graphnn.graph import arrays
from graphnn.graph.passes.scope import Scope
from graphnn.ops import Array
from graphnn.spec import unlike
from graphnn.spec.values import Map, Scalar
from graphnn.storage import files

_OF_ARRAY = ("unknown-array", "pickled-array", "not-numbers")  # faults of one array of a file


def read_array(full: str, value: Map, scope: Scope, dtype: Any = None) -> Array | Faulty | None:
    """The array that `value` names, of the parameter or attribute called `full`.

    Parameters
    ----------
    full : str
        Which is what the array is called where no key is given.
    value : Map
    scope : Scope
    dtype : optional
        What its numbers become; left out, they stay as they are.

    Returns
    -------
    ndarray, FAULTY or None
        None in the definition of a block, where the name of the node is not known yet.

    Raises
    ------
    FileError
        The file cannot be read, or lacks the array.
    """
    texts = _texts(full, value, scope)
    if len(texts) != len(value.entries):
        return FAULTY
    file, key = texts["file"], texts.get("key")
    path = files.within(scope.spec.folder, str(file.value), file.span, scope.folder)
    if scope.block is not None:
        return None
    try:
        name = full if key is None else str(key.value)
        array = scope.archives.read(path, name, file.span, dtype)
    except FileError as error:
        (found,) = error.diagnostics
        if key is not None and found.code in _OF_ARRAY:
            found = replace(found, span=key.span)
        raise FileError(found) from None
    if bad := arrays.first_not_finite(array):
        message = f"'{full}' holds {bad} in '{path.name}'"
        scope.findings.error("not-finite", message, (key or file).span, help=arrays.FINITE)
        return FAULTY
    return array


def _texts(full: str, value: Map, scope: Scope) -> dict[str, Scalar]:
    """Name of the file and key of the array; the rest is reported."""
    texts: dict[str, Scalar] = {}
    for key, entry in value.entries.items():
        if key not in ("file", "key"):
            message = f"the file of '{full}' has no key '{key}'"
            help = suggestion(key, ("file", "key"), "its keys are file, key")
            scope.findings.error("unknown-key", message, entry.key.span, help=help)
        elif isinstance(entry.value, Scalar) and isinstance(entry.value.value, str):
            texts[key] = entry.value
        else:
            message = f"the '{key}' of '{full}' must be a text, {unlike(entry.value)}"
            scope.findings.error("bad-parameter", message, entry.value.span)
    return texts
