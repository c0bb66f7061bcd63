"""The server: what `graphnn.lsp.queries` finds, in the words of the Language Server Protocol."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls import uris
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from graphnn import __version__, explanations
from graphnn.errors import Diagnostic, Span, UsageError
from graphnn.lsp import queries
from graphnn.lsp.document import Document

DELAY = 0.25  # seconds of quiet after which a text is checked
_STRETCH = 256  # characters
_REFUSED = -32803  # RequestFailed
_SORTS = {
    "key": types.CompletionItemKind.Property,
    "word": types.CompletionItemKind.EnumMember,
    "node": types.CompletionItemKind.Variable,
    "size": types.CompletionItemKind.Constant,
    "block": types.CompletionItemKind.Class,
    "parameter": types.CompletionItemKind.Field,
}
_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
}


class Server(LanguageServer):
    """A language server with the texts that are open."""

    def __init__(self) -> None:
        super().__init__("graphnn", __version__)
        self._documents: dict[str, tuple[int, Document]] = {}
        self._waiting: dict[str, asyncio.Task[None]] = {}

    def document(self, uri: str) -> Document:
        """The text at `uri` as it is now."""
        open_text = self.workspace.get_text_document(uri)
        version = open_text.version if open_text.version is not None else -1
        known = self._documents.get(uri)
        if known is None or known[0] != version or version < 0:
            path = Path(uris.to_fs_path(uri) or "untitled.yaml")
            made = Document(open_text.source, path, known[1] if known else None)
            known = self._documents[uri] = (version, made)
        return known[1]

    def check(self, uri: str, *, delay: float = 0.0, data: bool = True) -> None:
        """Publish what is wrong with the text at `uri`, once nobody has typed for `delay`."""
        if (task := self._waiting.pop(uri, None)) is not None:
            task.cancel()
        self._waiting[uri] = asyncio.get_running_loop().create_task(self._check(uri, delay, data))

    async def _check(self, uri: str, delay: float, data: bool) -> None:
        await asyncio.sleep(delay)
        document = self.document(uri)
        version = self.workspace.get_text_document(uri).version
        found = await asyncio.to_thread(document.diagnose, data=data)
        places = Places(document.text, self)
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(
                uri, [places.diagnostic(uri, document, each) for each in found], version
            )
        )

    def forget(self, uri: str) -> None:
        """The text at `uri` is closed."""
        if (task := self._waiting.pop(uri, None)) is not None:
            task.cancel()
        self._documents.pop(uri, None)
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


class Places:
    """Places of a text, from characters to what the client counts, and back."""

    def __init__(self, text: str, server: Server) -> None:
        self._text = text
        self._server = server
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._widths: dict[int, list[int]] = {}  # of a line, up to every `_STRETCH` characters
        encoding = server.workspace.position_encoding or types.PositionEncodingKind.Utf16
        self._width = {
            types.PositionEncodingKind.Utf8: lambda text: len(text.encode(errors="replace")),
            types.PositionEncodingKind.Utf32: len,
        }.get(types.PositionEncodingKind(encoding), _utf16)

    def position(self, index: int) -> types.Position:
        """Where character `index` stands."""
        line = bisect.bisect_right(self._starts, index) - 1
        start = self._starts[line]
        whole = (index - start) // _STRETCH
        widths = self._widths.setdefault(line, [0])
        while len(widths) <= whole:
            at = start + (len(widths) - 1) * _STRETCH
            widths.append(widths[-1] + self._width(self._text[at : at + _STRETCH]))
        rest = self._text[start + whole * _STRETCH : index]
        return types.Position(line, widths[whole] + self._width(rest))

    def index(self, position: types.Position) -> int:
        """The character that stands there; past the end of a line, that end."""
        if position.line >= len(self._starts):
            return len(self._text)
        start = self._starts[position.line]
        end = self._text.find("\n", start)
        line = self._text[start : len(self._text) if end < 0 else end]
        width = 0
        for number, character in enumerate(line):
            if width >= position.character:
                return start + number
            width += self._width(character)
        return start + len(line)

    def range(self, start: int, end: int) -> types.Range:
        """From one character to another."""
        return types.Range(self.position(start), self.position(end))

    def span(self, span: Span) -> types.Range:
        """Where a diagnostic's span is."""
        last = len(self._starts) - 1
        ends = [
            self._starts[min(line - 1, last)] + column - 1
            for line, column in ((span.line, span.column), (span.end_line, span.end_column))
        ]
        return self.range(*(min(end, len(self._text)) for end in ends))

    def diagnostic(self, uri: str, document: Document, found: Diagnostic) -> types.Diagnostic:
        """A diagnostic, with the other places that it speaks of."""
        here = types.Range(types.Position(0, 0), types.Position(0, 0))
        parts = [found.message, *(note.text for note in found.notes if note.span is None)]
        related = [(note.span, note.text) for note in found.notes if note.span is not None]
        if found.span is not None and found.span.source.name == str(document.path):
            here = self.span(found.span)
        elif found.span is not None:  # of a file that this one names
            parts[0] = f"{found.span}: {found.message}"
            related.insert(0, (found.span, found.message))
        if found.help:
            parts.append(f"help: {found.help}")
        url = explanations.page(found.code)
        return types.Diagnostic(
            range=here,
            message="\n".join(parts),
            severity=_SEVERITIES[found.severity],
            code=found.code,
            code_description=types.CodeDescription(url) if url else None,
            source="graphnn",
            related_information=[
                types.DiagnosticRelatedInformation(self._location(uri, document, span), text)
                for span, text in related
            ],
        )

    def _location(self, uri: str, document: Document, span: Span) -> types.Location:
        """Where a span is, in the text at `uri` or in another file."""
        source = span.source
        if source.name == str(document.path):
            return types.Location(uri, self.span(span))
        there = uris.from_fs_path(str(Path(source.name).absolute())) or uri
        return types.Location(there, Places(source.text, self._server).span(span))


def _utf16(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def make() -> Server:
    """A server with all that it answers."""
    server = Server()
    _watch(server)
    _answer(server)
    return server


def _watch(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.check(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        server.check(params.text_document.uri, delay=DELAY, data=False)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.check(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.forget(params.text_document.uri)


def _answer(server: Server) -> None:
    def opened(params: Any) -> tuple[Document, Places, int]:
        document = server.document(params.text_document.uri)
        places = Places(document.text, server)
        position = getattr(params, "position", types.Position(0, 0))
        return document, places, places.index(position)

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[" ", "[", "{"])
    )
    def complete(params: types.CompletionParams) -> types.CompletionList:
        document, places, index = opened(params)
        offers, length = queries.complete(document, index)
        where = places.range(index - length, index)
        return types.CompletionList(False, [_item(offer, where) for offer in offers])

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        document, places, index = opened(params)
        found = queries.hover(document, index)
        if found is None:
            return None
        text, start, end = found
        return types.Hover(
            types.MarkupContent(types.MarkupKind.Markdown, text), places.range(start, end)
        )

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def definition(params: types.DefinitionParams) -> types.Location | None:
        document, places, index = opened(params)
        found = queries.definition(document, index)
        if found is None:
            return None
        if found.file:
            place = types.Position(found.start, found.end)
            uri = uris.from_fs_path(str(Path(found.file).absolute())) or ""
            return types.Location(uri, types.Range(place, place))
        return types.Location(params.text_document.uri, places.range(found.start, found.end))

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def references(params: types.ReferenceParams) -> list[types.Location]:
        document, places, index = opened(params)
        return [
            types.Location(params.text_document.uri, places.range(each.start, each.end))
            for each in queries.references(document, index)
            if params.context.include_declaration or not each.defines
        ]

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepare(params: types.PrepareRenameParams) -> types.Range | None:
        document, places, index = opened(params)
        found = document.names.at(index)
        return None if found is None else places.range(found.start, found.end)

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def rename(params: types.RenameParams) -> types.WorkspaceEdit:
        document, places, index = opened(params)
        try:
            found = queries.rename(document, index, params.new_name)
        except UsageError as error:
            raise JsonRpcException(error.diagnostics[0].message, _REFUSED) from None
        edits = [types.TextEdit(places.range(e.start, e.end), params.new_name) for e in found]
        return types.WorkspaceEdit({params.text_document.uri: edits})

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        document, places, _ = opened(params)
        return _symbols(queries.symbols(document), places, 0)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def formatting(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        document, places, _ = opened(params)
        after = document.formatted()
        if after == document.text:
            return []
        return [types.TextEdit(places.range(0, len(document.text)), after)]


def _item(offer: queries.Offer, where: types.Range) -> types.CompletionItem:
    return types.CompletionItem(
        offer.label,
        kind=_SORTS[offer.sort],
        detail=offer.detail or None,
        text_edit=types.TextEdit(where, offer.label),
    )


def _symbols(
    found: Iterable[queries.Symbol], places: Places, depth: int
) -> list[types.DocumentSymbol]:
    kind = types.SymbolKind.Namespace if depth == 0 else types.SymbolKind.Variable
    return [
        types.DocumentSymbol(
            each.name,
            kind,
            places.range(each.start, max(each.end, each.name_end)),
            places.range(each.name_start, each.name_end),
            each.detail or None,
            children=_symbols(each.children, places, depth + 1),
        )
        for each in found
    ]


def serve() -> None:
    """Speak to an editor on standard input and output, until it says to end."""
    # By descriptors of its own, as it closes them; and what prints must not come in between.
    with (
        os.fdopen(os.dup(0), "rb") as received,
        os.fdopen(os.dup(1), "wb") as sent,
        contextlib.redirect_stdout(sys.stderr),
    ):
        make().start_io(received, sent)
