"""Colours of diagrams: a theme gives paper, ink and a pair of colours for each family of ops.

The fills are the hues of Okabe and Ito, which most colour-blind readers can distinguish, mixed
with the paper until dark ink on them has a contrast of at least 7 (WCAG 2.1, AAA).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ThemeName = Literal["light", "dark", "print"]


_TEXT, _LINE = 4.5, 3.0  # contrast of text and of lines: WCAG 2.1, level AA
_INKS = ("#000000", "#ffffff")  # one of the two has a contrast of 4.58 at least on any colour


@dataclass(frozen=True, slots=True)
class Tones:
    """Colours of a box: its fill and border, text, and lesser text."""

    fill: str
    border: str
    ink: str
    faint: str


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours and where they are used.

    Attributes
    ----------
    paper : str or None
        The background; None leaves it open.
    ink, faint, line, frame : str
        Of text, of lesser text, of lines, of frames and what is inside them.
    blue, red : str
        Of what is positive or goes forward, and of what is negative or goes back.
    scale : tuple of str
        From the least of a quantity over its middle to the largest.
    families : mapping of str to (str, str)
        Fill and border by family of ops; the key ``""`` is for all others.
    """

    paper: str | None
    ink: str
    faint: str
    line: str
    frame: str
    frame_fill: str
    blue: str
    red: str
    scale: tuple[str, str, str]
    families: Mapping[str, tuple[str, str]]

    def family(self, name: str) -> tuple[str, str]:
        """Fill and border of a family."""
        return self.families.get(name, self.families[""])

    def tones(self, fill: str) -> Tones:
        """A box of the colour `fill`, with a border and text that stand out as WCAG asks for."""
        own = {**dict(self.families.values()), self.paper or "": self.line}
        if fill in own:
            return Tones(fill, own[fill], self.ink, self.faint)
        # Black or white, which pages do not exchange for the ink of another theme.
        ink = max(_INKS, key=lambda each: contrast(each, fill))
        lesser = mixed(ink, fill, 0.25)
        faint = lesser if contrast(lesser, fill) >= _TEXT else ink
        steps = (mixed(fill, ink, step / 10) for step in range(3, 11))
        border = next((each for each in steps if contrast(each, fill) >= _LINE), ink)
        return Tones(fill, border, ink, faint)


THEMES: Mapping[ThemeName, Theme] = {
    "light": Theme(
        "#ffffff",
        "#16181d",
        "#4d5562",
        "#5b6472",
        "#9aa3b0",
        "#f6f7f9",
        "#0b6cb3",
        "#b83c00",
        ("#fffbe0", "#9ad0c2", "#6f9fe0"),
        {
            "source": ("#eef0f3", "#6b7480"),
            "linear": ("#d9eafa", "#0b6cb3"),
            "convolution": ("#cfe9f5", "#1a7f9c"),
            "pooling": ("#d3eee9", "#0f766e"),
            "resizing": ("#f5e7e0", "#96523a"),
            "activation": ("#fdecc8", "#b77400"),
            "normalization": ("#eadff2", "#8150a8"),
            "preparation": ("#f6dfea", "#a2386f"),
            "arithmetic": ("#e3f1de", "#3d8338"),
            "shape": ("#f0ede6", "#7c6f58"),
            "reduction": ("#d6efe7", "#00805e"),
            "recurrent": ("#dfe6cf", "#5f7321"),
            "attention": ("#e2e0f8", "#5a55b5"),
            "random": ("#ece9e9", "#7a6a6a"),
            "loss": ("#fadcd3", "#c04a00"),
            "": ("#e9ecf5", "#54618c"),
        },
    ),
    "dark": Theme(
        "#14161a",
        "#f2f4f8",
        "#b4bcc9",
        "#8f99a8",
        "#565f6d",
        "#1c1f25",
        "#57b1f2",
        "#ff9a66",
        ("#191c24", "#1d4f56", "#3a63b4"),
        {
            "source": ("#2b3038", "#98a2b0"),
            "linear": ("#12324d", "#57b1f2"),
            "convolution": ("#0f3641", "#4fc0dd"),
            "pooling": ("#0d3a36", "#4fd1c2"),
            "resizing": ("#3d2a22", "#e0a78c"),
            "activation": ("#43320c", "#f0b429"),
            "normalization": ("#372648", "#c79bea"),
            "preparation": ("#43203a", "#ef8fc0"),
            "arithmetic": ("#1f3a1c", "#86cf7e"),
            "shape": ("#37322a", "#c9b894"),
            "reduction": ("#0e3b2f", "#4ed3a8"),
            "recurrent": ("#2f3716", "#b9cf6a"),
            "attention": ("#2a2850", "#a9a4f0"),
            "random": ("#35302f", "#bfb0ae"),
            "loss": ("#4b2210", "#ff9a66"),
            "": ("#262c40", "#9dabdb"),
        },
    ),
    "print": Theme(
        "#ffffff",
        "#000000",
        "#333333",
        "#333333",
        "#777777",
        "#ffffff",
        "#000000",
        "#555555",
        ("#ffffff", "#d2d2d2", "#a4a4a4"),
        {
            "source": ("#ffffff", "#000000"),
            "linear": ("#e6e6e6", "#000000"),
            "convolution": ("#e6e6e6", "#000000"),
            "pooling": ("#f3f3f3", "#000000"),
            "resizing": ("#ffffff", "#000000"),
            "activation": ("#ffffff", "#000000"),
            "normalization": ("#f3f3f3", "#000000"),
            "preparation": ("#ffffff", "#000000"),
            "arithmetic": ("#ffffff", "#000000"),
            "shape": ("#f3f3f3", "#000000"),
            "reduction": ("#f3f3f3", "#000000"),
            "recurrent": ("#e6e6e6", "#000000"),
            "attention": ("#d9d9d9", "#000000"),
            "random": ("#ffffff", "#000000"),
            "loss": ("#d9d9d9", "#000000"),
            "": ("#f3f3f3", "#000000"),
        },
    ),
}


def sides(fill: str, border: str, paper: str | None) -> tuple[str, str]:
    """Colours of the upper and the far side of a box whose face is `fill`."""
    return mixed(fill, paper, 0.5), mixed(fill, border, 0.25)


def contrast(one: str, other: str) -> float:
    """The ratio of the luminances of two colours, from 1 to 21: WCAG 2.1, 1.4.3."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(one: str, other: str | None, share: float) -> str:
    """A colour between two, that much of the way to the `other`, white where it is None."""
    pairs = zip(_channels(one), _channels(other or "#ffffff"), strict=True)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    parts = [channel / 255 for channel in _channels(colour)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
