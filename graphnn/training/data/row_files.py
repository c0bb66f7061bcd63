"""Rows for one input alone, from files of every kind that can hold some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from graphnn.diagnostics import DataError, FileError, listed
from graphnn.execution import as_numbers
from graphnn.execution.weight_files import Classes
from graphnn.ops import Array
from graphnn.spec.values import Value
from graphnn.storage import archives, files
from graphnn.training.data import pictures
from graphnn.training.data.columns import Column, InputSpec, array_for
from graphnn.training.data.given import Frame, column_of_frame, is_frame
from graphnn.training.data.pictures import Picture, Resize
from graphnn.training.data.sources import table
from graphnn.training.data.sources.folder import MAX_FILE

KINDS = "images, a folder of them, or rows in .csv, .parquet, .npy, .npz or .safetensors"
_ROWS = 1000  # a part


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some rows of a file.

    Attributes
    ----------
    names : list of str
        Of each row: the file, with the row's number where it holds several.
    rows : ndarray, shape (rows, ...)
        As the input takes them.
    more : mapping of str to ndarray
        What other inputs take, by name.
    """

    names: list[str]
    rows: Array
    more: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads files as rows of an input.

    Attributes
    ----------
    need : InputSpec
        The input.
    needs : mapping of str to InputSpec
        All inputs that training feeds, whose columns a table may hold too.
    columns : Value or None
        What the spec says about the columns of its training data.
    classes : dict of str to tuple of str
        Names of classes by input, where texts stand for numbers.
    resize : {"stretch", "crop"} or None
        How the training data give images the size of the input.
    """

    need: InputSpec
    needs: Mapping[str, InputSpec]
    columns: Value | None
    classes: Classes
    resize: Resize | None = None

    def parts(self, path: Path) -> Iterator[Part]:
        """The rows of `path`, in parts.

        Raises
        ------
        FileError, DataError
            It is missing, of another kind or damaged, or its rows do not fit the input.
        """
        if path.is_dir():
            for picture in _pictures_in(path):
                yield self._picture(picture)
        elif path.suffix.lower() in pictures.SUFFIXES:
            yield self._picture(path)
        else:
            yield from in_parts(str(path), self._rows(path))

    def parts_of(self, given: ArrayLike | Frame) -> Iterator[Part]:
        """As `parts`, of rows that Python gives.

        Raises
        ------
        DataError
            They do not fit the input.
        """
        if is_frame(given):
            column = column_of_frame(given, self.need, self.needs, self.columns, self.classes)
        else:
            numbers = as_numbers(given)
            if numbers is None:
                raise DataError.of("not-numbers", "the array does not hold numbers")
            column = Column("the array", numbers)
        yield from in_parts("", array_for(self.need, column))

    def _picture(self, path: Path) -> Part:
        need, wanted = self.need, pictures.size_of(self.need)
        picture = Picture(path.name, files.read_bytes(path, MAX_FILE), None)
        if wanted is not None and self.resize is None:
            picture.check_size(wanted, f"input '{need.name}' takes")
        pixels = picture.pixels(pictures.mode_of(need), wanted, self.resize)
        rows = pictures.rows(need, pixels[np.newaxis])
        return Part([str(path)], array_for(need, Column(path.name, rows, pixels=True)))

    def _rows(self, path: Path) -> Array:
        suffix = path.suffix.lower()
        if suffix in (".csv", ".parquet"):
            column = table.column_for(path, self.need, self.needs, self.columns, self.classes)
        elif suffix == ".npy":
            column = Column(path.name, archives.read_npy(path))
        elif path.suffix in archives.SUFFIXES:
            column = self._member(path)
        else:
            with files.open_regular(path):
                message = f"'{path.name}' is not a file of rows or images"
            raise FileError.of("unknown-format", message, help=f"give {KINDS}")
        return array_for(self.need, column)

    def _member(self, path: Path) -> Column:
        """The array called like the input, or else the only one."""
        arrays = archives.read_arrays(path)
        if self.need.name not in arrays and len(arrays) == 1:
            return Column(*next(iter(arrays.items())))
        if self.need.name not in arrays:
            raise _no_array(path, self.need, tuple(arrays))
        return Column(self.need.name, arrays[self.need.name])


def in_parts(name: str, rows: Array, more: Mapping[str, Array] | None = None) -> Iterator[Part]:
    """The rows in parts, each called by its number where there are several, or no name."""
    alone = name and len(rows) == 1
    names = [name if alone else f"{name}[{number}]" for number in range(len(rows))]
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        others = {key: array[part] for key, array in (more or {}).items()}
        yield Part(names[part], rows[part], others)


def _no_array(path: Path, need: InputSpec, found: tuple[str, ...]) -> FileError:
    help = f"its arrays are {listed(found)}" if found else "it has no arrays"
    return FileError.of("unknown-array", f"'{path.name}' has no array '{need.name}'", help=help)


def _pictures_in(folder: Path) -> list[Path]:
    """Images in a folder and in folders below it, in order; hidden ones do not count."""
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in pictures.SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not found:
        raise DataError.of("no-rows", f"the folder '{folder}' holds no images")
    return found
