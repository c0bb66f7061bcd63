"""Messages of any kind and order: every request is answered, and nothing but refusals refuses."""

from __future__ import annotations

import pytest

from lsp_messages import GOOD, Session, run
from waiting import until

ENDLESS = """
import time
from pathlib import Path
from typing import Literal

from graphnn.ops import Op, data


class Endless(Op):
    'An op whose shape is never found.'

    op: Literal["endless"] = "endless"
    operands = (data("x", "..."),)

    def infer_shape(self, *shapes):
        Path("begun").touch()
        try:
            while True:
                time.sleep(0.001)
        finally:
            Path("ended").touch()

    def forward(self, x):
        return x

    def vjp(self, cotangent, output, x):
        return (cotangent,)
"""


@pytest.fixture(scope="module")
def session():
    made = Session()
    yield made
    made.end()


def opened(session, uri, text=GOOD):
    document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
    session.notify("textDocument/didOpen", {"textDocument": document})


def asked(uri, line=0, character=0, **more):
    return {
        "textDocument": {"uri": uri},
        "position": {"line": line, "character": character},
        **more,
    }


def shown(session, uri, codes):
    def published():
        return session.published.get(uri, [{"code": ""}])

    until(lambda: [each["code"] for each in published()] == codes, published)


@pytest.mark.parametrize(("seed", "count"), [(1, 30), pytest.param(2, 400, marks=pytest.mark.slow)])
def test_any_messages(seed, count, tmp_path):
    assert run(seed, count, tmp_path) == []


@pytest.mark.parametrize("uri", ["http://example.org/net.yaml", "untitled:a", "file:///a%00b.yaml"])
def test_a_text_that_is_no_file_is_one_like_others(session, uri):
    opened(session, uri, GOOD.replace("softmax", "softmaxx"))
    shown(session, uri, ["unknown-op"])
    found = session.ask("textDocument/hover", asked(uri, 5, 12))["result"]
    assert found["contents"]["value"].startswith("**input** (source)")


@pytest.mark.parametrize("uri", ["http://example.org/a.yaml", "file:///net.yaml", "", "\x1b[31m"])
def test_a_text_that_is_not_open_is_refused(session, uri):
    error = session.ask("textDocument/hover", asked(uri))["error"]
    shown = uri.replace("\x1b", "\ufffd")
    assert (error["code"], error["message"]) == (-32803, f"no text is open at '{shown}'")


@pytest.mark.slow
def test_a_refused_rename_is_one_line_without_an_escape_and_not_in_the_log():
    session = Session()
    opened(session, "untitled:a")
    at = asked("untitled:a", 5, 2, newName="\x1b[31mred")
    error = session.ask("textDocument/rename", at)["error"]
    assert error["code"] == -32803
    assert error["message"] == "'\ufffd[31mred' cannot be the name of a node"
    session.end()
    assert session.log == ""


def test_a_diagnostic_holds_no_escape(session):
    opened(session, "untitled:c", GOOD.replace("softmax", '"soft\\u001bmax"'))
    shown(session, "untitled:c", ["unknown-op"])
    (found,) = session.published["untitled:c"]
    assert found["message"] == "there is no op 'soft\ufffdmax'\nhelp: did you mean 'softmax'?"


@pytest.mark.slow
def test_a_newer_text_ends_the_check_of_the_older_and_shutdown_does_not_wait(tmp_path):
    (tmp_path / "endless.py").write_text(ENDLESS)
    session = Session("--import", "endless", folder=tmp_path)
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    slow, bad = (GOOD.replace("softmax", op) for op in ("endless", "softmaxx"))
    opened(session, "untitled:a", slow)
    until(begun.exists)
    for version, text in enumerate((slow + "  z: {op: rel", bad), 2):
        document = {"uri": "untitled:a", "version": version}
        change = {"textDocument": document, "contentChanges": [{"text": text}]}
        session.notify("textDocument/didChange", change)
    shown(session, "untitled:a", ["unknown-op"])
    until(ended.exists)
    begun.unlink()
    opened(session, "untitled:b", slow)
    until(begun.exists)
    session.end()
