"""How networks look: each module here without an underscore is a style.

A style is a function ``scene(view, options)`` that gives the `Scene` of a `View`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from graphnn.drawing.diagram.options import DiagramOptions
    from graphnn.drawing.diagram.scene import Scene
    from graphnn.drawing.diagram.view import View

NAMES = tuple(
    sorted(each.name for each in pkgutil.iter_modules(__path__) if not each.name.startswith("_"))
)


class Style(Protocol):
    """What a module of a style has."""

    def scene(self, view: View, options: DiagramOptions) -> Scene:
        """The picture of `view`."""


def style(name: str) -> Style:
    """The style called `name`, one of `NAMES`; its module is imported when it is asked for."""
    return cast(Style, import_module(f"{__name__}.{name}"))
