"""Diagnostics in the words of the protocol, each in every text where it is to be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from lsprotocol import types

from graphnn.diagnostics import Diagnostic, Span, page_url, printable
from graphnn.lsp.document import Document
from graphnn.lsp.positions import Encoding, Places

_START = types.Range(types.Position(0, 0), types.Position(0, 0))
_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
}


class Publisher:
    """Puts what is wrong with one text into the words of the protocol.

    Parameters
    ----------
    uri : str
        The address of the text.
    document : Document
        The text.
    address : callable
        From the path of another file to its address.
    encoding : PositionEncodingKind or str, optional
        What the client counts.
    """

    def __init__(
        self,
        uri: str,
        document: Document,
        address: Callable[[Path], str],
        encoding: Encoding = None,
    ) -> None:
        self._uri = uri
        self._document = document
        self._address = address
        self._encoding = encoding
        self._places = {str(document.path): Places(document.text, encoding)}

    def published(self, found: Iterable[Diagnostic]) -> dict[str, list[types.Diagnostic]]:
        """By address, what is to be shown there; the text itself has an entry in any case.

        A fault in a file that the text names is shown in both: where the text names the file, and
        where the fault is.
        """
        shown: dict[str, list[types.Diagnostic]] = {self._uri: []}
        for each in found:
            if each.span is None:
                shown[self._uri].append(self._diagnostic(each, _START))
            elif self._is_own(each.span):
                shown[self._uri].append(self._diagnostic(each, self._range(each.span)))
            else:
                shown[self._uri].append(self._where_named(each, each.span))
                exact = self._diagnostic(each, self._range(each.span))
                shown.setdefault(self._location(each.span).uri, []).append(exact)
        return shown

    def _where_named(self, found: Diagnostic, span: Span) -> types.Diagnostic:
        """A diagnostic of another file, where this text names that one."""
        named = self._document.named.get(span.source.name)
        place = named.span if named is not None else None
        made = self._diagnostic(found, self._range(place) if place else _START)
        made.message = f"{_escaped(self._shown(span))}: {made.message}"
        exact = _related(self._location(span), found.message)
        made.related_information = [exact, *(made.related_information or ())]
        return made

    def _diagnostic(self, found: Diagnostic, where: types.Range) -> types.Diagnostic:
        """A diagnostic, with the other places that it mentions."""
        parts = [found.message, *(note.text for note in found.notes if note.span is None)]
        if found.help:
            parts.append(f"help: {found.help}")
        url = page_url(found.code)
        return types.Diagnostic(
            range=where,
            message=_escaped("\n".join(parts)),
            severity=_SEVERITIES[found.severity],
            code=found.code,
            code_description=types.CodeDescription(url) if url else None,
            source="graphnn",
            related_information=[
                _related(self._location(note.span), note.text)
                for note in found.notes
                if note.span is not None
            ],
        )

    def _is_own(self, span: Span) -> bool:
        return span.source.name == str(self._document.path)

    def _shown(self, span: Span) -> str:
        """A place in another file, as short as it can be written from here."""
        path, folder = Path(span.source.name), self._document.path.parent
        name = path.relative_to(folder) if path.is_relative_to(folder) else path
        return f"{name.as_posix()}:{span.line}:{span.column}"

    def _location(self, span: Span) -> types.Location:
        uri = self._uri if self._is_own(span) else self._address(Path(span.source.name))
        return types.Location(uri, self._range(span))

    def _range(self, span: Span) -> types.Range:
        source = span.source
        if source.name not in self._places:
            self._places[source.name] = Places(source.text, self._encoding)
        return self._places[source.name].span(span)


def _related(place: types.Location, text: str) -> types.DiagnosticRelatedInformation:
    return types.DiagnosticRelatedInformation(place, _escaped(text))


def _escaped(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))
