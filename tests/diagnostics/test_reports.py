"""Diagnostics for editors, programs and services."""

from __future__ import annotations

import json

import pytest

import graphnn
from graphnn.diagnostics import Diagnostic, Note, Source, Span, UsageError

SOURCE = Source("nets/a,b:100%.yaml", "graphnn: 1\nnodes:\n  x: {op: relu}\n")
ERROR = Diagnostic(
    "unknown-op",
    "there is no op 'relu,\r\n100%'",
    Span(SOURCE, 3, 11, 3, 15),
    "here",
    (Note("first", Span(SOURCE, 1, 1, 1, 8)), Note("because")),
    "did you mean 'elu'?",
)
LONG = Diagnostic("too-long", "two lines", Span(SOURCE, 1, 9, 2, 4), severity="warning")
NOWHERE = Diagnostic("usage", "no place")
ALL = (ERROR, LONG, NOWHERE)


def test_text_is_what_an_error_says():
    assert graphnn.format_diagnostics(ALL) == graphnn.format_diagnostics(ALL, "text")
    assert graphnn.format_diagnostics(ALL) == f"{graphnn.GraphnnError(*ALL)}\n"
    assert graphnn.format_diagnostics(()) == ""


def test_short():
    assert graphnn.format_diagnostics(ALL, "short") == (
        "nets/a,b:100%.yaml:3:11: error[unknown-op]: there is no op 'relu,\ufffd\ufffd100%'\n"
        "nets/a,b:100%.yaml:1:9: warning[too-long]: two lines\n"
        "error[usage]: no place\n"
    )
    assert graphnn.format_diagnostics((), "short") == ""


def test_json():
    pages = "https://graphnn.readthedocs.io/page/errors"
    urls = (f"{pages}/unknown-op.html", None, f"{pages}/usage.html")
    assert json.loads(graphnn.format_diagnostics(ALL, "json")) == [
        {**found.as_dict(), "url": url} for found, url in zip(ALL, urls, strict=True)
    ]
    assert graphnn.format_diagnostics((), "json") == "[]\n"


def test_github():
    # Escapes as in @actions/toolkit, packages/core/src/command.ts.
    place = "file=nets/a%2Cb%3A100%25.yaml"
    assert graphnn.format_diagnostics(ALL, "github") == (
        f"::error {place},line=3,endLine=3,col=11,endColumn=15,title=unknown-op::"
        "there is no op 'relu,\ufffd\ufffd100%25'%0A"
        "note: first (nets/a,b:100%25.yaml:1:1)%0Anote: because%0Ahelp: did you mean 'elu'?\n"
        f"::warning {place},line=1,endLine=2,title=too-long::two lines\n"
        "::error title=usage::no place\n"
    )


def test_a_name_cannot_move_the_cursor_of_a_workflow():
    found = Diagnostic("bad", "x", Span(Source("a\x1b[2J\r\n.yaml"), 1, 1, 1, 2))
    place = "file=a\ufffd[2J\ufffd\ufffd.yaml,line=1,endLine=1,col=1,endColumn=2,title=bad"
    assert graphnn.format_diagnostics([found], "github") == f"::error {place}::x\n"


def test_sarif():
    uri = "nets/a%2Cb%3A100%25.yaml"

    def place(line, column, end_line, end_column):
        region = {
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
        }
        return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}

    log = json.loads(graphnn.format_diagnostics([ERROR, LONG, NOWHERE, LONG], "sarif"))
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "graphnn"
    assert [rule["id"] for rule in rules] == ["unknown-op", "too-long", "usage"]
    assert run["columnKind"] == "unicodeCodePoints"
    results = run["results"]
    assert results[0] == {
        "ruleId": "unknown-op",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "there is no op 'relu,\r\n100%'; here; because; did you mean 'elu'?"},
        "locations": [place(3, 11, 3, 15)],
        "relatedLocations": [{"message": {"text": "first"}, **place(1, 1, 1, 8)}],
    }
    assert results[1] == {
        "ruleId": "too-long",
        "ruleIndex": 1,
        "level": "warning",
        "message": {"text": "two lines"},
        "locations": [place(1, 9, 2, 4)],
    }
    assert results[2] == {
        "ruleId": "usage",
        "ruleIndex": 2,
        "level": "error",
        "message": {"text": "no place"},
    }
    assert results[3]["ruleIndex"] == 1


def test_sarif_of_nothing():
    (run,) = json.loads(graphnn.format_diagnostics((), "sarif"))["runs"]
    # Present and empty: the check ran and found nothing (SARIF 2.1.0, 3.14.23).
    assert run["results"] == []


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("/home/é x.yaml", "file:///home/%C3%A9%20x.yaml"),
        ("a\\b.yaml", "a/b.yaml"),
        ("<text>", "%3Ctext%3E"),
        ("bad\udcff", "bad%3F"),
    ],
)
def test_file_names_as_uris(name, uri):
    found = Diagnostic("c", "m", Span(Source(name), 1, 1, 1, 1))
    (run,) = json.loads(graphnn.format_diagnostics([found], "sarif"))["runs"]
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"]["artifactLocation"] == {"uri": uri}


def test_another_format():
    with pytest.raises(UsageError) as caught:
        graphnn.format_diagnostics(ALL, "sharif")
    assert str(caught.value) == (
        "error[unknown-format]: diagnostics are rendered as text, short, json, sarif, github, "
        "not as 'sharif'\n   = help: did you mean 'sarif'?"
    )


def test_sarif_links_to_the_pages():
    (run,) = json.loads(graphnn.format_diagnostics(ALL, "sarif"))["runs"]
    rules = {rule["id"]: rule.get("helpUri") for rule in run["tool"]["driver"]["rules"]}
    pages = "https://graphnn.readthedocs.io/page/errors"
    assert rules == {
        "unknown-op": f"{pages}/unknown-op.html",
        "too-long": None,
        "usage": f"{pages}/usage.html",
    }
