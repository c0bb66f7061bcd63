"""A folder of images, with a folder for each class in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import cast

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import (
    FAULTY,
    DataError,
    Diagnostic,
    Faulty,
    FileError,
    Findings,
    Span,
    listed,
)
from graphnn.ops import Array
from graphnn.spec.values import Map, Value
from graphnn.storage import files
from graphnn.storage.archives import LIMIT
from graphnn.storage.files import MEBIBYTE, show_bytes
from graphnn.training.data import pictures
from graphnn.training.data.classes import in_order, numbered
from graphnn.training.data.columns import Column, InputSpec
from graphnn.training.data.faults import AlikeFaults, Faults
from graphnn.training.data.pictures import Picture, Resize
from graphnn.training.data.source import Asked, DataSource, Feed, Found, Key, Request, Wanted

MAX_FILES = 1_000_000
MAX_FILE = 64 * MEBIBYTE
_MAX_FAULTS = 10
_LEFT_BY_SYSTEMS = (".ds_store", "__macosx", "desktop.ini", "thumbs.db")


@dataclass(frozen=True, slots=True)
class ImageTree:
    """What lies in the folder: names of the files of each class, by class in order."""

    base: Path
    wanted: Wanted
    classes: Mapping[str, list[str]]
    skipped: list[str]

    def __len__(self) -> int:
        return sum(map(len, self.classes.values()))

    def contents(self, findings: Findings) -> Iterator[tuple[int, str, bytes]]:
        """Row, name and content of each file; faults of files go to `findings`."""
        names = [f"{kind}/{name}" for kind, each in self.classes.items() for name in each]
        for row, name in enumerate(names):
            name = str(PurePosixPath(self.wanted.name) / name)
            if len(findings.errors) >= _MAX_FAULTS:
                return
            with findings.catching(FileError):
                path = files.within(self.base, name, self.wanted.span)
                yield row, name, files.read_bytes(path, MAX_FILE, self.wanted.span)


class ImageFolder(DataSource):
    """A folder of images in folders of their classes: ``NAME``, or what feeds which input.

    ``{path: NAME, INPUT: images, INPUT: labels}``; of inputs not mentioned, those of dtype int
    take the labels and others the images. Classes are numbered in the order of their names, by
    value where all are whole numbers. Images are PNG, JPEG, WebP or BMP files, photographs upright
    as their Exif data say, all of one size unless ``resize`` is ``stretch`` or ``crop``; in RGB for
    inputs of shape ``[batch, 3, height, width]``, else grey, and 0 to 1 for a float input.
    """

    name = "folder"
    keys = (
        Key("path", "A folder in the folder of the spec.", is_file=True),
        Key(
            "resize",
            "Give images of other sizes that of the input: 'stretch' all of it, or 'crop' it.",
            choices=pictures.RESIZES,
            optional=True,
        ),
    )
    feed = Key("array", "What feeds the input.", choices=("images", "labels"))
    elsewhere = ("images", "imagefolder", "image_folder", "directory", "png")

    def read(self, request: Request, asked: Asked) -> Found:
        """Images and labels of every file.

        Raises
        ------
        DataError
            A file is not an image, is damaged or of another size; there are no classes, or unknown
            ones; all images would take more than 2 GiB.
        FileError
            The folder or a file is missing, outside the spec's folder, or not a regular file.
        """
        path = asked.one("path")
        files.within(request.folder, path.name, path.span)
        wanted = Wanted(str(PurePosixPath(path.name)), path.span)
        tree = image_tree(request.folder, wanted)
        resize = cast(Resize | None, asked.choice("resize"))
        read: dict[tuple[int | None, ...], NDArray[np.uint8]] = {}
        columns: dict[str, Column] = {}
        for name, feed in request.fed(asked.feeds).items():
            need = request.needs.get(name, FAULTY)
            with request.faults.kept():
                if _takes_labels(need, feed):
                    columns[name] = _labels(tree, name, request.classes)
                elif need is not FAULTY:
                    if need.row not in read:
                        read[need.row] = _images(tree, need, resize)
                    columns[name] = Column(wanted.name, read[need.row], wanted.span, pixels=True)
        return Found(wanted.name, columns, warnings=_skipped(tree))

    def resize(self, value: Value | None) -> Resize | None:
        """How images get the size of the input, by what a spec has under ``folder``.

        Raises
        ------
        DataError
            It is not one of the choices.
        """
        if not isinstance(value, Map) or "resize" not in value:
            return None
        key = next(key for key in self.keys if key.name == "resize")
        return cast(Resize, self._key(key, value.entries[key.name].value).names[0].name)


def resize_of(data: Map | None) -> Resize | None:
    """How the training data of a spec give images the size of the input; see `ImageFolder`."""
    return ImageFolder().resize(None if data is None else data.get(ImageFolder.name))


def _takes_labels(need: InputSpec | Faulty, feed: Feed | None) -> bool:
    """Whether labels feed an input: as the spec says, or else by its type."""
    if feed is not None:
        return feed.names[0].name == "labels"
    return need is not FAULTY and need.dtype == "int"


def _skipped(tree: ImageTree) -> tuple[Diagnostic, ...]:
    """A warning of the files that systems leave in folders, if there are any."""
    if not tree.skipped:
        return ()
    message = f"system files in '{tree.wanted.name}' are skipped: {listed(tree.skipped)}"
    help = "delete them, or write allow: skipped-files"
    place = tree.wanted.span
    return (Diagnostic("skipped-files", message, place, help=help, severity="warning"),)


def image_tree(base: Path, wanted: Wanted) -> ImageTree:
    """Look into the folder and into those of its classes."""
    skipped: list[str] = []
    folders = _entries(base, wanted, wanted.name, skipped)
    kinds = [entry.name for entry in folders if entry.is_dir()]
    if not kinds:
        problem = f"'{wanted.name}' holds no folder that could be a class"
        help = "put the images of each class into a separate folder"
        raise DataError.of("no-classes", problem, wanted.span, help=help)
    findings = Findings()
    classes = {}
    count = 0
    for kind in in_order(kinds):
        where = str(PurePosixPath(wanted.name) / kind)
        classes[kind] = sorted(entry.name for entry in _entries(base, wanted, where, skipped))
        count += len(classes[kind])
        _check_names(where, classes[kind], wanted.span, findings)
        if count > MAX_FILES:
            message = f"'{wanted.name}' holds more than {MAX_FILES:,} files"
            raise DataError.of("data-too-large", message, wanted.span)
    findings.raise_errors(DataError)
    return ImageTree(base, wanted, classes, sorted(skipped))


def _entries(base: Path, wanted: Wanted, name: str, skipped: list[str]) -> list[Path]:
    """What lies in a folder, but for hidden things and what systems leave there."""
    path, span = files.within(base, name, wanted.span), wanted.span
    try:
        entries = list(path.iterdir())
    except NotADirectoryError:
        raise FileError.of("not-a-folder", f"'{path}' is not a folder", span) from None
    except FileNotFoundError:
        raise FileError.of("no-such-folder", f"there is no folder '{path}'", span) from None
    except OSError as error:
        message = f"'{path}' cannot be read: {error.strerror or error}"
        raise FileError.of("unreadable-folder", message, span) from None
    left = [entry for entry in entries if entry.name.lower() in _LEFT_BY_SYSTEMS]
    skipped += [str(PurePosixPath(name) / entry.name) for entry in left]
    return [e for e in entries if e not in left and not e.name.startswith(".")]


def _check_names(where: str, names: list[str], span: Span | None, findings: Findings) -> None:
    if not names:
        findings.error("no-rows", f"the class '{where}' holds no images", span)
    for name in names:
        if not name.lower().endswith(pictures.SUFFIXES) and len(findings.errors) < _MAX_FAULTS:
            help = f"leave nothing but {pictures.KINDS} images in the folder of a class"
            message = f"the name '{where}/{name}' is not that of an image"
            findings.error("not-an-image", message, span, help=help)


def _labels(tree: ImageTree, name: str, known: Mapping[str, tuple[str, ...]] | None) -> Column:
    kinds, span = tuple(tree.classes), tree.wanted.span
    classes = kinds if known is None else known.get(name, ())
    counts = [len(each) for each in tree.classes.values()]
    values = np.repeat(numbered(kinds, classes, name, lambda _: span), counts)
    return Column(tree.wanted.name, values, span, classes=classes)


def _images(tree: ImageTree, need: InputSpec, resize: Resize | None) -> NDArray[np.uint8]:
    """All images, [rows, channels, height, width] if the input has such rows, else without axis."""
    mode = pictures.mode_of(need)
    size, taker = pictures.size_of(need), f"input '{need.name}' takes"
    array: Array | None = None
    findings, alike = Findings(), AlikeFaults("file")
    for row, name, content in tree.contents(findings):
        try:
            picture = Picture(name, content, tree.wanted.span)
            if size is None:
                size, taker = picture.size, f"'{name}' has"
            if resize is None:
                picture.check_size(size, taker)
            if array is None:
                array = _room(tree, (len(tree), *size, *((3,) if mode == "RGB" else ())))
            array[row] = picture.pixels(mode, size, resize)
        except DataError as error:
            for fault in error.diagnostics:
                kind = fault.message.replace(name, ""), fault.help
                alike.add(kind, f"'{name}'", fault)
            if alike.full or error.diagnostics[0].code == "data-too-large":
                break
    faults = Faults()
    faults.keep(findings)
    faults.keep(alike.findings)
    faults.raise_all()
    assert array is not None
    return pictures.rows(need, array)


def _room(tree: ImageTree, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    count = math.prod(shape)
    if count > LIMIT:
        taken = f"{show_bytes(count)} of memory, more than {show_bytes(LIMIT)}"
        message = f"the {len(tree):,} images of '{tree.wanted.name}' would take {taken}"
        raise DataError.of("data-too-large", message, tree.wanted.span)
    return np.empty(shape, np.uint8)
