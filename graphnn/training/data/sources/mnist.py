"""The built-in digits."""

from __future__ import annotations

from importlib import resources

from graphnn.diagnostics import suggestion
from graphnn.spec.values import Mapping as Located
from graphnn.storage.archives import Npz
from graphnn.training.data.columns import Column
from graphnn.training.data.faults import refuse
from graphnn.training.data.sources.source import (
    Found,
    Request,
    Wanted,
    by_input,
    demand_all,
    source,
    text,
)

TRAIN_ROWS = 8000
_ARRAYS = ("images", "labels")


@source("mnist")
def mnist(request: Request) -> Found:
    """10,000 digits of MNIST that come with graphnn: ``{INPUT: images, INPUT: labels}``.

    Rows 0 to 7999 are for training and rows 8000 to 9999 for testing, always. Images are 28x28
    grey levels, 0 to 1 for a float input; labels are 0 to 9.

    Raises
    ------
    DataError
        An input is unknown or not fed, or the set has no array of the name given.
    """
    if not isinstance(request.value, Located):
        raise refuse(
            "wrong-type",
            f"'mnist' must say what feeds each input, not be {request.value.kind}",
            request.value.span,
            help="write `mnist: {INPUT: images, INPUT: labels}`",
        )
    request, given = by_input(request, request.value)
    demand_all(request, given)
    wanted = request.faults.each(
        given, lambda name, value: _known(text(value, f"array for '{name}'"))
    )
    packaged = resources.files("graphnn.training.data").joinpath("mnist10k.npz")
    with packaged.open("rb") as stream:
        archive = Npz(stream, "mnist10k.npz", request.value.span)
        columns = {
            name: Column(w.name, archive.read(w.name, w.span), w.span, pixels=w.name == "images")
            for name, w in wanted.items()
        }
    return Found("mnist", columns, TRAIN_ROWS)


def _known(wanted: Wanted) -> Wanted:
    if wanted.name not in _ARRAYS:
        raise refuse(
            "unknown-array",
            f"'mnist' has no array '{wanted.name}'",
            wanted.span,
            help=suggestion(wanted.name, _ARRAYS, "its arrays are images and labels"),
        )
    return wanted
