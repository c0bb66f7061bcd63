"""Text measured by the metrics of the fonts that ship with graphnn, and cut into runs of one font.

The advance of every glyph is added up, without kerning or ligatures; the writers switch both off,
so that a text is as wide in every picture as it is here.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from io import BytesIO
from itertools import groupby
from math import fsum
from pathlib import Path
from typing import Any, Literal

Face = Literal["regular", "strong", "italic", "mono"]
_FOLDER = Path(__file__).parent / "fonts"
# Inter 3.19, its outlines converted by fontTools' cu2qu: fpdf2 embeds TrueType alone as PDF asks.
_FILES: dict[Face, str] = {
    "regular": "Inter-Regular.ttf",
    "strong": "Inter-SemiBold.ttf",
    "italic": "Inter-Italic.ttf",
    "mono": "JetBrainsMono-Regular.ttf",
}
_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
_MISSING = "\N{WHITE SQUARE}"  # stands where no font has a character
_TABLES = {"GlyphOrder", "head", "hhea", "hmtx", "maxp", "cmap", "name", "OS/2", "post"}
_TABLES |= {"glyf", "loca", "CFF ", "CFF2", "cvt ", "fpgm", "prep"}  # of the outlines
# Latin, Greek, punctuation, arrows and signs of mathematics, which most texts are made of.
_COMMON = frozenset(map(chr, (*range(0x20, 0x250), *range(0x370, 0x400), *range(0x2000, 0x2300))))
_SILENT = ("Cf", "Cc")  # joiners and controls
_CUT: set[Font] = set()  # fonts of which a part has been made
_INVISIBLE = (*_SILENT, "Mn", "Me")  # selectors and marks that need a shaper


@dataclass(frozen=True)
class Font:
    """A font file, read when it is first asked for.

    Attributes
    ----------
    path : Path
    number : int
        Of the font in a collection; -1 for a file with one.
    """

    path: Path
    number: int = -1

    @cached_property
    def tables(self) -> Any:
        """The font as fontTools gives it."""
        from fontTools.ttLib import TTFont

        # From memory, so that no file stays open.
        file = BytesIO(self.path.read_bytes())
        return TTFont(file, lazy=True, fontNumber=self.number, recalcTimestamp=False)

    @cached_property
    def glyphs(self) -> dict[int, str]:
        """Names of glyphs by code point."""
        return self.tables.getBestCmap() or {}

    @cached_property
    def units(self) -> int:
        """Units to an em."""
        return int(self.tables["head"].unitsPerEm)

    @cached_property
    def _advances(self) -> dict[str, tuple[int, int]]:
        advances: dict[str, tuple[int, int]] = self.tables["hmtx"].metrics
        return advances

    def has(self, character: str) -> bool:
        """Whether the font draws `character`."""
        return ord(character) in self.glyphs

    def width(self, text: str) -> float:
        """The width of `text`, all of which the font has, in ems."""
        glyphs, advances = self.glyphs, self._advances
        return sum(advances[glyphs[ord(character)]][0] for character in text) / self.units

    @cached_property
    def name(self) -> str:
        """A name for style sheets, unlike any other."""
        return f"graphnn {self.path.stem}" + (f" {self.number}" if self.number >= 0 else "")


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one font."""

    text: str
    font: Font


@cache
def font(face: Face) -> Font:
    """The font of `face` that ships with graphnn."""
    return Font(_FOLDER / _FILES[face])


def width(text: str, size: float, face: Face = "regular") -> float:
    """The width of `text` in points, in letters of `size` points."""
    return size * _ems(text, face)


@cache
def _ems(text: str, face: Face) -> float:
    return fsum(run.font.width(run.text) for run in runs(text, face))


def runs(text: str, face: Face) -> list[Run]:
    """`text` cut into pieces, each with a font that draws it.

    What no font has becomes a white square; `missing` names it.
    """
    drawn = (_drawable(character, face) for character in seen(text))
    pieces = groupby((pair for pair in drawn if pair[0]), key=lambda pair: pair[1])
    return [Run("".join(character for character, _ in run), known) for known, run in pieces]


def seen(text: str) -> str:
    """`text` without joiners and what else is never seen, whether a font has it or not."""
    return "".join(each for each in text if unicodedata.category(each) not in _SILENT)


def missing(text: str) -> list[str]:
    """The characters of `text` that no font on this machine draws, each once."""
    return [
        character
        for character in dict.fromkeys(text)
        if not _is_invisible(character) and _find(character, "regular") is None
    ]


def subset(known: Font, characters: Iterable[str]) -> bytes:
    """A font file with the glyphs of `characters` alone, all of which the font has.

    It is the same bytes for the same characters.
    """
    return _cut(known, "".join(sorted(set(characters))))


@lru_cache(maxsize=64)  # a preview draws the same characters again and again
def _cut(known: Font, characters: str) -> bytes:
    # From the second time on, of a smaller file: the same bytes in a fifth of the time.
    ships = known.path.parent == _FOLDER
    if ships and known in _CUT and _COMMON.issuperset(characters):
        return _subset(_common(known), -1, characters)
    _CUT.add(known)
    return _subset(known.path.read_bytes(), known.number, characters)


@cache
def _common(known: Font) -> bytes:
    """The font with the characters that most texts are made of."""
    return _subset(known.path.read_bytes(), known.number, "".join(sorted(_COMMON)))


def _subset(file: bytes, number: int, characters: str) -> bytes:
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    options = Options(
        layout_features=[],
        hinting=False,
        notdef_outline=True,
        name_IDs=[1, 2],
        recalc_timestamp=False,
    )
    whole = TTFont(BytesIO(file), lazy=True, fontNumber=number, recalcTimestamp=False)
    for table in set(whole.keys()) - _TABLES:  # fontTools would read all of them first
        del whole[table]
    cutter = Subsetter(options)
    cutter.populate(text=characters)
    cutter.subset(whole)
    made = BytesIO()
    whole.save(made)
    return made.getvalue()


def contours(text: str, face: Face) -> list[list[tuple[float, float]]]:
    """The outlines of `text` in ems, y upwards, from the left end of its base line.

    Each is a closed curve: a start, then two control points and an end for each cubic part.
    """
    from fontTools.pens.basePen import BasePen

    found: list[list[tuple[float, float]]] = []

    class Pen(BasePen):  # type: ignore[misc]
        def __init__(self, font: Font, left: float) -> None:
            super().__init__(font.tables.getGlyphSet())
            self._left, self._units = left, font.units

        def _moveTo(self, start: tuple[float, float]) -> None:  # noqa: N802
            found.append([self._placed(start)])

        def _lineTo(self, end: tuple[float, float]) -> None:  # noqa: N802
            self._curveToOne(self._getCurrentPoint(), end, end)

        def _curveToOne(self, *points: tuple[float, float]) -> None:  # noqa: N802
            found[-1].extend(map(self._placed, points))

        def _placed(self, point: tuple[float, float]) -> tuple[float, float]:
            return point[0] / self._units + self._left, point[1] / self._units

    left = 0.0
    for run in runs(text, face):
        for character in run.text:
            pen = Pen(run.font, left)
            pen.glyphSet[run.font.glyphs[ord(character)]].draw(pen)
            left += run.font.width(character)
    return found


@cache
def _drawable(character: str, face: Face) -> tuple[str, Font]:
    """What is drawn for `character`, nothing where it is invisible, and the font."""
    found = _find(character, face)
    if found is not None:
        return character, found
    return ("" if _is_invisible(character) else _MISSING), font("regular")


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE


@cache
def _find(character: str, face: Face) -> Font | None:
    for known in (font(face), font("regular"), font("mono")):
        if known.has(character):
            return known
    return next((known for known in _machine_fonts() if known.has(character)), None)


@cache
def _machine_fonts() -> tuple[Font, ...]:
    """The fonts of this machine that have outlines, those made to fill gaps first."""
    paths = sorted(_font_files(), key=lambda path: (_rank(path.stem), path.stem, str(path)))
    return tuple(known for path in paths for known in _fonts_of(path))


def _font_files() -> Iterator[Path]:
    for folder in _font_folders():
        for place, _, names in os.walk(folder):
            yield from (Path(place) / name for name in names if name.lower().endswith(_SUFFIXES))


def _font_folders() -> list[Path]:
    home = Path.home()
    return [
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        home / ".fonts",
        home / ".local" / "share" / "fonts",
        Path("/System/Library/Fonts"),
        Path("/Library/Fonts"),
        home / "Library" / "Fonts",
        Path(os.environ.get("WINDIR", "C:\\Windows")) / "Fonts",
    ]


def _rank(stem: str) -> int:
    """How early a font is asked: regular faces with many characters before others."""
    name = stem.lower()
    wide = ("notosanscjk", "notosans", "dejavusans", "sourcehansans", "arialunicode", "symbola")
    plain = "bold" not in name and "italic" not in name and "oblique" not in name
    return (0 if name.startswith(wide) else 1) + (0 if plain else 2)


def _fonts_of(path: Path) -> list[Font]:
    """The fonts with outlines in a file; none where it cannot be read."""
    from fontTools.ttLib import TTFont, TTLibError

    number = 0 if path.suffix.lower() in (".ttc", ".otc") else -1
    try:
        with TTFont(path, lazy=True, fontNumber=number) as tables:
            outlined = "glyf" in tables or "CFF " in tables
    except (TTLibError, OSError, ValueError, KeyError):
        return []
    return [Font(path, number)] if outlined else []
