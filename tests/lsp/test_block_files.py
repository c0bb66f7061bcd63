"""Faults in files of blocks: shown where a spec names the file, and where they are."""

from __future__ import annotations

import asyncio

import pytest
from lsprotocol import types

from lsp_editor import Editor, shown
from waiting import PATIENCE

BLOCKS = "graphnn: 1\nblocks:\n  b: {inputs: [x], nodes: {y: {op: relu, inputs: x}}, output: y}\n"
NET = (
    "graphnn: 1\nblocks: {file: common.yaml}\nnodes:\n"
    "  x: {op: input, shape: [batch, 2]}\n  z: {block: b, inputs: x}\n"
)
NARROW = (
    "graphnn: 1\nblocks:\n  b:\n    inputs: [x]\n    nodes:\n"
    "      a: {op: affine, inputs: x, units: 3}\n      s: {op: add, inputs: [a, x]}\n"
    "    output: s\n"
)
WATCHED = "workspace/didChangeWatchedFiles"


def wrong(text: str) -> str:
    return text.replace("relu", "rleu")


def place(range: types.Range) -> tuple[int, int, int, int]:
    return (range.start.line, range.start.character, range.end.line, range.end.character)


@pytest.fixture
def files(tmp_path):
    """Writes files; gives their addresses."""

    def write(**texts: str) -> list[str]:
        paths = [tmp_path / f"{name.replace('__', '/')}.yaml" for name in texts]
        for path, text in zip(paths, texts.values(), strict=True):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return [path.as_uri() for path in paths]

    return write


@pytest.mark.asyncio(loop_scope="module")
async def test_a_fault_is_shown_where_the_file_is_named_and_in_the_file(client, files):
    common, net = files(common=wrong(BLOCKS), net=NET)
    editor = Editor(client, net, NET)
    (named,) = await shown(client, net, "unknown-op")
    assert editor.shown(named.range) == "common.yaml"
    assert named.message == ("common.yaml:3:36: there is no op 'rleu'\nhelp: did you mean 'relu'?")
    page = "https://graphnn.readthedocs.io/page/errors/unknown-op.html"
    assert named.code_description.href == page
    (other,) = named.related_information
    assert (other.location.uri, place(other.location.range)) == (common, (2, 35, 2, 39))
    assert other.message == "there is no op 'rleu'"
    (exact,) = await shown(client, common, "unknown-op")
    assert place(exact.range) == (2, 35, 2, 39)
    assert exact.message == "there is no op 'rleu'\nhelp: did you mean 'relu'?"
    assert list(exact.related_information) == []
    editor.close()
    assert await shown(client, net) == []
    assert await shown(client, common) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_fault_that_a_use_brings_about(client, files):
    common, net = files(common=NARROW, net=NET)
    editor = Editor(client, net, NET)
    (named,) = await shown(client, net, "shape-mismatch")
    assert editor.shown(named.range) == "common.yaml"
    message = (
        "shapes do not fit at 'z.s': 'b' has shape [batch, 2], which does not broadcast against "
        "[batch, 3]: 3 and 2 differ\n"
        "help: sizes match from the last axis on; only a size of 1 stretches"
    )
    assert named.message == f"common.yaml:7:32: {message}"
    (exact,) = await shown(client, common, "shape-mismatch")
    assert (exact.message, place(exact.range)) == (message, (6, 31, 6, 32))
    places = [(each.location.uri, each.message) for each in exact.related_information]
    assert places == [
        (common, "'a' is 'z.a', affine of 'x': [batch, 3]"),
        (net, "'b' is 'x', input: [batch, 2]"),
        (net, "'z' is the block 'b', used here"),
    ]
    # The file by itself has no fault: what the spec reports stays as long as it is open.
    blocks = Editor(client, common, NARROW)
    blocks.type(f"# above\n{NARROW}")
    async with asyncio.timeout(PATIENCE):
        while (await shown(client, common, "shape-mismatch"))[0].range.start.line != 7:
            await asyncio.sleep(0.05)
    (exact,) = await shown(client, common, "shape-mismatch")
    assert place(exact.range) == (7, 31, 7, 32)
    editor.close()
    assert await shown(client, common) == []
    blocks.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_file_that_is_open_is_read_as_it_stands_in_the_editor(client, files):
    common, net = files(common=BLOCKS, net=NET)
    spec, blocks = Editor(client, net, NET), Editor(client, common, BLOCKS)
    await shown(client, net)
    await shown(client, common)
    blocks.type(wrong(BLOCKS))
    await shown(client, net, "unknown-op")
    await shown(client, common, "unknown-op")  # once, though the spec reports it too
    blocks.type("graphnn: 1\nblocks: {\n")
    (named,) = await shown(client, net, "yaml-syntax")
    assert spec.shown(named.range) == "common.yaml"
    blocks.type(BLOCKS)
    assert await shown(client, net) == []
    assert await shown(client, common) == []
    blocks.type(wrong(BLOCKS))
    await shown(client, net, "unknown-op")
    blocks.close()  # without saving
    assert await shown(client, net) == []
    assert await shown(client, common) == []
    spec.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_file_that_is_not_saved_yet(client, files, tmp_path):
    (net,) = files(net=NET)
    spec = Editor(client, net, NET)
    (gone,) = await shown(client, net, "no-such-file")
    assert spec.shown(gone.range) == "common.yaml"
    blocks = Editor(client, (tmp_path / "common.yaml").as_uri(), BLOCKS)
    assert await shown(client, net) == []
    blocks.close()
    await shown(client, net, "no-such-file")
    spec.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_files_of_files(client, files):
    inner = "graphnn: 1\nblocks: {file: deep.yaml}\n"
    text = NET.replace("common.yaml", "[other.yaml, inner/a.yaml]")
    deep, _, _, net = files(
        inner__deep=wrong(BLOCKS), inner__a=inner, other="graphnn: 1\nblocks: {}\n", net=text
    )
    spec = Editor(client, net, text)
    (named,) = await shown(client, net, "unknown-op")
    assert spec.shown(named.range) == "inner/a.yaml"
    assert named.message.startswith("inner/deep.yaml:3:36: there is no op 'rleu'\n")
    await shown(client, deep, "unknown-op")
    blocks = Editor(client, deep, BLOCKS)
    assert await shown(client, net) == []
    assert await shown(client, deep) == []
    blocks.close()
    spec.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_several_specs_report_a_fault_once(client, files):
    common, one, two = files(common=wrong(BLOCKS), one=NET, two=NET)
    first, second = Editor(client, one, NET), Editor(client, two, NET)
    await shown(client, one, "unknown-op")
    await shown(client, two, "unknown-op")
    await shown(client, common, "unknown-op")
    first.close()
    await shown(client, one)
    await shown(client, common, "unknown-op")
    second.type(NET.replace("common.yaml", "[]"))
    await shown(client, two, "unknown-block")
    assert await shown(client, common) == []
    second.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_file_outside_is_not_read_though_it_is_open(client, files):
    text = NET.replace("common.yaml", "../common.yaml")
    common, net = files(common=wrong(BLOCKS), inner__net=text)
    blocks = Editor(client, common, wrong(BLOCKS))
    await shown(client, common, "unknown-op")
    spec = Editor(client, net, text)
    (found,) = await shown(client, net, "file-outside")
    assert spec.shown(found.range) == "../common.yaml"
    blocks.type(BLOCKS)
    await shown(client, common)
    assert [each.code for each in client.diagnostics[net]] == ["file-outside"]
    place = types.DefinitionParams(spec.where, spec.at("../|common.yaml"))
    assert await client.text_document_definition_async(place) is None
    spec.close()
    blocks.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_file_that_another_program_changes(client, files, tmp_path):
    common, net = files(common=wrong(BLOCKS), net=NET)
    spec = Editor(client, net, NET)
    await shown(client, net, "unknown-op")
    (asked,) = client.registered
    assert asked.method == WATCHED
    assert asked.register_options == {"watchers": [{"globPattern": "**/*.{yaml,yml,json}"}]}
    files(common=BLOCKS)
    changed = types.FileEvent(common, types.FileChangeType.Changed)
    client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([changed]))
    assert await shown(client, net) == []
    assert await shown(client, common) == []
    spec.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_table_that_the_spec_names(client, tmp_path):
    (tmp_path / "rows.csv").write_text("x,t\n1,2\n3,four\n")
    text = (
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 1]}\n"
        "  t: {op: input, shape: [batch, 1]}\n  y: {op: affine, inputs: x, units: 1}\n"
        "  e: {op: mean_squared_error, inputs: [y, t]}\n"
        "train: {data: {csv: rows.csv}, loss: e, batch_size: 1}\n"
    )
    net = (tmp_path / "net.yaml").as_uri()
    spec = Editor(client, net, text)
    (named,) = await shown(client, net, "not-a-number")
    assert spec.shown(named.range) == "rows.csv"
    assert named.message.startswith("rows.csv:3:3: ")
    (exact,) = await shown(client, (tmp_path / "rows.csv").as_uri(), "not-a-number")
    assert place(exact.range) == (2, 2, 2, 6)
    spec.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_definition_and_hover_across_files(client, files):
    common, net = files(common=BLOCKS, net=NET)
    spec, blocks = Editor(client, net, NET), Editor(client, common, BLOCKS)
    await shown(client, net)
    use = spec.at("block: |b,")
    definition = types.DefinitionParams(spec.where, use)
    found = await client.text_document_definition_async(definition)
    assert (found.uri, place(found.range)) == (common, (2, 2, 2, 3))
    blocks.type(
        "graphnn: 1\nblocks: {c: {about: '😀', inputs: x, nodes: {y: {op: rleu, inputs: x}}, "
        "output: y}, b: {about: kept, inputs: [x], nodes: {y: {op: relu, inputs: x}}, output: y}}\n"
    )
    await shown(client, net, "unknown-op")
    found = await client.text_document_definition_async(definition)
    assert (found.uri, blocks.shown(found.range)) == (common, "b")
    printed = await client.text_document_hover_async(types.HoverParams(spec.where, use))
    assert printed.contents.value == "block **b**: y\n\ninputs `x`\n\nkept"
    definition = types.DefinitionParams(spec.where, spec.at("file: com|mon.yaml"))
    found = await client.text_document_definition_async(definition)
    assert (found.uri, place(found.range)) == (common, (0, 0, 0, 0))
    spec.close()
    blocks.close()
