"""One text in an editor: what it says, as far as it can be told while it is half typed."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from graphnn import graph
from graphnn.diagnosis import diagnose_text
from graphnn.errors import Diagnostic, Findings, GraphnnError
from graphnn.graph import Node
from graphnn.lsp import outline
from graphnn.lsp.names import Names, names
from graphnn.spec import build, reader
from graphnn.spec.formatter import format_text
from graphnn.spec.model import BlockSpec, NetworkSpec
from graphnn.spec.sizes import Size

_MARKS = ("graphnn", "nodes", "blocks")


class Document:
    """A spec as it stands in an editor.

    Parameters
    ----------
    text : str
    path : Path
        Where it is, or would be, saved; files that it names lie beside.
    before : Document, optional
        The same text a moment ago: while a text cannot be read, its shapes are shown.

    Attributes
    ----------
    text : str
        With line feeds for ends of lines.
    """

    def __init__(self, text: str, path: Path, before: Document | None = None) -> None:
        self.text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
        self.path = path
        self.json = path.suffix.lower() == ".json"
        self._last = before.known if before is not None else {}

    @functools.cached_property
    def names(self) -> Names:
        """Every name in the text."""
        return names(self._tokens)

    @functools.cached_property
    def _tokens(self) -> list[outline.Token]:
        try:
            document = reader.read(self.text, json=self.json, findings=Findings())
        except GraphnnError:
            return outline.scanned(self.text)
        return list(outline.located(document))

    @property
    def tokens(self) -> list[outline.Token]:
        """Keys and scalars, in no order."""
        return self._tokens

    def fields(self, path: outline.Path) -> Mapping[str, str]:
        """Scalars of the mapping at `path`, by key."""
        return self.names.fields.get(path, {})

    @functools.cached_property
    def spec(self) -> NetworkSpec | None:
        """What the text says, without the parts at fault; None where it cannot be read."""
        try:
            findings = Findings()
            document = reader.read(self.text, str(self.path), json=self.json, findings=findings)
            return build.build(document, self.path.parent, findings)
        except GraphnnError:
            return None

    @functools.cached_property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes that are sound, by full name, with their shapes."""
        return {} if self.spec is None else graph.draft(self.spec, Findings()).nodes

    @property
    def known(self) -> Mapping[str, Node]:
        """As `nodes`; while the text cannot be read, those that there were before."""
        return self._last if self.spec is None else self.nodes

    def node(self, name: str) -> Node | None:
        """The node called `name`; for the use of a block, its output."""
        aliases = {} if self.spec is None else self.spec.aliases
        return self.known.get(aliases.get(name, name))

    @property
    def sizes(self) -> Mapping[str, Size]:
        """The named sizes."""
        return {} if self.spec is None else self.spec.sizes

    @property
    def blocks(self) -> Mapping[str, BlockSpec]:
        """The blocks, those of files among them."""
        return {} if self.spec is None else self.spec.blocks

    @property
    def is_spec(self) -> bool:
        """Whether it means to be one: editors open other files of the same kind too."""
        return any(t.key and not t.path and t.text in _MARKS for t in self.tokens)

    def diagnose(self, *, data: bool = True) -> tuple[Diagnostic, ...]:
        """Everything that is wrong with it; without `data`, no data set is read."""
        if not self.is_spec:
            return ()
        return diagnose_text(
            self.text, name=str(self.path), folder=self.path.parent, json=self.json, data=data
        )

    def formatted(self) -> str:
        """The text in the canonical layout, or as it is where it cannot be read."""
        try:
            return format_text(self.text, json=self.json)
        except GraphnnError:
            return self.text
