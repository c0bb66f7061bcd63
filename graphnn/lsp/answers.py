"""Answers to requests: what `graphnn.lsp.queries` finds, in the words of the protocol."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lsprotocol import types

from graphnn.lsp import queries
from graphnn.lsp.document import Document
from graphnn.lsp.positions import Encoding, Places

_SORTS = {
    "key": types.CompletionItemKind.Property,
    "word": types.CompletionItemKind.EnumMember,
    "node": types.CompletionItemKind.Variable,
    "size": types.CompletionItemKind.Constant,
    "block": types.CompletionItemKind.Class,
    "parameter": types.CompletionItemKind.Field,
}


class Question:
    """What an editor asks of a text.

    Parameters
    ----------
    params
        As the protocol has them.
    document : Document
        The text that they mean.
    address : callable
        From the path of another file to its address.
    encoding : PositionEncodingKind or str, optional
        What the client counts.
    """

    def __init__(
        self, params: Any, document: Document, address: Callable[[Path], str], encoding: Encoding
    ) -> None:
        self.params = params
        self.document = document
        self.uri: str = params.text_document.uri
        self.address = address
        self.encoding = encoding

    @functools.cached_property
    def places(self) -> Places:
        """Places of the text, as the client counts them."""
        return Places(self.document.text, self.encoding)

    @property
    def index(self) -> int:
        """The character that is asked about."""
        return self.places.index(self.params.position)


def complete(asked: Question) -> types.CompletionList:
    """What may be typed here."""
    offers, length = queries.complete(asked.document, asked.index)
    where = asked.places.range(asked.index - length, asked.index)
    items = [
        types.CompletionItem(
            offer.label,
            kind=_SORTS[offer.sort],
            detail=offer.detail or None,
            text_edit=types.TextEdit(where, offer.label),
        )
        for offer in offers
    ]
    return types.CompletionList(False, items)


def hover(asked: Question) -> types.Hover | None:
    """What is to be seen of what stands here."""
    found = queries.hover(asked.document, asked.index)
    if found is None:
        return None
    text, start, end = found
    shown = types.MarkupContent(types.MarkupKind.Markdown, text)
    return types.Hover(shown, asked.places.range(start, end))


def definition(asked: Question) -> types.Location | None:
    """Where what stands here is defined."""
    found = queries.definition(asked.document, asked.index)
    if found is None:
        return None
    if found.there is None:
        return types.Location(asked.uri, asked.places.range(found.start, found.end))
    source = found.there.source
    place = Places(source.text, asked.encoding).span(found.there)
    return types.Location(asked.address(Path(source.name)), place)


def references(asked: Question) -> list[types.Location]:
    """Every place that mentions what stands here."""
    return [
        types.Location(asked.uri, asked.places.range(each.start, each.end))
        for each in queries.references(asked.document, asked.index)
        if asked.params.context.include_declaration or not each.defines
    ]


def prepare_rename(asked: Question) -> types.Range | None:
    """The name that stands here."""
    found = asked.document.names.at(asked.index)
    return None if found is None else asked.places.range(found.start, found.end)


def rename(asked: Question) -> types.WorkspaceEdit:
    """What is to be replaced for another name."""
    new = asked.params.new_name
    found = queries.rename(asked.document, asked.index, new)
    edits = [types.TextEdit(asked.places.range(each.start, each.end), new) for each in found]
    return types.WorkspaceEdit({asked.uri: edits})


def symbols(asked: Question) -> list[types.DocumentSymbol]:
    """The parts of the text."""
    return _symbols(queries.symbols(asked.document), asked.places, types.SymbolKind.Namespace)


def _symbols(
    found: Iterable[queries.Symbol], places: Places, kind: types.SymbolKind
) -> list[types.DocumentSymbol]:
    return [
        types.DocumentSymbol(
            each.name,
            kind,
            places.range(each.start, each.end),
            places.range(each.start, each.name_end),
            each.detail or None,
            children=_symbols(each.children, places, types.SymbolKind.Variable),
        )
        for each in found
    ]


def formatting(asked: Question) -> list[types.TextEdit]:
    """The text in the canonical layout."""
    before, after = asked.document.text, asked.document.formatted()
    return [] if after == before else [types.TextEdit(asked.places.range(0, len(before)), after)]


ANSWERS: dict[str, tuple[Callable[[Question], Any], Any]] = {
    types.TEXT_DOCUMENT_COMPLETION: (
        complete,
        types.CompletionOptions(trigger_characters=[" ", "[", "{"]),
    ),
    types.TEXT_DOCUMENT_HOVER: (hover, None),
    types.TEXT_DOCUMENT_DEFINITION: (definition, None),
    types.TEXT_DOCUMENT_REFERENCES: (references, None),
    types.TEXT_DOCUMENT_PREPARE_RENAME: (prepare_rename, None),
    types.TEXT_DOCUMENT_RENAME: (rename, types.RenameOptions(prepare_provider=True)),
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (symbols, None),
    types.TEXT_DOCUMENT_FORMATTING: (formatting, None),
}
