"""Diagnostics as text: for people, editors, other programs, and services that read code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, get_args
from urllib.parse import quote

from graphnn.diagnostics._diagnostic import Diagnostic, readable
from graphnn.diagnostics._errors import UsageError
from graphnn.diagnostics._excerpts import Span, printable
from graphnn.diagnostics._pages import page_url, summary
from graphnn.diagnostics._suggestions import suggestion

ReportFormat = Literal["text", "short", "json", "sarif", "github"]
_SARIF = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def format_diagnostics(diagnostics: Iterable[Diagnostic], format: ReportFormat = "text") -> str:
    """`diagnostics` as one text.

    Parameters
    ----------
    diagnostics : iterable of Diagnostic
        Such as `diagnose` gives, or an error carries.
    format : {"text", "short", "json", "sarif", "github"}, optional
        As compilers show them; a line each, ``file:line:column: severity[code]: message``; a list
        of `Diagnostic.as_dict`, each with the ``url`` of the page on its code; SARIF 2.1.0, which
        code scanners and editors read; or workflow commands, which GitHub shows beside the lines
        of a pull request.

    Raises
    ------
    UsageError
        There is no such format.

    Notes
    -----
    SARIF: OASIS Standard, *Static Analysis Results Interchange Format Version 2.1.0*, with columns
    in Unicode code points, counted from 1, the end of a region exclusive (sections 3.14.17, 3.30).
    GitHub: *Workflow commands for GitHub Actions*; ``%``, line ends and, in properties, ``:`` and
    ``,`` are escaped as its toolkit does.
    """
    if format not in get_args(ReportFormat):
        message = f"diagnostics are rendered as {', '.join(_WRITERS)}, not as '{format}'"
        raise UsageError.of("unknown-format", message, help=suggestion(str(format), _WRITERS))
    given = tuple(diagnostics) if isinstance(diagnostics, Iterable) else (diagnostics,)
    for found in given:
        if not isinstance(found, Diagnostic):
            message = f"diagnostics are needed here, not {type(found).__name__}"
            raise UsageError.of("bad-option", message)
    return _WRITERS[format](given)


def _text(diagnostics: Sequence[Diagnostic]) -> str:
    shown, rest = readable(diagnostics)
    return "\n".join([*map(str, shown), *([f"{rest}\n"] if rest else [])])


def _short(diagnostics: Sequence[Diagnostic]) -> str:
    shown, rest = readable(diagnostics)
    return "".join(f"{line}\n" for line in (*map(_line, shown), rest) if line)


def _line(found: Diagnostic) -> str:
    place = f"{found.span}: " if found.span else ""
    return f"{place}{found.severity}[{found.code}]: {printable(found.message)}"


def _json(diagnostics: Sequence[Diagnostic]) -> str:
    listed = [{**found.as_dict(), "url": page_url(found.code)} for found in diagnostics]
    return json.dumps(listed, indent=2) + "\n"


def _github(diagnostics: Sequence[Diagnostic]) -> str:
    return "".join(f"{_command(found)}\n" for found in diagnostics)


def _command(found: Diagnostic) -> str:
    properties: dict[str, object] = {}
    if (span := found.span) is not None:
        properties = {"file": span.source.name, "line": span.line, "endLine": span.end_line}
        if span.line == span.end_line:  # GitHub takes columns of a single line alone
            properties |= {"col": span.column, "endColumn": span.end_column}
    properties["title"] = found.code
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{found.severity} {listed}::{_data(_whole(found))}"


def _whole(found: Diagnostic) -> str:
    """Message, notes and help, one a line."""
    lines = [found.message]
    for note in found.notes:
        place = f" ({note.span})" if note.span else ""
        lines.append(f"note: {note.text}{place}")
    if found.help:
        lines.append(f"help: {found.help}")
    return "\n".join(map(printable, lines))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    # Of a workflow on a terminal, a name could else move the cursor.
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")


def _sarif(diagnostics: Sequence[Diagnostic]) -> str:
    codes = list(dict.fromkeys(found.code for found in diagnostics))
    driver = {"name": "graphnn", "rules": [_rule(code) for code in codes]}
    results = [_result(found, codes.index(found.code)) for found in diagnostics]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(name: str) -> dict[str, Any]:
    url = page_url(name)
    if url is None:  # one made by a caller
        return {"id": name}
    title, why = summary(name)
    text = {"shortDescription": {"text": f"{title}."}, "fullDescription": {"text": why}}
    help = {"text": f"graphnn explain {name}"}
    return {"id": name, **text, "help": help, "helpUri": url}


def _result(found: Diagnostic, rule: int) -> dict[str, Any]:
    remarks = [note.text for note in found.notes if note.span is None]
    text = "; ".join(filter(None, (found.message, found.label, *remarks, found.help)))
    result: dict[str, Any] = {"ruleId": found.code, "ruleIndex": rule, "level": found.severity}
    result["message"] = {"text": text}
    if found.span is not None:
        result["locations"] = [_location(found.span)]
    related = [
        {"message": {"text": note.text}, **_location(note.span)}
        for note in found.notes
        if note.span is not None
    ]
    if related:
        result["relatedLocations"] = related
    return result


def _location(span: Span) -> dict[str, Any]:
    names = ("startLine", "startColumn", "endLine", "endColumn")
    region = dict(zip(names, span.corners, strict=True))
    place = {"artifactLocation": {"uri": _uri(span.source.name)}, "region": region}
    return {"physicalLocation": place}


def _uri(name: str) -> str:
    """A file name as a URI: relative where the name is."""
    path = quote(name.replace("\\", "/"), errors="replace")
    return f"file://{path}" if path.startswith("/") else path


_WRITERS: dict[str, Callable[[Sequence[Diagnostic]], str]] = {
    "text": _text,
    "short": _short,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
assert tuple(_WRITERS) == get_args(ReportFormat)
