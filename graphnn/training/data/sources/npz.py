"""Arrays that NumPy saved, read without pickle and without trust in the sizes declared."""

from __future__ import annotations

from graphnn.storage.archives import Npz, read_from
from graphnn.training.data.columns import Column
from graphnn.training.data.sources.compressed import opened
from graphnn.training.data.sources.source import Found, Request, Wanted, file_request, source, text


@source("npz")
def npz(request: Request) -> Found:
    """Arrays of an .npz file: ``NAME``, or ``{file: NAME, INPUT: ARRAY}``.

    An input that is not mentioned takes the array of its own name. Values are taken as they are.

    Raises
    ------
    DataError
        The values of the mapping make no sense.
    FileError
        The file is missing, lies outside the spec's folder, is not sound, or lacks an array; or
        an array is not of numbers or is too large.
    """
    request, asked = file_request(request, lambda name, value: text(value, f"array for '{name}'"))
    wanted = {
        name: Wanted(name, asked.file.span) if array is None else array
        for name, array in request.fed(asked.given).items()
    }
    with opened(request.folder, asked.file) as stream:
        archive = Npz(stream, asked.file.name, asked.file.span)
        columns = request.faults.each(
            wanted,
            lambda _, w: Column(w.name, read_from(archive, [w.name], w.span)[w.name], w.span),
        )
    return Found(asked.file.name, columns)
