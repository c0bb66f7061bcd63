"""An editor for tests of the server."""

from __future__ import annotations

import asyncio

from lsprotocol import types
from pytest_lsp import LanguageClient


class Editor:
    """An editor with one text open."""

    def __init__(self, client: LanguageClient, uri: str, text: str) -> None:
        self.client, self.uri, self.text, self.version = client, uri, text, 1
        client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "yaml", 1, text))
        )

    @property
    def where(self) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.uri)

    def type(self, text: str) -> None:
        """Replace all of the text."""
        self.version += 1
        self.text = text
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.version, self.uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    async def told(self) -> list[types.Diagnostic]:
        """The next diagnostics that are published."""
        # On a busy machine, what is told of another text may still be under way.
        await self.client.wait_for_notification("textDocument/publishDiagnostics")
        while self.uri not in self.client.diagnostics:
            await self.client.wait_for_notification("textDocument/publishDiagnostics")
        return list(self.client.diagnostics[self.uri])

    def close(self) -> None:
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(self.where))

    def save(self) -> None:
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(self.where))

    def at(self, mark: str) -> types.Position:
        """The position of what follows `|` in `mark`, in UTF-16."""
        index = self.text.index(mark.replace("|", "")) + mark.index("|")
        before = self.text[:index].split("\n")
        return types.Position(len(before) - 1, len(before[-1].encode("utf-16-le")) // 2)

    def shown(self, range: types.Range) -> str:
        """The text that a range in one line stands for."""
        line = self.text.split("\n")[range.start.line].encode("utf-16-le")
        return line[2 * range.start.character : 2 * range.end.character].decode("utf-16-le")


async def shown(client: LanguageClient, uri: str, *codes: str) -> list[types.Diagnostic]:
    """What is shown at `uri`, once it has these codes; whatever else is shown before."""
    for _ in range(200):
        found = list(client.diagnostics.get(uri, ()))
        if [each.code for each in found] == list(codes) and uri in client.diagnostics:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{uri} shows {found}, not {list(codes)}")
