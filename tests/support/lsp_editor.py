"""An editor for tests of the server."""

from __future__ import annotations

import asyncio

from lsprotocol import types
from pytest_lsp import LanguageClient

from waiting import PATIENCE

_AGAIN = 0.02  # seconds until what is published is looked at again


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

    async def next_diagnostics(self) -> list[types.Diagnostic]:
        """What is published of this text from now on; of other texts, anything may come between."""
        before = self.client.diagnostics.get(self.uri)
        async with asyncio.timeout(PATIENCE):
            while (found := self.client.diagnostics.get(self.uri)) is before:
                await asyncio.sleep(_AGAIN)
        return list(found)

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
    found: list[types.Diagnostic] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while [each.code for each in found] != list(codes) or uri not in client.diagnostics:
                await asyncio.sleep(_AGAIN)
                found = list(client.diagnostics.get(uri, ()))
    except TimeoutError:
        raise AssertionError(f"{uri} shows {found}, not {list(codes)}") from None
    return found
