"""The built-in digits."""

from __future__ import annotations

from importlib import resources

import numpy as np

from graphnn.ops import Array
from graphnn.storage.archives import Npz
from graphnn.training.data.columns import Column
from graphnn.training.data.source import Asked, DataSource, Feed, Found, Key, Request

TRAIN_ROWS = 8000
_ALIKE = 0.5  # of the pairs are of one digit


class Mnist(DataSource):
    """10,000 digits of MNIST that come with graphnn: ``{INPUT: images, INPUT: labels}``.

    Rows 0 to 7999 are for training and rows 8000 to 9999 for testing, always. Images are 28x28
    grey levels, 0 to 1 for a float input; labels are 0 to 9. For networks of pairs, `partners` are
    a second image a row, of the same part, and `alike` is 1 where both show the same digit, as half
    of the pairs do, and else 0.
    """

    name = "mnist"
    feed = Key("array", "What feeds the input.", choices=("images", "labels", "partners", "alike"))
    needs_every_input = True

    def read(self, request: Request, asked: Asked) -> Found:
        """Arrays of the archive that lies beside this package, or made of its arrays."""
        packaged = resources.files("graphnn.training.data").joinpath("mnist10k.npz")
        with packaged.open("rb") as stream:
            archive = Npz(stream, "mnist10k.npz", request.value.span)

            def column(_: str, feed: Feed) -> Column:
                (array,) = feed.names
                if array.name in ("images", "labels"):
                    values = archive.read(array.name, array.span)
                else:
                    labels = archive.read("labels", array.span)
                    partners = _partners(labels)
                    if array.name == "alike":
                        values = (labels[partners] == labels).astype(float)
                    else:
                        values = archive.read("images", array.span)[partners]
                pixels = array.name in ("images", "partners")
                return Column(array.name, values, array.span, pixels=pixels)

            return Found("mnist", request.faults.each(asked.feeds, column), TRAIN_ROWS)


def _partners(labels: Array) -> Array:
    """For each row another one of its part, the same in every process."""
    rng = np.random.default_rng(0)
    partners = np.arange(len(labels))
    for part in (partners[:TRAIN_ROWS], partners[TRAIN_ROWS:]):
        rows = part.copy()
        alike = rng.random(len(rows)) < _ALIKE
        for digit in range(10):
            own = labels[rows] == digit
            same = np.flatnonzero(own & alike)
            # A step around the rows of the digit, never a whole one, leads to another row.
            every, places = rows[own], np.flatnonzero(own)
            steps = rng.integers(1, len(every), len(same))
            part[same] = every[(np.searchsorted(places, same) + steps) % len(every)]
            others = np.flatnonzero(own & ~alike)
            part[others] = rng.choice(rows[~own], len(others))
    return partners
