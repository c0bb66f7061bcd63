"""One text in an editor: what it says, as far as that is known while it is half typed."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from graphnn import graph
from graphnn.diagnostics import Diagnostic, Findings, GraphnnError
from graphnn.graph import Node
from graphnn.lsp import outline
from graphnn.lsp.names import Names, names
from graphnn.lsp.reading import Reading
from graphnn.spec import BlockFile, build, files_of, format_text, mentions
from graphnn.spec.block_records import BlockSpec
from graphnn.spec.model import NetworkSpec
from graphnn.spec.sizes import Size
from graphnn.spec.values import Map, Scalar
from graphnn.storage import files
from graphnn.training import VOCABULARY, diagnose_read

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
    buffers : mapping of Path to str, optional
        Other texts that the editor has open, by resolved path: blocks are taken from them as they
        stand there, saved or not.

    Attributes
    ----------
    text : str
        With line feeds for ends of lines.
    """

    def __init__(
        self,
        text: str,
        path: Path,
        before: Document | None = None,
        buffers: Mapping[Path, str] | None = None,
    ) -> None:
        self.text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
        self.path = path
        self.json = path.suffix.lower() == ".json"
        self._before = before._last_readable if before is not None else None
        self._buffers = buffers or {}

    def changed(self, text: str) -> Document:
        """Another text in the place of this one."""
        return Document(text, self.path, buffers=self._buffers)

    @functools.cached_property
    def names(self) -> Names:
        """Every name in the text."""
        return names(self.tokens)

    @functools.cached_property
    def tokens(self) -> list[outline.Token]:
        """Keys and scalars, in no order."""
        if self._located is None:
            return outline.scanned(self.text)
        return list(outline.located(self._located))

    @functools.cached_property
    def _reading(self) -> Reading:
        return Reading(self.text, str(self.path), json=self.json)

    @property
    def _located(self) -> Map | None:
        """The values of the text; None where it cannot be read."""
        return self._reading.document

    @functools.cached_property
    def block_files(self) -> tuple[BlockFile, ...]:
        """The files that it takes blocks from, those of files among them."""
        if self._located is None:
            return ()
        return files_of(self._located, self.path.parent, self._buffers)

    @functools.cached_property
    def reads(self) -> frozenset[Path]:
        """The resolved paths of these files."""
        return frozenset(file.path.resolve() for file in self.block_files)

    @functools.cached_property
    def named(self) -> Mapping[str, Scalar]:
        """Where it names each file, or the file that leads to it, by the path as messages show it.

        Files outside of its folder are none.
        """
        found = {str(file.path): file.named for file in self.block_files}
        document = self._located
        for name in () if document is None else mentions(document, "file", VOCABULARY):
            try:
                path = files.within(self.path.parent, str(name.value))
            except GraphnnError:
                continue
            found.setdefault(str(path), name)
        return found

    def fields(self, path: outline.Path) -> Mapping[str, str]:
        """Scalars of the mapping at `path`, by key."""
        return self.names.fields.get(path, {})

    @functools.cached_property
    def spec(self) -> NetworkSpec | None:
        """What the text says, without the parts at fault; None where it cannot be read."""
        try:
            findings = Findings()
            return build.build(
                self._reading.read(findings),
                self.path.parent,
                findings,
                vocabulary=VOCABULARY,
                buffers=self._buffers,
            )
        except GraphnnError:
            return None

    @functools.cached_property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes that are sound, by full name, with their shapes."""
        return {} if self.spec is None else graph.check(self.spec, Findings()).nodes

    @property
    def known(self) -> Mapping[str, Node]:
        """As `nodes`; while the text cannot be read, those that there were before."""
        if self.spec is not None:
            return self.nodes
        return self._before.known if self._before is not None else {}

    @property
    def _last_readable(self) -> Document | None:
        """Itself, unless it is known that it cannot be read; or the last before it."""
        reading = vars(self).get("_reading")
        return self._before if reading is not None and reading.document is None else self

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
        if self._located is not None:
            return any(mark in self._located for mark in _MARKS)
        return any(t.key and not t.path and t.text in _MARKS for t in self.tokens)

    def diagnose(self, *, data: bool = True) -> tuple[Diagnostic, ...]:
        """Everything that is wrong with it; without `data`, no data set is read."""
        if not self.is_spec:
            return ()
        if self._located is not None:
            self._before = None  # its own shapes are shown from now on
        return diagnose_read(self._reading.read, self.path.parent, data=data, buffers=self._buffers)

    def formatted(self) -> str:
        """The text in the canonical layout, or as it is where it cannot be read."""
        try:
            return format_text(self.text, json=self.json)
        except GraphnnError:
            return self.text
