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


_FAMILIES = {  # fill and border of each family, in the order of the themes below
    "source": (("#eef0f3", "#6b7480"), ("#2b3038", "#98a2b0"), ("#ffffff", "#000000")),
    "linear": (("#d9eafa", "#0b6cb3"), ("#12324d", "#57b1f2"), ("#e6e6e6", "#000000")),
    "convolution": (("#cfe9f5", "#1a7f9c"), ("#0f3641", "#4fc0dd"), ("#e6e6e6", "#000000")),
    "pooling": (("#d3eee9", "#0f766e"), ("#0d3a36", "#4fd1c2"), ("#f3f3f3", "#000000")),
    "resizing": (("#f5e7e0", "#96523a"), ("#3d2a22", "#e0a78c"), ("#ffffff", "#000000")),
    "activation": (("#fdecc8", "#b77400"), ("#43320c", "#f0b429"), ("#ffffff", "#000000")),
    "normalization": (("#eadff2", "#8150a8"), ("#372648", "#c79bea"), ("#f3f3f3", "#000000")),
    "preparation": (("#f6dfea", "#a2386f"), ("#43203a", "#ef8fc0"), ("#ffffff", "#000000")),
    "arithmetic": (("#e3f1de", "#3d8338"), ("#1f3a1c", "#86cf7e"), ("#ffffff", "#000000")),
    "shape": (("#f0ede6", "#7c6f58"), ("#37322a", "#c9b894"), ("#f3f3f3", "#000000")),
    "reduction": (("#d6efe7", "#00805e"), ("#0e3b2f", "#4ed3a8"), ("#f3f3f3", "#000000")),
    "recurrent": (("#dfe6cf", "#5f7321"), ("#2f3716", "#b9cf6a"), ("#e6e6e6", "#000000")),
    "attention": (("#e2e0f8", "#5a55b5"), ("#2a2850", "#a9a4f0"), ("#d9d9d9", "#000000")),
    "random": (("#ece9e9", "#7a6a6a"), ("#35302f", "#bfb0ae"), ("#ffffff", "#000000")),
    "loss": (("#fadcd3", "#c04a00"), ("#4b2210", "#ff9a66"), ("#d9d9d9", "#000000")),
    "": (("#e9ecf5", "#54618c"), ("#262c40", "#9dabdb"), ("#f3f3f3", "#000000")),
}


def _of_theme(place: int) -> Mapping[str, tuple[str, str]]:
    return {family: pairs[place] for family, pairs in _FAMILIES.items()}


THEMES: Mapping[ThemeName, Theme] = {
    "light": Theme(
        paper="#ffffff",
        ink="#16181d",
        faint="#4d5562",
        line="#5b6472",
        frame="#9aa3b0",
        frame_fill="#f6f7f9",
        blue="#0b6cb3",
        red="#b83c00",
        scale=("#fffbe0", "#9ad0c2", "#6f9fe0"),
        families=_of_theme(0),
    ),
    "dark": Theme(
        paper="#14161a",
        ink="#f2f4f8",
        faint="#b4bcc9",
        line="#8f99a8",
        frame="#565f6d",
        frame_fill="#1c1f25",
        blue="#57b1f2",
        red="#ff9a66",
        scale=("#191c24", "#1d4f56", "#3a63b4"),
        families=_of_theme(1),
    ),
    "print": Theme(
        paper="#ffffff",
        ink="#000000",
        faint="#333333",
        line="#333333",
        frame="#777777",
        frame_fill="#ffffff",
        blue="#000000",
        red="#555555",
        scale=("#ffffff", "#d2d2d2", "#a4a4a4"),
        families=_of_theme(2),
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
