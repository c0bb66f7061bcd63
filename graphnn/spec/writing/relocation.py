"""A spec moved to another folder: it names the same files, by names that start from there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from graphnn.diagnostics import UsageError
from graphnn.spec._mentions import mentions
from graphnn.spec.blocks import block_files
from graphnn.spec.values import Map, Plain, Scalar, Seq, Value
from graphnn.spec.vocabulary import Vocabulary
from graphnn.spec.writing.syntax import Leaf, Tree


def relocate(document: Map, old: Path, new: Path, vocabulary: Vocabulary) -> bool:
    """Let `document` name its files by names that start from `new` in place of `old`.

    Parameters
    ----------
    document : Map
        A spec in `old`, changed in place.
    old, new : Path
        Folders. A file that the spec may not read in `old`, as it lies outside, does not become one
        that it may in `new`.
    vocabulary : Vocabulary
        Which kinds of data name files.

    Returns
    -------
    bool
        Whether a name has changed.

    Raises
    ------
    UsageError
        A file lies outside of `new`: one that the spec names, or that a file of blocks does.
    """
    if old.resolve() == new.resolve():
        return False
    moved = [(name, _moved(name, old, new)) for name in mentions(document, "file", vocabulary)]
    for file in block_files.files_of(document, old):
        names = mentions(file.document, "file", vocabulary) if file.document is not None else ()
        _refuse_names_outside(file, names, old, new)
    changed = [(name, text) for name, text in moved if text != str(name.value)]
    for name, text in changed:
        name.value = text
    return bool(changed)


def rewrite(tree: Tree, value: Value, anchored: dict[str, Plain] | None = None) -> None:
    """Let `tree`, which is of the text of `value`, say what `value` says since it changed.

    An alias whose anchor no longer says the same, by what is `anchored` so far, is written out.
    """
    # As deep as the reader's limit at most.
    anchored = {} if anchored is None else anchored
    for entry, (key, inner) in zip(tree.entries, _pairs(value), strict=True):
        if entry.key is not None and key is not None:
            entry.key = _rewritten(entry.key, key, anchored)
        if isinstance(entry.value, Tree):
            rewrite(entry.value, inner, anchored)
        elif isinstance(inner, Scalar):
            entry.value = _rewritten(entry.value, inner, anchored)


def _moved(name: Scalar, old: Path, new: Path) -> str:
    """`name`, as its file is called from `new`."""
    text = str(name.value)
    there = _resolved(old, text)
    if there is None or there == _resolved(new, text):
        return text
    if there.is_relative_to(old.resolve()):
        root = new.resolve()
        # A link keeps its name, as it may lead elsewhere tomorrow.
        for path in (Path(os.path.normpath(old.resolve() / text)), there):
            if path.is_relative_to(root) and path.resolve() == there:
                return path.relative_to(root).as_posix()
    if _is_there(there):
        message = f"the spec names '{text}', which would not be found from '{new}'"
        raise _left_behind(message, name, old)
    return text


def _refuse_names_outside(
    file: block_files.BlockFile, names: Iterable[Scalar], old: Path, new: Path
) -> None:
    """Refuse to leave out what a file of blocks names: it lies where it did, and names it so."""
    for name in names:
        there = _resolved(file.path.parent, str(name.value))
        if there is None or not there.is_relative_to(old.resolve()) or not _is_there(there):
            continue  # it cannot be read as it is
        if not there.is_relative_to(new.resolve()):
            message = f"'{file.path}' names '{name.value}', which lies outside of '{new}'"
            raise _left_behind(message, name, old)


def _left_behind(message: str, name: Scalar, old: Path) -> UsageError:
    help = f"write into '{old}', or move the files with it"
    return UsageError.of("file-left-behind", message, name.span, help=help)


def _resolved(folder: Path, name: str) -> Path | None:
    """The file that `name` means in `folder`; None if it is not a file name."""
    try:
        return (folder / name).resolve()
    except (OSError, ValueError, RuntimeError):
        return None


def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 (Path.exists raises where a folder is locked)


def _rewritten(leaf: Leaf, scalar: Scalar, anchored: dict[str, Plain]) -> Leaf:
    said = anchored.get(leaf.alias) if leaf.alias else leaf.value
    if said != scalar.value:
        leaf = Leaf(scalar.value, anchor=leaf.anchor)
    if leaf.anchor:
        anchored[leaf.anchor] = scalar.value
    return leaf


def _pairs(value: Value) -> list[tuple[Scalar | None, Value]]:
    if isinstance(value, Seq):
        return [(None, item) for item in value.items]
    assert isinstance(value, Map)
    return [(entry.key, entry.value) for entry in value.entries.values()]
