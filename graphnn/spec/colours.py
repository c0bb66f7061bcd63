"""Colours as a spec writes them: ``#rrggbb``, ``#rgb``, or a name."""

from __future__ import annotations

import re

HEX = re.compile(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")
NAMED = {
    "black": "#000000",
    "white": "#ffffff",
    "grey": "#808080",
    "gray": "#808080",
    "silver": "#c0c0c0",
    "red": "#e53935",
    "pink": "#f8bbd0",
    "orange": "#ffb74d",
    "gold": "#ffd54f",
    "yellow": "#fff176",
    "olive": "#afb42b",
    "green": "#66bb6a",
    "teal": "#26a69a",
    "cyan": "#80deea",
    "blue": "#64b5f6",
    "navy": "#1a237e",
    "purple": "#ba68c8",
    "magenta": "#f06292",
    "brown": "#a1887f",
    "maroon": "#880e4f",
}


def colour_of(text: str) -> str | None:
    """`text` as ``#rrggbb`` in small letters; None where it is not a colour."""
    if not HEX.fullmatch(text):
        return NAMED.get(text.lower())
    digits = text[1:].lower()
    return f"#{digits}" if len(digits) == 6 else "#" + "".join(2 * digit for digit in digits)
