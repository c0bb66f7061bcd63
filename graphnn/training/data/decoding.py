"""Bytes of a file as the text that they are in UTF-8."""

from __future__ import annotations

import codecs

from graphnn.diagnostics import DataError, Source, Span


def decoded(name: str, content: bytes, what: str) -> Source:
    """The text of the file `name`, with every line end as LF; messages call the file `what`.

    Raises
    ------
    DataError
        It is not UTF-8; with the place of the first byte that is not.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return Source(name, _with_newlines(content.decode()))
    except UnicodeDecodeError as error:
        source = Source(name, _with_newlines(content.decode(errors="replace")))
        before = _with_newlines(content[: error.start].decode()).split("\n")
        line, column = len(before), len(before[-1]) + 1
        span, help = Span(source, line, column, line, column + 1), f"save the {what} as UTF-8"
        raise DataError.of("not-text", "this is not UTF-8", span, help=help) from None


def _with_newlines(text: str) -> str:
    """`text` with every line end as LF, so that lines count as `Source` counts them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
