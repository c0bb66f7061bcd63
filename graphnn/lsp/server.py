"""The server: the texts that are open, what is wrong with them, and who answers requests."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lsprotocol import types
from pygls import uris
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from graphnn import __version__
from graphnn.diagnostics import UsageError, printable
from graphnn.lsp.answers import ANSWERS, Question
from graphnn.lsp.background import in_thread
from graphnn.lsp.diagnostic_store import DiagnosticStore
from graphnn.lsp.document import Document
from graphnn.lsp.publishing import Publisher

DELAY = 0.25  # seconds of quiet after which a text is checked
_ANEW = -1  # the version of a text that is to be read again
_REFUSED = -32803  # RequestFailed
_LONGEST = 100  # characters of an address in a message
_FIRST = "graphnn: 1\nnodes: {x: {op: input, shape: [batch, 1]}, y: {op: relu, inputs: x}}\n"
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
        """The text at `uri` as it is now.

        Raises
        ------
        JsonRpcException
            The editor has not opened it.
        """
        open_text = self.workspace.text_documents.get(unquote(uri))
        if open_text is None:
            raise _refusal(f"no text is open at '{uri[:_LONGEST]}'")
        version = open_text.version if open_text.version is not None else _ANEW
        known = self._documents.get(uri)
        if known is None or known[0] != version or version == _ANEW:
            before = known[1] if known else None
            made = Document(open_text.source, _path(uri), before, self._buffers(uri))
            known = self._documents[uri] = (version, made)
        return known[1]

    async def answer(self, answer: Callable[[Question], Any], params: Any) -> Any:
        """What `answer` says to a request, found beside the loop.

        Raises
        ------
        JsonRpcException
            It is refused.
        """
        document = self.document(params.text_document.uri)
        asked = Question(params, document, self.address, self.workspace.position_encoding)
        try:
            return await in_thread(lambda: answer(asked))
        except UsageError as error:
            raise _refusal(error.diagnostics[0].message) from None

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

    def stop(self) -> None:
        """Check nothing any more."""
        for uri in [*self._waiting]:
            self._cancel(uri)

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
        read = await in_thread(lambda: {uri: d.reads for uri, d in texts.items()})
        for uri in (uri for uri in texts if read[uri] & paths):
            if uri in self._open():
                self._documents[uri] = (_ANEW, texts[uri])
                self._later(uri, self._check(uri, data))

    async def _check(self, uri: str, data: bool) -> None:
        document = self.document(uri)
        version = self.workspace.text_documents[unquote(uri)].version
        publisher = Publisher(uri, document, self.address, self.workspace.position_encoding)
        found = await in_thread(lambda: publisher.published(document.diagnose(data=data)))
        self._checked[uri] = version
        self._publish(uri, found)

    def _publish(self, uri: str, found: dict[str, list[types.Diagnostic]]) -> None:
        for there, shown in self._board.put(uri, found).items():
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(there, shown, self._checked.get(there))
            )


def _path(uri: str) -> Path:
    path = uris.to_fs_path(uri)
    return Path(path if path and "\0" not in path else "untitled.yaml")


def _refusal(message: str) -> JsonRpcException:
    return JsonRpcException(printable(message), _REFUSED)


def make() -> Server:
    """A server with all that it answers."""
    server = Server()
    _watch(server)
    for method, (answer, options) in ANSWERS.items():
        server.feature(method, options)(functools.partial(server.answer, answer))
    return server


def _watch(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def opened(params: Any) -> None:
        server.check(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        server.check(params.text_document.uri, delay=DELAY, data=False)

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

    @server.feature(types.SHUTDOWN)
    def ended(params: None) -> None:
        server.stop()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        await server.changed_on_disk(change.uri for change in params.changes)


def _watches_files(can: types.ClientCapabilities) -> bool:
    """Whether the editor reports files that change, once it is asked to."""
    watching = can.workspace.did_change_watched_files if can.workspace else None
    return bool(watching and watching.dynamic_registration)


class _Refusals(logging.Filter):
    """Keeps refusals, which the editor is given, out of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` is for the log."""
        return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcException))


def _report_ignored(ignored: sys.UnraisableHookArgs) -> None:
    """As Python does, but silent about SystemExit in a thread that has been ended."""
    if ignored.exc_type is not SystemExit:
        sys.__unraisablehook__(ignored)


def serve() -> None:
    """Speak to an editor on standard input and output, until it says to end."""
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_Refusals())
    sys.unraisablehook = _report_ignored
    Document(_FIRST, Path("untitled.yaml")).diagnose()  # imports all that checks need
    # By separate descriptors, as it closes them; and what prints must not come in between.
    with (
        os.fdopen(os.dup(0), "rb") as received,
        os.fdopen(os.dup(1), "wb") as sent,
        contextlib.redirect_stdout(sys.stderr),
    ):
        make().start_io(received, sent)
