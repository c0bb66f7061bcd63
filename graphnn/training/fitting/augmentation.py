"""Augmentation: training images moved, turned, mirrored and made noisy, batch by batch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BeforeValidator, Field

from graphnn.diagnostics import Findings, Note, Span, TrainingError, suggestion
from graphnn.ops import Array
from graphnn.spec.training_records import AugmentSpec
from graphnn.training.data.columns import InputSpec, show_row
from graphnn.training.fitting import declared
from graphnn.training.fitting.declared import Declared, NotNegative

_AT_ONCE = 1 << 14  # pixels whose places are found together, so few that all stays in the cache
Flip = Literal["none", "horizontal", "vertical", "both"]


def _image(value: Any) -> Any:
    sizes = tuple(value) if isinstance(value, list | tuple) else ()
    if len(sizes) not in (2, 3) or not all(type(size) is int and size > 0 for size in sizes):
        raise ValueError("an image is [height, width] or [channels, height, width]")
    return sizes


class Augmentation(Declared):
    """How an image is changed at random; a change left out is not made.

    An image is mirrored first, then turned and resized about its middle, then shifted, and noise
    is added to the result. Every image draws for itself, its channels together; a shift is a
    whole number of pixels, angles and factors are any number, all with the same probability.

    References
    ----------
    P. Simard, D. Steinkraus and J. Platt, Best practices for convolutional neural networks applied
    to visual document analysis, ICDAR 2003.
    """

    family: ClassVar[str] = "augment"
    invalid_code = "bad-augment"
    registry: ClassVar[dict[str, Any]] = {}

    shift: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Most pixels that an image moves up or down, and left or right.",
    )
    rotate: float = Field(0.0, ge=0, le=180, description="Most degrees that it turns, either way.")
    zoom: float = Field(
        0.0, ge=0, lt=1, description="It grows or shrinks by a factor of `1 - zoom` to `1 + zoom`."
    )
    flip: Flip = Field(
        "none",
        description="`horizontal`: left and right change places in every second image; "
        "`vertical`: top and bottom; `both`: each for itself.",
    )
    noise: NotNegative = Field(
        0.0, description="Standard deviation of what is added, another number for each pixel."
    )
    fill: float = Field(0.0, allow_inf_nan=False, description="What comes in beyond the rim.")
    input: str | None = Field(
        None, description="The input that takes the images, where there are several."
    )
    image: Annotated[tuple[int, ...], BeforeValidator(_image)] | None = Field(
        None, description="`[height, width]` or `[channels, height, width]` of a flat row."
    )

    def __call__(self, images: ArrayLike, rng: np.random.Generator) -> Array:
        """Other images in place of `images`.

        Parameters
        ----------
        images : array_like of float, shape (rows, channels, height, width)
        rng : numpy.random.Generator

        Returns
        -------
        ndarray
            Of the same shape and type; `images` keep what they hold.
        """
        changed = np.array(images)
        rows = len(changed)
        if self.flip in ("horizontal", "both"):
            _mirror(changed, rng.random(rows) < 0.5, axis=3)
        if self.flip in ("vertical", "both"):
            _mirror(changed, rng.random(rows) < 0.5, axis=2)
        shifts = rng.integers(-self.shift, self.shift, (rows, 2), endpoint=True)
        if self.rotate or self.zoom:
            angles = rng.uniform(-self.rotate, self.rotate, rows)
            zooms = rng.uniform(1 - self.zoom, 1 + self.zoom, rows)
            changed = turned(changed, angles, zooms, shifts, fill=self.fill)
        elif self.shift:
            changed = shifted(changed, shifts, fill=self.fill)
        if self.noise:
            # The same numbers, whatever the type of the images.
            drawn = rng.standard_normal(changed.shape, np.float32)
            drawn *= self.noise
            changed += drawn
        return changed


@dataclass(frozen=True, slots=True)
class Augmenter:
    """An augmentation with the input of a network that it changes.

    Attributes
    ----------
    augmentation : Augmentation
    input : str
    dtype : dtype
        In which the network takes its images.
    """

    augmentation: Augmentation
    input: str
    dtype: np.dtype[Any]

    def __call__(self, batch: Mapping[str, Array], rng: np.random.Generator) -> dict[str, Array]:
        """`batch` with changed images."""
        rows = np.asarray(batch[self.input], self.dtype)
        found = self.augmentation(self.images(rows), rng)
        return {**batch, self.input: found.reshape(rows.shape)}

    def images(self, rows: Array) -> Array:
        """`rows` of the input as images [rows, channels, height, width]."""
        shape = self.augmentation.image or rows.shape[1:]
        return rows.reshape(len(rows), -1, *shape[-2:])


def _mirror(images: Array, which: NDArray[np.bool_], axis: int) -> None:
    images[which] = np.flip(images[which], axis)


def shifted(images: ArrayLike, shifts: ArrayLike, *, fill: float = 0.0) -> Array:
    """Images moved by whole pixels.

    Parameters
    ----------
    images : array_like, shape (rows, channels, height, width)
    shifts : array_like of int, shape (rows, 2)
        Pixels down and to the right; negative ones up and to the left.
    fill : float
        What comes in.

    Returns
    -------
    ndarray
        ``result[n, c, i, j] = images[n, c, i - down, j - right]``.
    """
    images = np.asarray(images)
    height, width = images.shape[2:]
    # What leaves an image for good need not be carried further.
    shifts = np.clip(shifts, (-height, -width), (height, width))
    most = int(np.abs(shifts).max(initial=0))
    padded = _padded(images, (most, most), fill)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(2, 3))
    down, right = most - shifts.T
    found: Array = windows[np.arange(len(images)), :, down, right]
    return found


def turned(
    images: ArrayLike, angles: ArrayLike, zooms: ArrayLike, shifts: ArrayLike, *, fill: float = 0.0
) -> Array:
    """Images turned and resized about their middles, then moved, all by one interpolation.

    Parameters
    ----------
    images : array_like of float, shape (rows, channels, height, width)
    angles : array_like, shape (rows,)
        Degrees, against the clock.
    zooms : array_like, shape (rows,)
        Factors above 0.
    shifts : array_like, shape (rows, 2)
        Pixels, not always whole, down and to the right.
    fill : float
        What lies around an image.

    Returns
    -------
    ndarray
        Of the same shape and type. An entry is interpolated between the four pixels around the
        place that it comes from, each weighted by how near it is in height and width.
    """
    images = np.asarray(images)
    angles, zooms, shifts = np.asarray(angles), np.asarray(zooms), np.asarray(shifts)
    found = np.empty_like(images)
    count = max(1, _AT_ONCE // math.prod(images.shape[2:]))
    for start in range(0, len(images), count):
        rows = slice(start, start + count)
        _turn(images[rows], angles[rows], zooms[rows], shifts[rows], fill, found[rows])
    return found


def _turn(
    images: Array, angles: Array, zooms: Array, shifts: Array, fill: float, out: Array
) -> None:
    rows, channels, height, width = images.shape
    down, right = _sources(images, angles, zooms, shifts)
    # Places outside lie in a frame of `fill`, one pixel before an image and two behind it.
    padded = np.moveaxis(_padded(images, (1, 2), fill), 1, 0)
    padded = np.ascontiguousarray(padded).reshape(channels, -1)
    top, left = (np.floor(places).astype(np.intp) for places in (down, right))
    down -= top
    right -= left
    line = width + 3
    first = (np.arange(rows) * (height + 3))[:, np.newaxis, np.newaxis]
    places = (first + top + 1) * line + left + 1
    for channel, flat in enumerate(padded):
        upper = _between(flat.take(places), flat[1:].take(places), right)
        lower = _between(flat[line:].take(places), flat[line + 1 :].take(places), right)
        out[:, channel] = _between(upper, lower, down)


def _sources(images: Array, angles: Array, zooms: Array, shifts: Array) -> tuple[Array, Array]:
    """Where every entry comes from: rows and columns, [rows, height, width], in a frame of one."""
    height, width = images.shape[2:]
    turn = np.deg2rad(angles)
    cosine, sine = np.cos(turn) / zooms, np.sin(turn) / zooms
    middle = (height - 1) / 2, (width - 1) / 2
    i = np.arange(height) - middle[0] - shifts[:, :1]
    j = np.arange(width) - middle[1] - shifts[:, 1:]

    def places(of_i: Array, of_j: Array, middle: float, size: int) -> Array:
        rows = (of_i[:, np.newaxis] * i + middle).astype(images.dtype)
        found: Array = (
            rows[:, :, np.newaxis] + (of_j[:, np.newaxis] * j).astype(images.dtype)[:, np.newaxis]
        )
        return np.clip(found, -1, size, out=found)

    down = places(cosine, sine, middle[0], height)
    return down, places(-sine, cosine, middle[1], width)


def _padded(images: Array, frame: tuple[int, int], fill: float) -> Array:
    """`images` with rows and columns of `fill`, so many before and behind."""
    before, behind = frame
    height, width = images.shape[2:]
    more = before + behind
    padded = np.full((*images.shape[:2], height + more, width + more), fill, images.dtype)
    padded[:, :, before : before + height, before : before + width] = images
    return padded


def _between(first: Array, second: Array, share: Array) -> Array:
    """``first + (second - first) * share``, in the memory of `second`."""
    second -= first
    second *= share
    second += first
    return second


def read(spec: AugmentSpec | None) -> Augmentation | None:
    """What a spec asks for.

    Raises
    ------
    TrainingError
        With every fault of the options.
    """
    if spec is None:
        return None
    findings = Findings()
    found = declared.read(Augmentation, "'augment'", spec.key, spec.options, findings)
    findings.raise_errors(TrainingError)
    return found


def find(spec: AugmentSpec | None, inputs: Mapping[str, InputSpec]) -> Augmenter | None:
    """What a spec asks for, with the one of `inputs` that it changes.

    Raises
    ------
    TrainingError
        As `read`; or no input, or more than one, takes such images.
    """
    found = read(spec)
    if spec is None or found is None:
        return None
    need = _input(found, spec, inputs)
    _check_shift(found, need, spec)
    return Augmenter(found, need.name, need.array_dtype)


def _input(found: Augmentation, spec: AugmentSpec, inputs: Mapping[str, InputSpec]) -> InputSpec:
    """The input that takes the images, or an error that says why there is none."""
    place = spec.key.span or spec.options.span
    if not inputs:
        message = "the network trains without data, so without images"
        raise TrainingError.of("no-images", message, place)
    if found.input is not None and found.input not in inputs:
        message = f"'input' of 'augment' names '{found.input}', which takes no data"
        help = suggestion(found.input, inputs, f"data feed {', '.join(inputs) or 'nothing'}")
        raise TrainingError.of("no-images", message, _place(spec, "input"), help=help)
    asked = [need for need in inputs.values() if found.input in (None, need.name)]
    fitting = [need for need in asked if _takes_images(need, found.image)]
    if len(fitting) > 1:
        names = ", ".join(f"'{need.name}'" for need in fitting)
        help = f"say which, such as input: {fitting[0].name}"
        message = f"'augment' could mean any of {names}"
        raise TrainingError.of("no-images", message, place, help=help)
    if not fitting:
        raise _none_fits(found, spec, asked)
    return fitting[0]


def _none_fits(found: Augmentation, spec: AugmentSpec, asked: list[InputSpec]) -> TrainingError:
    """The error that none of the inputs `asked` takes such images."""
    key = "image" if found.image else "input" if found.input else None
    place = _place(spec, key) if key else spec.key.span or spec.options.span
    what = f"images of {show_row(found.image)} values" if found.image else "images"
    subject = "no input takes" if found.input is None else f"'{found.input}' does not take"
    notes = tuple(Note(f"'{need.name}' takes {_rows(need)}") for need in asked)
    return TrainingError.of(
        "no-images", f"{subject} {what}", place, notes=notes, help=_help(found, asked)
    )


def _place(spec: AugmentSpec, key: str) -> Span | None:
    return spec.options.entries[key].value.span


def _check_shift(found: Augmentation, need: InputSpec, spec: AugmentSpec) -> None:
    sizes = [size for size in (found.image or need.row)[-2:] if size is not None]
    if found.shift and found.shift >= min(sizes, default=found.shift + 1):
        message = f"a shift of {found.shift} may leave nothing of an image of '{need.name}'"
        help = f"its rows are {show_row(found.image or need.row)} values"
        place = _place(spec, "shift")
        raise TrainingError.of("bad-augment", message, place, help=help)


def _takes_images(need: InputSpec, image: tuple[int, ...] | None) -> bool:
    if need.dtype == "int":
        return False
    return len(need.row) in (2, 3) if image is None else need.width == math.prod(image)


def _rows(need: InputSpec) -> str:
    return "whole numbers" if need.dtype == "int" else f"{show_row(need.row)} values a row"


def _help(found: Augmentation, asked: list[InputSpec]) -> str:
    """How a flat row of a square number of values is said to be an image."""
    widths = [need.width for need in asked if need.dtype != "int" and need.width is not None]
    sides = [math.isqrt(width) for width in widths if math.isqrt(width) ** 2 == width > 1]
    if found.image is not None or not sides:
        return "an image is a row of shape [height, width] or [channels, height, width]"
    return f"say that its rows are images, by image: [{sides[0]}, {sides[0]}]"
