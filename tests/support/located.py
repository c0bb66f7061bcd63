"""Located values out of YAML, by PyYAML's own node tree, and views of errors for assertions."""

from __future__ import annotations

import pytest
import yaml

from graphnn.diagnostics import Diagnostic, GraphnnError, Source
from graphnn.spec.values import Entry, Map, Scalar, Seq, Value


def located_yaml(text: str) -> Value:
    """`text` as located values, in a source called ``spec.yaml``."""
    return _convert(yaml.compose(text, yaml.SafeLoader), Source("spec.yaml", text))


def _convert(node: yaml.Node, source: Source) -> Value:
    start, end = node.start_mark, node.end_mark
    place = (source, start.line, start.column, end.line, end.column)
    if isinstance(node, yaml.ScalarNode):
        return Scalar(yaml.safe_load(f"{node.value}") if node.value else None, *place)
    if isinstance(node, yaml.SequenceNode):
        return Seq([_convert(item, source) for item in node.value], *place)
    entries = {
        key.value: Entry(_convert(key, source), _convert(value, source))
        for key, value in node.value
    }
    return Map(entries, *place)


def marked(found: Diagnostic) -> str:
    """The text under a diagnostic's span, on one line."""
    assert found.span is not None
    assert found.span.line == found.span.end_line
    line = found.span.source.text.split("\n")[found.span.line - 1]
    return line[found.span.column - 1 : found.span.end_column - 1]


def reported(error: pytest.ExceptionInfo[GraphnnError]) -> list[tuple[str, str, str]]:
    """Code, message and help of every diagnostic."""
    return [(d.code, d.message, d.help) for d in error.value.diagnostics]
