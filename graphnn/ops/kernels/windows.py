"""Windows that slide along axes: their attributes, their places, how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, product
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from graphnn.ops._arrays import Array, ArrayError, ShapeError
from graphnn.ops._sizes import number_or_size
from graphnn.spec import sizes
from graphnn.spec.sizes import Size

SAME: Literal["same"] = "same"
RANKS = range(1, 4)  # axes that windows slide along
_AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_ENDS = {
    1: "[before, after]",
    2: "[top, bottom, left, right]",
    3: "[front, back, top, bottom, left, right]",
}
_NONE = "write 0, for no padding"
# What other libraries have for padding in words, with what to write for it.
ALL_WORDS = {"padding": {"same": "write same, in small letters", "valid": _NONE}}
WORDS = {"padding": {"same": "write a number: only convolutions take 'same'", "valid": _NONE}}
Side = tuple[int, int]  # entries before and after an axis


def axes(rank: int) -> tuple[str, ...]:
    """Names of the axes that windows slide along."""
    return _AXES[rank]


def _number(value: Any, info: ValidationInfo) -> Any:
    """`value`, the number that it names if it is a text."""
    value = number_or_size(value, info)
    if isinstance(value, sizes.Expression):
        context = {"name": min(sizes.free_names(value))}
        raise PydanticCustomError("number", "it must be a number, but '{name}' is free", context)
    return value


def several(value: Any, count: int, form: str) -> Any:
    """One number `count` times, and a list of `count` numbers as a tuple."""
    if not isinstance(value, list | tuple):
        return (value,) * count
    if len(value) != count:
        problem = "it takes one number or {form}, not {given} numbers"
        raise PydanticCustomError("several", problem, {"form": form, "given": len(value)})
    return tuple(value)


def form(rank: int, *, sided: bool = False) -> str:
    """The lists that an attribute takes for windows along `rank` axes, as text.

    Parameters
    ----------
    rank : int
    sided : bool
        Whether it may have two numbers an axis.
    """
    plain = f"[{', '.join(_AXES[rank])}]"
    return f"{plain} or {_ENDS[rank]}" if sided else plain


def per_axis(value: Any, rank: int, *, sided: bool = False) -> Any:
    """A number an axis; `sided`, two where those before an axis and after it differ."""
    if sided and isinstance(value, list | tuple) and len(value) == 2 * rank:
        alike = all(value[at] == value[at + 1] for at in range(0, 2 * rank, 2))
        return tuple(value[::2] if alike else value)
    return several(value, rank, form(rank, sided=sided))


def sides(padding: Sequence[int], rank: int) -> list[Side]:
    """Padding before and after each axis, from what `per_axis` gives."""
    ends = padding if len(padding) == 2 * rank else [*chain(*zip(padding, padding, strict=True))]
    return [*zip(ends[::2], ends[1::2], strict=True)]


def _schema(least: int, most: int = 0) -> WithJsonSchema:
    number = [{"type": "integer", "minimum": least}, {"type": "string"}]
    listed = {"type": "array", "items": {"anyOf": number}, "minItems": 1, "maxItems": most}
    return WithJsonSchema({"anyOf": [*number, listed] if most else number})


_NUMBER = BeforeValidator(_number)
_EACH = Discriminator(lambda value: "each" if isinstance(value, list | tuple) else "one")
Count = Annotated[int, Field(ge=1, le=sizes.MAX_SIZE), _NUMBER, _schema(1)]
Amount = Annotated[int, Field(ge=0, le=sizes.MAX_SIZE), _NUMBER]
# A number an axis, of an op that is for so many axes.
Counts = Annotated[tuple[Count, ...], _schema(1, max(RANKS))]
Amounts = Annotated[tuple[Amount, ...], _schema(0, 2 * max(RANKS))]
# Chosen before either is tried, so that a fault is reported once.
Padding = Annotated[
    Annotated[Literal["same"], Tag(SAME)] | Annotated[Amounts, Tag("amounts")],
    Discriminator(lambda value: SAME if value == SAME else "amounts"),
]
# The same of an op for any number of axes, where one number may stand for all.
OpenCounts = Annotated[
    Annotated[Count, Tag("one")] | Annotated[tuple[Count, ...], Tag("each")],
    _EACH,
    _schema(1, max(RANKS)),
]
OpenAmounts = Annotated[
    Annotated[Amount, Tag("one")] | Annotated[tuple[Amount, ...], Tag("each")],
    _EACH,
    _schema(0, 2 * max(RANKS)),
]


def pairs(*ranges: Iterable[int]) -> list[tuple[int, ...]]:
    """One number of each range, in every way, the smallest first: choices of an attribute."""
    return sorted(product(*ranges), key=sum)


def paddings(size: Iterable[Size], spans: Iterable[int]) -> list[tuple[int, ...]]:
    """Paddings with which windows of these spans fit axes of these sizes, the smallest first."""
    least = (
        max(0, (span - (number if isinstance(number, int) else 1) + 1) // 2)
        for number, span in zip(size, spans, strict=True)
    )
    return pairs(*(range(low, low + 2) for low in least))


@dataclass(frozen=True, slots=True)
class Slide:
    """How windows slide along one axis.

    Attributes
    ----------
    axis : str
        Its name, for messages.
    kernel, stride, dilation : int
        Entries in a window, from one window to the next, from one entry of a window to the next.
    padding : int or None
        Entries of padding before the axis; None for as many as "same" takes, on both sides.
    after : int or None
        Entries of padding after it; None for as many as before.
    ceil : bool
        Whether a last window counts that begins in the axis or before, and ends beyond.
    """

    axis: str
    kernel: int
    stride: int
    dilation: int = 1
    padding: int | None = 0
    after: int | None = None
    ceil: bool = False

    @property
    def span(self) -> int:
        """Entries from the first of a window to its last."""
        return self.dilation * (self.kernel - 1) + 1

    def count(self, size: Size, error: type[ShapeError] | type[ArrayError] = ShapeError) -> Size:
        """How many windows an axis of `size` has.

        ``(size + 2 padding - span) // stride + 1``, where the quotient may be rounded up; for
        "same", size over stride, rounded up.

        Raises
        ------
        ShapeError or ArrayError
            Not one.

        References
        ----------
        V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
        arXiv:1603.07285, 2016, relationship 15.
        """
        if self.padding is None:
            return (size + self.stride - 1) // self.stride
        after = self.padding if self.after is None else self.after
        whole = size + self.padding + after
        if isinstance(whole, int) and whole < self.span:
            raise error(*self._misfit(size, whole))
        rest = whole - self.span
        if not self.ceil:
            return rest // self.stride + 1
        up = (rest + self.stride - 1) // self.stride + 1
        inside = size + self.padding + self.stride - 1
        most = inside // self.stride  # windows that begin before the end
        if isinstance(up, int) and isinstance(most, int):
            return min(up, most)
        if after + self.stride > self.span:
            problem = f"how many windows 'x' has along its {self.axis} {size} cannot be stated"
            raise error(problem, "x", "leave out 'ceil_mode'", "ceil_mode")
        return up

    def _misfit(self, size: Size, whole: int) -> tuple[str, str, str, str]:
        padded = f", {whole} with padding" if self.padding else ""
        needs = f"the kernel has {self.kernel}"
        if self.dilation > 1:
            needs = f"a kernel of {self.kernel} at dilation {self.dilation} spans {self.span}"
        count = (whole - self.span) // self.stride + 1
        return (
            f"'x' has {self.axis} {size}{padded}, but {needs}",
            "x",
            f"the result would have {self.axis} "
            f"({size} + {self._padded()} - {self.span}) // {self.stride} + 1 = {count}",
            "kernel",
        )

    def _padded(self) -> str:
        """The entries of padding, for messages."""
        even = self.after is None or self.after == self.padding
        return f"2*{self.padding}" if even else f"{self.padding} + {self.after}"

    def over(self, size: int) -> Track:
        """The windows on an axis of `size`.

        Raises
        ------
        ArrayError
            There is not one.
        """
        count = self.count(size, ArrayError)
        assert isinstance(count, int)
        before = self.padding
        if before is None:
            # The odd entry goes after, as in TensorFlow.
            before = max(0, (count - 1) * self.stride + self.span - size) // 2
        return Track(size, self.kernel, self.stride, self.dilation, before, count)


@dataclass(frozen=True, slots=True)
class Track:
    """Windows on one axis: entry i of window r is entry ``r stride + i dilation - before``.

    Attributes
    ----------
    size : int
        Entries of the axis. What windows read before and after them is padding.
    kernel, stride, dilation, before, count : int
    """

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    count: int

    @property
    def span(self) -> int:
        """Entries from the first of a window to its last."""
        return self.dilation * (self.kernel - 1) + 1

    def taps(self) -> Iterator[tuple[slice, slice]]:
        """For each entry of a window: the windows that have it, and where they have it."""
        for tap in range(self.kernel):
            yield inside(tap * self.dilation - self.before, self.stride, self.count, self.size)

    def entries(self, before: int, after: int) -> Array:
        """How many entries of each window lie in the axis with so much around it."""
        starts = np.arange(self.count) * self.stride - self.before
        places = starts[:, None] + self.dilation * np.arange(self.kernel)
        inside: Array = (places >= -before) & (places < self.size + after)
        return np.asarray(inside.sum(axis=1))

    @property
    def mirrored(self) -> Track:
        """For a stride of 1: the windows that entries are in, on an axis of windows."""
        before = self.span - 1 - self.before
        return Track(self.count, self.kernel, 1, self.dilation, before, self.size)

    @property
    def after(self) -> int:
        """Entries of padding that windows read after the axis."""
        return max(0, (self.count - 1) * self.stride + self.span - self.before - self.size)

    @property
    def overlaps(self) -> bool:
        """Whether an entry may be in several windows."""
        return self.stride < self.span

    @property
    def tiles(self) -> bool:
        """Whether every entry is in just one window, and no window reads padding."""
        alone = self.dilation == 1 and self.stride == self.kernel
        return alone and not self.before and self.size == self.count * self.stride

    @property
    def padded(self) -> bool:
        """Whether windows read padding."""
        return self.before > 0 or self.after > 0


Tracks = tuple[Track, ...]  # one an axis


def slides(
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int] | Literal["same"],
    ceil: bool = False,
) -> list[Slide]:
    """How windows slide along each axis; of `padding` two numbers an axis, or one for both."""
    rank = len(kernel)
    around: Sequence[tuple[int | None, int | None]] = [(None, None)] * rank
    if padding != SAME:
        around = sides(padding, rank)
    steps = zip(_AXES[rank], kernel, stride, dilation, around, strict=True)
    return [Slide(axis, k, s, d, *side, ceil) for axis, k, s, d, side in steps]


@lru_cache(maxsize=1024)
def tracks(
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: tuple[int, ...] | Literal["same"],
    ceil: bool,
    size: tuple[int, ...],
) -> Tracks:
    """The windows on axes of these sizes, for the same arguments as `slides`.

    Raises
    ------
    ArrayError
        There is not one along some axis.
    """
    pairs = zip(slides(kernel, stride, dilation, padding, ceil), size, strict=True)
    return tuple(slide.over(length) for slide, length in pairs)


def taps(tracks: Iterable[Track]) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """For each entry of a window: the windows that have it, and where they have it, by axis."""
    for pairs in product(*(track.taps() for track in tracks)):
        there, here = zip(*pairs, strict=True)
        yield there, here


def inside(start: int, step: int, count: int, size: int) -> tuple[slice, slice]:
    """Which of ``start, start + step, ...`` are entries of an axis of `size`.

    Returns
    -------
    slice
        Of the `count` numbers.
    slice
        Of the axis.
    """
    low = max(0, -(start // step))
    high = max(low, min(count, (size - 1 - start) // step + 1))
    if low == high:
        return slice(0, 0), slice(0, 0)
    return slice(low, high), slice(start + step * low, start + step * (high - 1) + 1, step)
