"""The server as an editor meets it: a process that speaks on its standard input and output."""

from __future__ import annotations

import sys

import pytest
from lsprotocol import types

import graphnn
from graphnn.cli.commands import lsp
from lsp_editor import Editor

HEAD = "graphnn: 1\nnodes:\n"
GOOD = f"{HEAD}  x: {{op: input, shape: [batch, 2]}}\n  y: {{op: relu, inputs: x}}\n"


@pytest.fixture
def uri(tmp_path):
    return (tmp_path / "net.yaml").as_uri()


@pytest.mark.asyncio(loop_scope="module")
async def test_what_it_can_do(client):
    found = client.found
    assert (found.server_info.name, found.server_info.version) == ("graphnn", graphnn.__version__)
    can = found.capabilities
    assert can.completion_provider.trigger_characters == (" ", "[", "{")
    assert can.hover_provider and can.definition_provider and can.references_provider
    assert can.rename_provider.prepare_provider
    assert can.document_symbol_provider and can.document_formatting_provider


@pytest.mark.asyncio(loop_scope="module")
async def test_errors_as_one_types(client, uri):
    editor = Editor(client, uri, GOOD)
    assert await editor.next_diagnostics() == []
    editor.type(GOOD + "  z: {about: 'é😀', op: rellu, inputs: x}\n")
    (op,) = await editor.next_diagnostics()
    assert (op.code, op.source, op.severity) == ("unknown-op", "graphnn", 1)
    assert op.message == "there is no op 'rellu'\nhelp: did you mean 'relu'?"
    assert editor.shown(op.range) == "rellu"
    for half in ("  z", "  z: {", "  z: {op: add, inputs: [x,", "\t", "  z: 'a"):
        editor.type(GOOD + half)
    found = await editor.next_diagnostics()
    assert [each.code for each in found] == ["yaml-syntax"]  # of the last text, and no other
    editor.type(GOOD)
    assert await editor.next_diagnostics() == []


@pytest.mark.asyncio(loop_scope="module")
async def test_another_file_of_yaml_is_left_alone(client, uri):
    editor = Editor(client, uri, "services:\n  web: {image: nginx}\n")
    assert await editor.next_diagnostics() == []
    editor.type("nodes:\n  web: {image: nginx}\n")
    assert {each.code for each in await editor.next_diagnostics()} == {"missing-key"}


@pytest.mark.asyncio(loop_scope="module")
async def test_places_are_counted_in_utf_16(client, uri):
    text = f"{HEAD}  x: {{about: 'é😀', op: input, shape: [2]}}\n  y: {{about: '😀', op: rleu}}\n"
    editor = Editor(client, uri, text)
    (found,) = await editor.next_diagnostics()
    assert found.range.start.character == len("  y: {about: '**', op: ")
    assert editor.shown(found.range) == "rleu"
    shown = await client.text_document_hover_async(
        types.HoverParams(editor.where, editor.at("op: |input"))
    )
    assert shown.contents.value.startswith("**input** (source)")
    assert editor.shown(shown.range) == "input"


@pytest.mark.asyncio(loop_scope="module")
async def test_places_in_a_long_line(client, uri):
    about = "😀é" * 700
    text = f"{HEAD}  x: {{about: {about}, op: input, shape: [2]}}\n"
    editor = Editor(client, uri, text.replace("input", "inputt"))
    (found,) = await editor.next_diagnostics()
    assert editor.shown(found.range) == "inputt"
    assert found.range.start.character == len(f"  x: {{about: {'***' * 700}, op: ")


@pytest.mark.asyncio(loop_scope="module")
async def test_other_places_of_an_error(client, uri):
    editor = Editor(client, uri, GOOD + "  y: {op: relu, inputs: x}\n")
    (found,) = await editor.next_diagnostics()
    assert found.code == "duplicate-key"
    (other,) = found.related_information
    assert (other.location.uri, other.location.range.start.line) == (uri, 3)


@pytest.mark.asyncio(loop_scope="module")
async def test_completion(client, uri):
    editor = Editor(client, uri, GOOD + "  z: {op: rel")
    await editor.next_diagnostics()
    found = await client.text_document_completion_async(
        types.CompletionParams(editor.where, editor.at("op: rel|"))
    )
    (relu,) = [item for item in found.items if item.label == "relu"]
    assert relu.detail == "Rectifier 'y = max(x, 0)'."
    assert editor.shown(relu.text_edit.range) == "rel"
    editor.type(GOOD + "  z: {op: relu, inputs: ")
    found = await client.text_document_completion_async(
        types.CompletionParams(editor.where, editor.at("  z: {op: relu, inputs: |"))
    )
    assert [item.label for item in found.items] == ["x", "y"]


@pytest.mark.asyncio(loop_scope="module")
async def test_definition_references_and_rename(client, uri):
    editor = Editor(client, uri, GOOD.replace("op: relu", "about: 😀, op: relu"))
    await editor.next_diagnostics()
    place = editor.at("inputs: |x")
    found = await client.text_document_definition_async(types.DefinitionParams(editor.where, place))
    assert (found.uri, found.range.start) == (uri, editor.at("  |x: {op: input"))
    found = await client.text_document_references_async(
        types.ReferenceParams(types.ReferenceContext(True), editor.where, place)
    )
    assert [editor.shown(each.range) for each in found] == ["x", "x"]
    where = await client.text_document_prepare_rename_async(
        types.PrepareRenameParams(editor.where, place)
    )
    assert editor.shown(where) == "x"
    edit = await client.text_document_rename_async(types.RenameParams(editor.where, place, "rows"))
    places = [(e.range.start.line, e.range.start.character, e.new_text) for e in edit.changes[uri]]
    wanted = [editor.at("  |x: {op: input"), place]
    assert places == [(each.line, each.character, "rows") for each in wanted]
    with pytest.raises(Exception, match="'no name' cannot be the name of a node"):
        await client.text_document_rename_async(types.RenameParams(editor.where, place, "no name"))


@pytest.mark.asyncio(loop_scope="module")
async def test_symbols_and_formatting(client, uri):
    editor = Editor(client, uri, "graphnn:  1\nnodes:\n  x: {op: input,   shape: [2]}\n")
    await editor.next_diagnostics()
    found = await client.text_document_document_symbol_async(
        types.DocumentSymbolParams(editor.where)
    )
    assert [each.name for each in found] == ["graphnn", "nodes"]
    assert [(each.name, each.detail) for each in found[1].children] == [("x", "input")]
    (edit,) = await client.text_document_formatting_async(
        types.DocumentFormattingParams(editor.where, types.FormattingOptions(2, True))
    )
    assert edit.new_text == "graphnn: 1\n\nnodes:\n  x: {op: input, shape: [2]}\n"
    assert edit.range == types.Range(types.Position(0, 0), types.Position(3, 0))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_text_that_is_closed_has_no_errors(client, uri):
    editor = Editor(client, uri, "nodes: 1")
    assert await editor.next_diagnostics() != []
    editor.close()
    assert await editor.next_diagnostics() == []


def test_without_pygls_it_says_what_to_install(monkeypatch):
    monkeypatch.delattr("graphnn.lsp.serve")  # which the face may hold by now
    monkeypatch.setitem(sys.modules, "pygls.lsp.server", None)
    monkeypatch.delitem(sys.modules, "graphnn.lsp.server", raising=False)
    with pytest.raises(graphnn.GraphnnError) as caught:
        lsp.lsp()
    assert str(caught.value) == (
        "error[no-pygls]: the language server needs pygls, which is not installed\n"
        "   = help: pip install 'graphnn[lsp]'"
    )
