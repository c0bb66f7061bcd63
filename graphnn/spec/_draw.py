"""The section ``draw`` of a spec, or a file that holds the same."""

from __future__ import annotations

from collections.abc import Mapping

from graphnn.diagnostics import suggestion
from graphnn.spec._field_reader import brief
from graphnn.spec._section_reader import SectionReader
from graphnn.spec.colours import NAMED, colour_of
from graphnn.spec.drawing_records import ColourSpec, DrawSpec
from graphnn.spec.values import Entry, Value, scalar_value


class DrawReader(SectionReader):
    """Takes the looks of diagrams apart."""

    def draw(self, entry: Entry) -> DrawSpec | None:
        """The section ``draw``."""
        return self.look(entry.value, "'draw'")

    def look(self, value: Value, where: str) -> DrawSpec | None:
        """Colours and names, in what messages call `where`."""
        body = self.mapping(value, where, "a mapping such as {ops: {relu: orange}}")
        if body is None:
            return None
        return DrawSpec(place=value, **self.record(DrawSpec, self.keys(body, DrawSpec, where)))

    def colours(self, value: Value, what: str) -> Mapping[str, ColourSpec] | None:
        """Colours by name."""
        given = self.mapping(value, what, "a mapping of names to colours", "{NAME: TEXT}")
        if given is None:
            return None
        found = {name: self._colour(entry) for name, entry in given.entries.items()}
        return {name: each for name, each in found.items() if each is not None}

    def _colour(self, entry: Entry) -> ColourSpec | None:
        text = scalar_value(entry.value)
        colour = colour_of(text) if isinstance(text, str) else None
        if colour is not None:
            return ColourSpec(entry.key, colour)
        listed = ", ".join(NAMED)
        help = f"write '#rrggbb' in quotes, or one of {listed}"
        if text is None:
            message = f"the colour of '{entry.key.value}' is empty"
            help = f"'#' begins a comment where it is not in quotes; {help}"
        else:
            message = f"{brief(entry.value)} is not a colour"
            help = suggestion(str(text), NAMED, help)
        place = entry.key if text is None else entry.value
        self.findings.error("bad-colour", message, place.span, help=help)
        return None
