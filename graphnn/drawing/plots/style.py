"""The one look of all plots, the text they may show, and how they are saved."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphnn.diagnostics import DrawingError, needing, printable
from graphnn.drawing._formats import format_of
from graphnn.storage.files import as_path, write_whole

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")

# Okabe & Ito (2008), "Color Universal Design": distinguishable by colour-blind readers too
BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
ORANGE = "#E69F00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
INK = "#222222"
GREY = "#767676"  # the lightest grey that reads well on white (WCAG contrast 4.5)
PALE = "#D9D9D9"

TITLE_SIZE = 11.0  # points
TEXT_SIZE = 9.0
SMALL_SIZE = 8.0

_DPI = 200
_NOTEBOOK_DPI = 100
_MAX_SIDE = 32_000  # pixels; Agg draws no more than 65,535
_FEW_DECADES = 4  # on a shorter logarithmic axis the steps between decades are marked too
_MISSING = "\N{REPLACEMENT CHARACTER}"
# tried for what DejaVu Sans, which comes with matplotlib, has no glyph of
_FALLBACKS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Noto Sans SC",
    "Hiragino Sans",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "WenQuanYi Zen Hei",
    "IPAGothic",
    "Segoe UI Emoji",
    "Noto Emoji",
)


def _settings() -> dict[str, Any]:
    return {
        "figure.facecolor": "white",
        "figure.dpi": 100,
        "savefig.dpi": _DPI,
        "savefig.facecolor": "white",
        "font.family": list(_families()),
        "font.size": TEXT_SIZE,
        "text.color": INK,
        "text.usetex": False,
        "text.parse_math": False,  # a "$" in a user's label is a dollar
        "axes.facecolor": "white",
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.labelsize": TEXT_SIZE,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": TITLE_SIZE,
        "axes.titlelocation": "left",
        "axes.titleweight": "normal",
        "axes.titlepad": 8.0,
        "axes.unicode_minus": True,
        "axes.axisbelow": True,
        "figure.constrained_layout.h_pad": 0.1,
        "figure.constrained_layout.w_pad": 0.1,
        "figure.titlesize": TITLE_SIZE,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.labelsize": SMALL_SIZE,
        "ytick.labelsize": SMALL_SIZE,
        "xtick.direction": "out",
        "ytick.direction": "out",
        "xtick.major.size": 3.0,
        "ytick.major.size": 3.0,
        "xtick.minor.size": 1.5,
        "ytick.minor.size": 1.5,
        "grid.color": "#EBEBEB",
        "grid.linewidth": 0.7,
        "lines.linewidth": 1.6,
        "legend.frameon": False,
        "legend.fontsize": SMALL_SIZE,
        "legend.handlelength": 1.8,
        "pdf.fonttype": 42,  # journals turn away matplotlib's default, Type 3
        "svg.fonttype": "path",  # looks the same where the font is missing
        "svg.hashsalt": "graphnn",  # the same picture is the same file
    }


@contextmanager
def styled() -> Iterator[None]:
    """Everything plotted inside has the common look; what was set before is put back.

    Raises
    ------
    DrawingError
        matplotlib is not installed.
    """
    with needing(DrawingError, "no-matplotlib", "plots need matplotlib", "plot"):
        import matplotlib.style
    with matplotlib.rc_context():
        matplotlib.style.use(["default", _settings()])
        yield


def new_figure(width: float, height: float, **options: Any) -> Figure:
    """Return an empty figure of this size in inches, without a window and unknown to pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = _figure_class()(figsize=(width, height), **options)
    FigureCanvasAgg(figure)
    return figure


@cache
def _figure_class() -> type[Figure]:
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        """A figure that Jupyter shows, which matplotlib's own needs pyplot for."""

        def _repr_png_(self) -> bytes:
            content = io.BytesIO()
            with styled():
                self.savefig(content, format="png", dpi=_NOTEBOOK_DPI)
            return content.getvalue()

    return NotebookFigure


def finish(figure: Figure, path: str | Path | None) -> Figure:
    """Save `figure` to `path`, if one is given, whole or not at all; return it.

    Raises
    ------
    DrawingError
        The suffix names no format of a plot.
    FileError
        The file cannot be written.
    """
    if path is None:
        return figure
    path = as_path(path)
    format = format_of(path, FORMATS)
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    content = io.BytesIO()
    dpi = min(_DPI, _MAX_SIDE / max(figure.get_size_inches()))
    figure.savefig(content, format=format, dpi=dpi, metadata=dates.get(format))
    write_whole(path, lambda stream: stream.write(content.getbuffer()))
    return figure


def check_path(path: str | Path | None) -> None:
    """Raise `DrawingError` when `path` names no format of a plot, before any work is done."""
    if path is not None:
        format_of(as_path(path), FORMATS)


def shown(text: object) -> str:
    """`text` as a plot can show it: what no installed font has becomes one plain sign."""
    lines = (printable(line) for line in str(text).split("\n"))
    return "\n".join("".join(c if _has_glyph(c) else _MISSING for c in line) for line in lines)


def shortened(text: str, width: float, size: float) -> str:
    """Each line of `text` cut to about `width` inches at `size` points."""
    most = max(1, int(width * 72 / (0.58 * size)))  # a DejaVu letter is about 0.58 em wide
    lines = text.split("\n")
    return "\n".join(line if len(line) <= most else f"{line[: most - 1]}…" for line in lines)


def mark_decades(axis: Axis, low: float, high: float, most: int) -> None:
    """Put ticks on about `most` powers of ten between two exponents of a logarithmic axis."""
    from matplotlib.ticker import FixedLocator

    # matplotlib's own locator overflows near the ends of what a float holds
    first, last = math.ceil(low), math.floor(high)
    every = max(1, math.ceil((last - first) / most))
    axis.set_major_locator(
        FixedLocator([10.0**d for d in range(first, last + 1) if d % every == 0])
    )
    few = range(first - 1, last + 1) if last - first <= _FEW_DECADES else ()
    between = [m * 10.0**d for d in few for m in range(2, 10) if low < math.log10(m) + d < high]
    axis.set_minor_locator(FixedLocator(between))
    axis.set_major_formatter(decade_label)
    axis.set_minor_formatter("")


def power_of_ten(exponent: int) -> str:
    """``10`` with `exponent` set high, without the markup of mathtext."""
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def decade_label(value: float, _position: float | None = None) -> str:
    """Label of a tick on a logarithmic axis, as matplotlib calls for it."""
    if not value > 0 or not math.isfinite(value):
        return ""
    exponent = math.log10(value)
    if abs(exponent - round(exponent)) > 1e-9:
        return f"{value:g}"
    return power_of_ten(round(exponent))


@cache
def _families() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    return ("DejaVu Sans", *(name for name in _FALLBACKS if name in installed))


@cache
def _has_glyph(character: str) -> bool:
    return any(character_of(ord(character)) for character_of in _lookups())


@cache
def _lookups() -> tuple[Any, ...]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return tuple(
        get_font(findfont(FontProperties(family=[name]), fallback_to_default=False)).get_char_index
        for name in _families()
    )
