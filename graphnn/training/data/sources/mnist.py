"""The built-in digits."""

from __future__ import annotations

from importlib import resources

from graphnn.storage.archives import Npz
from graphnn.training.data.columns import Column
from graphnn.training.data.source import Asked, DataSource, Feed, Found, Key, Request

TRAIN_ROWS = 8000


class Mnist(DataSource):
    """10,000 digits of MNIST that come with graphnn: ``{INPUT: images, INPUT: labels}``.

    Rows 0 to 7999 are for training and rows 8000 to 9999 for testing, always. Images are 28x28
    grey levels, 0 to 1 for a float input; labels are 0 to 9.
    """

    name = "mnist"
    feed = Key("array", "What feeds the input.", choices=("images", "labels"))
    needs_every_input = True

    def read(self, request: Request, asked: Asked) -> Found:
        """Images and labels from the archive that lies beside this package."""
        packaged = resources.files("graphnn.training.data").joinpath("mnist10k.npz")
        with packaged.open("rb") as stream:
            archive = Npz(stream, "mnist10k.npz", request.value.span)

            def column(_: str, feed: Feed) -> Column:
                (array,) = feed.names
                values = archive.read(array.name, array.span)
                return Column(array.name, values, array.span, pixels=array.name == "images")

            return Found("mnist", request.faults.each(asked.feeds, column), TRAIN_ROWS)
