"""Arrays that NumPy saved, read without pickle and without trust in the sizes declared."""

from __future__ import annotations

from graphnn.storage.archives import Npz, read_from
from graphnn.training.data.columns import Column
from graphnn.training.data.compressed import opened
from graphnn.training.data.source import Asked, DataSource, Feed, Found, Key, Request, Wanted


class NpzArrays(DataSource):
    """Arrays of an .npz file: ``NAME``, or ``{file: NAME, INPUT: ARRAY}``.

    An input that is not mentioned takes the array of its name. Values are taken as they are.
    """

    name = "npz"
    keys = (Key("file", "An .npz file in the folder of the spec.", is_file=True),)
    feed = Key("array", "The name of an array in the file.")
    elsewhere = ("numpy", "npy", "arrays")

    def read(self, request: Request, asked: Asked) -> Found:
        """One array an input.

        Raises
        ------
        FileError
            The file is missing, lies outside the spec's folder, is not sound, or lacks an array; or
            an array is not of numbers or is too large.
        """
        file = asked.one("file")
        with opened(request.folder, file) as stream:
            archive = Npz(stream, file.name, file.span)

            def column(name: str, feed: Feed | None) -> Column:
                wanted = Wanted(name, file.span) if feed is None else feed.names[0]
                values = read_from(archive, [wanted.name], wanted.span)[wanted.name]
                return Column(wanted.name, values, wanted.span)

            return Found(file.name, request.faults.each(request.fed(asked.feeds), column))
