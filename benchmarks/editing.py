"""How long an editor waits for what is wrong with a large file, once nobody has typed for a moment.

``python benchmarks/editing.py [--nodes N] [--times N]`` starts `graphnn lsp` as an editor does,
opens files of many nodes, and misspells an op in the middle and mends it again, while it asks for
the symbols as the outline of an editor does. Seconds are those from the change until the
diagnostics of that text are there, without the pause of typing that the server waits for.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from statistics import median

import scaling
from lsprotocol import types
from pygls.lsp.client import LanguageClient

from graphnn.lsp.server import DELAY


def dense(nodes: int) -> str:
    """Affine maps of equal width, with a sigmoid after each."""
    lines = [
        f"  n{i}: {{op: sigmoid, inputs: n{i - 1}}}"
        if i % 2 == 0
        else f"  n{i}: {{op: affine, inputs: n{i - 1}, units: width}}"
        for i in range(1, nodes)
    ]
    return scaling.of_lines(lines)


def op_in_the_middle(text: str) -> types.Range:
    """The last letter of an op halfway down `text`."""
    lines = text.split("\n")
    number = len(lines) // 2
    end = lines[number].index(",", lines[number].index("op: "))
    return types.Range(types.Position(number, end - 1), types.Position(number, end))


class Editor(LanguageClient):
    """A client that remembers what is wrong with each version of a text."""

    def __init__(self) -> None:
        super().__init__("benchmark", "1")
        self.shown: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def show(params: types.PublishDiagnosticsParams) -> None:
            self.shown.put_nowait(params)

    async def faults(self, version: int) -> int:
        """How many diagnostics there are for a version, once it has been checked."""
        while (params := await self.shown.get()).version != version:
            pass
        return len(params.diagnostics)


async def measure(text: str, times: int) -> list[float]:
    """Seconds for each of `times` changes of `text`."""
    editor = Editor()
    await editor.start_io(sys.executable, "-m", "graphnn", "lsp")
    await editor.initialize_async(types.InitializeParams(types.ClientCapabilities()))
    editor.initialized(types.InitializedParams())
    uri, where = (Path.cwd() / "large.yaml").as_uri(), op_in_the_middle(text)
    letter = text.split("\n")[where.start.line][where.start.character]
    opened = types.TextDocumentItem(uri, types.LanguageKind.Yaml, 0, text)
    editor.text_document_did_open(types.DidOpenTextDocumentParams(opened))
    assert await editor.faults(0) == 0
    found = []
    for version in range(1, times + 1):
        wrong = version % 2
        change = types.TextDocumentContentChangePartial(where, "?" if wrong else letter)
        known = types.VersionedTextDocumentIdentifier(version, uri)
        start = time.perf_counter()
        editor.text_document_did_change(types.DidChangeTextDocumentParams(known, [change]))
        symbols = types.DocumentSymbolParams(types.TextDocumentIdentifier(uri))
        asked = editor.text_document_document_symbol_async(symbols)
        assert (await editor.faults(version) > 0) == bool(wrong)
        found.append(time.perf_counter() - start - DELAY)
        await asked
    await editor.shutdown_async(None)
    editor.exit(None)
    await editor.stop()
    return found


def main() -> None:
    """Print a line for each kind of file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    nodes, times = (100, 2) if options.quick else (options.nodes, options.times)
    for kind in (scaling.chain, scaling.random_graph, dense):
        found = asyncio.run(measure(kind(nodes), times))
        name = kind.__name__.replace("_", " ")
        print(f"{name:<14}{nodes:>8,} nodes{median(found):>8.3f} s, {max(found):.3f} s at most")


if __name__ == "__main__":
    main()
