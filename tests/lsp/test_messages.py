"""Messages of any kind and order: every request is answered, and nothing but refusals refuses."""

from __future__ import annotations

import time

import pytest

from lsp_messages import GOOD, Session, run

BIG = "graphnn: 1\nnodes:\n  n0: {op: input, shape: [batch, 3]}\n" + "".join(
    f"  n{i + 1}: {{op: relu, inputs: n{i}}}\n" for i in range(20_000)
)


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


def shown(session, uri, codes, seconds=60.0):
    end = time.monotonic() + seconds
    while [each["code"] for each in session.published.get(uri, [{"code": ""}])] != codes:
        assert time.monotonic() < end, session.published.get(uri)
        time.sleep(0.01)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_any_messages(seed, tmp_path):
    assert run(seed, 250, tmp_path) == []


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


def test_a_newer_text_ends_the_check_of_the_older_and_shutdown_does_not_wait():
    session = Session()
    opened(session, "untitled:a", BIG)
    time.sleep(0.2)
    for version, text in enumerate((BIG + "  z: {op: rel", GOOD.replace("softmax", "softmaxx")), 2):
        document = {"uri": "untitled:a", "version": version}
        change = {"textDocument": document, "contentChanges": [{"text": text}]}
        session.notify("textDocument/didChange", change)
        time.sleep(0.4)
    shown(session, "untitled:a", ["unknown-op"], seconds=5)
    opened(session, "untitled:b", BIG)
    time.sleep(0.5)
    assert session.end() < 5
