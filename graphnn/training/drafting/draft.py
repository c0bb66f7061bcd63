"""The text of a spec that learns from given data."""

from __future__ import annotations

from pathlib import Path

from graphnn.diagnostics import UsageError, printable
from graphnn.spec import to_yaml
from graphnn.spec.values import Map, located
from graphnn.storage import files
from graphnn.training.data.source import Wanted
from graphnn.training.data.sources.folder import image_tree
from graphnn.training.data.sources.table import open_table
from graphnn.training.drafting.images import draft_images
from graphnn.training.drafting.table import draft_table


def draft(
    data: str | Path, *, target: str | None = None, name: str = "", folder: str | Path = "."
) -> str:
    """A spec that learns from a table or a folder of images, to start from.

    Of a table, columns of numbers are standardized, missing ones imputed, and columns of few texts
    one-hot. A target of texts or of at most 10 whole numbers is one of classes, another one a
    number. Images are classified by convolutions; larger ones are reduced to 32 by 32.

    Parameters
    ----------
    data : str or Path
        A .csv file, plain or gzip, a .parquet file, or a folder with a folder of images for each
        class.
    target : str, optional
        The column to predict; left out, the last one.
    name : str
        Of the network.
    folder : str or Path
        Where the spec is to stand; the data lie in it or below.

    Returns
    -------
    str
        YAML, formatted and commented.

    Raises
    ------
    DataError, FileError
        The data cannot be read, lie outside `folder`, or hold nothing to learn.
    UsageError
        There is no such column, or images have no columns.
    """
    for text in (target, name):
        if not isinstance(text, str | None):
            raise UsageError.of("bad-option", f"a name is text, not {text!r}")
    folder, data = files.as_path(folder), files.as_path(data)
    inside = _within(folder, data)
    wanted = Wanted(inside, None)
    if data.is_dir():
        if target is not None:
            message = "a folder of images has no columns: its folders are the classes"
            raise UsageError.of("bad-option", message)
        remarks, body = draft_images(image_tree(folder, wanted), inside)
    else:
        remarks, body = draft_table(open_table(folder, wanted, str(data)), inside, target)
    document = {"graphnn": 1} | ({"name": printable(name)} if name else {}) | body
    value = located(document)
    assert isinstance(value, Map)
    comments = "".join(f"# {printable(remark)}\n" for remark in remarks)
    return f"{comments}{to_yaml(value)}"


def _within(folder: Path, data: Path) -> str:
    """The name of the data from the folder, as a spec has it; outside it the whole path."""
    try:
        return data.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return data.resolve().as_posix()
