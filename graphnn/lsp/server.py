"""The server: what `graphnn.lsp.queries` finds, in the words of the Language Server Protocol."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls import uris
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from graphnn import __version__
from graphnn.diagnostics import UsageError
from graphnn.lsp import queries
from graphnn.lsp.diagnostic_store import DiagnosticStore
from graphnn.lsp.document import Document
from graphnn.lsp.positions import Places
from graphnn.lsp.publishing import Publisher

DELAY = 0.25  # seconds of quiet after which a text is checked
_ANEW = -1  # the version of a text that is to be read again
_REFUSED = -32803  # RequestFailed
_SORTS = {
    "key": types.CompletionItemKind.Property,
    "word": types.CompletionItemKind.EnumMember,
    "node": types.CompletionItemKind.Variable,
    "size": types.CompletionItemKind.Constant,
    "block": types.CompletionItemKind.Class,
    "parameter": types.CompletionItemKind.Field,
}
_WATCHED = "**/*.{yaml,yml,json}"


class Server(LanguageServer):
    """A language server with the texts that are open."""

    def __init__(self) -> None:
        super().__init__("graphnn", __version__)
        self._documents: dict[str, tuple[int, Document]] = {}
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._board = DiagnosticStore()
        self._checked: dict[str, int | None] = {}  # versions

    def document(self, uri: str) -> Document:
        """The text at `uri` as it is now."""
        open_text = self.workspace.get_text_document(uri)
        version = open_text.version if open_text.version is not None else _ANEW
        known = self._documents.get(uri)
        if known is None or known[0] != version or version == _ANEW:
            before = known[1] if known else None
            made = Document(open_text.source, _path(uri), before, self._buffers(uri))
            known = self._documents[uri] = (version, made)
        return known[1]

    def places(self, text: str) -> Places:
        """Places of `text`, as the client counts them."""
        return Places(text, self.workspace.position_encoding)

    def address(self, path: Path) -> str:
        """The address of a file: the editor's own, where it is open there."""
        resolved = path.resolve()
        own = (uri for uri in self._open() if _path(uri).resolve() == resolved)
        return next(own, None) or uris.from_fs_path(str(path.absolute())) or ""

    def check(self, uri: str, *, delay: float = 0.0, data: bool = True) -> None:
        """Publish what is wrong with the text at `uri`, and with those that take blocks from it.

        That is done once nobody has typed for `delay` seconds.
        """
        self._board.keep_own(uri)
        self._later(uri, self._check_all(uri, delay, data))

    async def changed_on_disk(self, changed: Iterable[str]) -> None:
        """Check what reads the files at `changed`; of those that are open, the text counts."""
        open_files = {_path(uri).resolve() for uri in self._open()}
        await self._check_readers({_path(uri).resolve() for uri in changed} - open_files)

    async def forget(self, uri: str) -> None:
        """The text at `uri` is closed."""
        self._cancel(uri)
        self._documents.pop(uri, None)
        self._checked.pop(uri, None)
        self._board.clear(uri)
        self._publish(uri, {uri: []})
        await self._check_readers({_path(uri).resolve()})

    def _open(self) -> list[str]:
        return [text.uri for text in self.workspace.text_documents.values()]

    def _buffers(self, but: str) -> dict[Path, str]:
        texts = self.workspace.text_documents.values()
        return {_path(text.uri).resolve(): text.source for text in texts if text.uri != but}

    def _later(self, uri: str, check: Coroutine[Any, Any, None]) -> None:
        """Let `check` be the one running check of the text at `uri`."""
        self._cancel(uri)
        self._waiting[uri] = asyncio.get_running_loop().create_task(check)

    def _cancel(self, uri: str) -> None:
        if (task := self._waiting.pop(uri, None)) is not None:
            task.cancel()

    async def _check_all(self, uri: str, delay: float, data: bool) -> None:
        await asyncio.sleep(delay)
        await self._check(uri, data)
        await self._check_readers({_path(uri).resolve()}, data=data, but=uri)

    async def _check_readers(self, paths: set[Path], *, data: bool = True, but: str = "") -> None:
        """Read the open texts anew that take blocks from one of `paths`, and check them."""
        texts = {uri: self.document(uri) for uri in self._open() if uri != but}
        read = await asyncio.to_thread(lambda: {uri: d.reads for uri, d in texts.items()})
        for uri in (uri for uri in texts if read[uri] & paths):
            if uri in self._open():
                self._documents[uri] = (_ANEW, texts[uri])
                self._later(uri, self._check(uri, data))

    async def _check(self, uri: str, data: bool) -> None:
        document = self.document(uri)
        version = self.workspace.get_text_document(uri).version
        found = await asyncio.to_thread(document.diagnose, data=data)
        self._checked[uri] = version
        publisher = Publisher(uri, document, self.address, self.workspace.position_encoding)
        self._publish(uri, publisher.published(found))

    def _publish(self, uri: str, found: dict[str, list[types.Diagnostic]]) -> None:
        for there, shown in self._board.put(uri, found).items():
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(there, shown, self._checked.get(there))
            )


def _path(uri: str) -> Path:
    return Path(uris.to_fs_path(uri) or "untitled.yaml")


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
        await server.forget(params.text_document.uri)

    @server.feature(types.INITIALIZED)
    async def started(params: types.InitializedParams) -> None:
        if _watches_files(server.client_capabilities):
            options = types.DidChangeWatchedFilesRegistrationOptions(
                [types.FileSystemWatcher(_WATCHED)]
            )
            name = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            asked = types.RegistrationParams([types.Registration(name, name, options)])
            await server.client_register_capability_async(asked)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        await server.changed_on_disk(change.uri for change in params.changes)


def _watches_files(can: types.ClientCapabilities) -> bool:
    """Whether the editor reports files that change, once it is asked to."""
    watching = can.workspace.did_change_watched_files if can.workspace else None
    return bool(watching and watching.dynamic_registration)


def _answer(server: Server) -> None:
    def opened(params: Any) -> tuple[Document, Places, int]:
        document = server.document(params.text_document.uri)
        places = server.places(document.text)
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
        if found.there is not None:
            source = found.there.source
            there = server.places(source.text).span(found.there)
            return types.Location(server.address(Path(source.name)), there)
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
    # By separate descriptors, as it closes them; and what prints must not come in between.
    with (
        os.fdopen(os.dup(0), "rb") as received,
        os.fdopen(os.dup(1), "wb") as sent,
        contextlib.redirect_stdout(sys.stderr),
    ):
        make().start_io(received, sent)
