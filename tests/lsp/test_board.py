"""What is shown at an address that several texts report."""

from __future__ import annotations

from lsprotocol.types import Diagnostic, Position, Range

from graphnn.lsp.diagnostic_store import DiagnosticStore


def fault(line: int, code: str = "a") -> Diagnostic:
    return Diagnostic(Range(Position(line, 0), Position(line, 1)), f"of {code}", code=code)


def test_own_faults_first_and_each_once():
    board = DiagnosticStore()
    assert board.put("spec", {"spec": [fault(9)], "blocks": [fault(1), fault(2)]}) == {
        "spec": [fault(9)],
        "blocks": [fault(1), fault(2)],
    }
    own = [fault(2), fault(2, "b"), fault(3)]
    shown = {"blocks": [*own, fault(1)]}
    assert board.put("blocks", {"blocks": own}) == shown
    assert board.put("other", {"other": [], "blocks": [fault(1)]}) == {"other": []}


def test_what_is_mended_goes():
    board = DiagnosticStore()
    board.put("spec", {"spec": [], "blocks": [fault(1)]})
    board.put("other", {"other": [], "blocks": [fault(1), fault(2)]})
    assert board.put("spec", {"spec": []}) == {"spec": []}  # the other still reports them
    assert board.put("other", {"other": []}) == {"other": [], "blocks": []}


def test_a_text_that_changes_keeps_its_own():
    board = DiagnosticStore()
    board.put("spec", {"spec": [], "blocks": [fault(1)]})
    board.put("blocks", {"blocks": [fault(2)]})
    board.keep_own("blocks")
    assert board.put("third", {"third": [], "blocks": [fault(3)]})["blocks"] == [fault(2), fault(3)]
    board.clear("blocks")
    assert board.put("blocks", {}) == {"blocks": []}
