"""Messages of an editor to a language server, made at random, and a session that sends them.

For a long run, give a number of messages: ``python tests/support/lsp_messages.py 20000``.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from waiting import PATIENCE, until

Message = dict[str, Any]

GOOD = """graphnn: 1
sizes: {hidden: 4}
blocks:
  dense: {inputs: p, sizes: [units], nodes: {w: {op: affine, inputs: p, units: units}}, output: w}
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch], dtype: int}
  h: {block: dense, inputs: x, units: hidden, repeat: 2}
  y: {op: softmax, inputs: h, about: "é😀, \\u001b[31m"}
  loss: {op: cross_entropy, inputs: [y, t]}
train: {loss: loss, optimizer: {sgd: {learning_rate: 0.1}}, epochs: 3}
"""
PIECES = [
    *("\n", "  ", "{", "}", "[", "]", ":", ",", "- ", "'", '"', "#", "\t", "\r", "&a ", "*a", "!"),
    *("|\n", "<<: ", "? ", "%", "---\n", "\x1b[31m", "\x00", "\u00a0", "\ufeff", "\u2028", "😀"),
    *("é", "1e999", "0x", "op: ", "inputs: x", "block: dense", "units: ", "share: h.1.w.weight"),
    *("file: ../up.npz", "<<<<<<< HEAD\n", "batch", "hidden", "x" * 300),
]
NAMES = [
    *("z", "x", "batch", "", "no name", "é", "a.b", "\x1b[31mred", "\x00", "q" * 500, "-", "free"),
]
REQUESTS = [
    *("completion", "hover", "definition", "references", "prepareRename", "rename"),
    *("documentSymbol", "formatting"),
]


class Messages:
    """A stream of messages, the same for the same seed.

    Parameters
    ----------
    seed : int
    folder : Path
        Where some of the texts would lie.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self._random = random.Random(seed)
        self._number = 0
        self._open: dict[str, tuple[int, str]] = {}
        file = folder.as_uri()
        self._uris = [
            f"{file}/net.yaml",
            f"{file}/net.json",
            f"{file}/a%20b/%C3%A9.yaml",
            f"{file}/a%00b.yaml",
            f"{file}/{'n' * 300}.yaml",
            f"{file}",
            "file:///",
            "http://example.org/net.yaml",
            "https://u:p@example.org:1/n.yaml?a=b#c",
            "untitled:Untitled-1",
            "git:/net.yaml?%7B%7D",
            "vscode-notebook-cell:/a.ipynb#X",
            "file://server/share/net.yaml",
            "file:///C%3A/net.yaml",
            "net.yaml",
            "",
            "\x1b[31m",
            f"{file}/%zz.yaml",
        ]

    def __iter__(self) -> Iterator[Message]:
        while True:
            yield self._one()

    def _one(self) -> Message:
        chance, uri = self._random.random(), self._random.choice(self._uris)
        if chance < 0.3 and self._open:
            return self._changed(self._random.choice([*self._open]))
        if chance < 0.4 and uri not in self._open:
            return self._opened(uri)
        if chance < 0.45 and self._open:
            return self._closed(self._random.choice([*self._open]))
        if chance < 0.5 and self._open:
            return self._notice("didSave", self._random.choice([*self._open]))
        if chance < 0.53:
            changes = [{"uri": uri, "type": self._random.randint(1, 3)}]
            return _notification("workspace/didChangeWatchedFiles", {"changes": changes})
        if chance < 0.56 and self._number:
            return _notification("$/cancelRequest", {"id": self._number})
        return self._asked(self._random.choice([uri, *self._open] if self._open else [uri]))

    def _notice(self, what: str, uri: str, **more: Any) -> Message:
        return _notification(f"textDocument/{what}", {"textDocument": {"uri": uri}, **more})

    def _opened(self, uri: str) -> Message:
        self._open[uri] = (1, self._text())
        text = {"uri": uri, "languageId": "yaml", "version": 1, "text": self._open[uri][1]}
        return _notification("textDocument/didOpen", {"textDocument": text})

    def _closed(self, uri: str) -> Message:
        del self._open[uri]
        return self._notice("didClose", uri)

    def _changed(self, uri: str) -> Message:
        version, text = self._open[uri]
        if self._random.random() < 0.5:
            change: Message = {"text": self._half_typed(text)}
        else:
            ends = sorted((self._position(text) for _ in "ab"), key=lambda at: [*at.values()])
            change = {"range": {"start": ends[0], "end": ends[1]}, "text": self._piece()}
        # What an incremental change makes of it is the server's affair: places may be anywhere.
        self._open[uri] = (version + 1, change["text"] if "range" not in change else text)
        document = {"uri": uri, "version": version + 1}
        params = {"textDocument": document, "contentChanges": [change]}
        return _notification("textDocument/didChange", params)

    def _asked(self, uri: str) -> Message:
        self._number += 1
        what = self._random.choice(REQUESTS)
        params: Message = {"textDocument": {"uri": uri}}
        if what == "formatting":
            params["options"] = {"tabSize": 2, "insertSpaces": True}
        elif what != "documentSymbol":
            params["position"] = self._position(self._open.get(uri, (0, GOOD))[1])
        if what == "rename":
            params["newName"] = self._random.choice(NAMES)
        if what == "references":
            params["context"] = {"includeDeclaration": self._random.random() < 0.5}
        return {"id": self._number, **_notification(f"textDocument/{what}", params)}

    def _text(self) -> str:
        return self._random.choice(
            [GOOD, GOOD, GOOD.replace("\n", "\r\n"), "", "{", "services: {}"]
        )

    def _half_typed(self, text: str) -> str:
        text = text if self._random.random() < 0.8 else GOOD
        for _ in range(self._random.randint(1, 3)):
            start = self._random.randint(0, len(text))
            end = start + self._random.choice([0, 0, 1, 5, len(text)])
            text = text[:start] + self._piece() + text[end:]
        return text[:5000]

    def _piece(self) -> str:
        return self._random.choice(PIECES)

    def _position(self, text: str) -> Message:
        lines = text.split("\n")
        line = self._random.randint(0, len(lines) + 1)
        width = len(lines[line]) if line < len(lines) else 3
        line = self._random.choice([line] * 20 + [2**31 - 1])
        inside = [self._random.randint(0, width)] * 9
        return {"line": line, "character": self._random.choice([0, width + 9, 2**31 - 1, *inside])}


def _notification(method: str, params: Message) -> Message:
    return {"jsonrpc": "2.0", "method": method, "params": params}


class Session:
    """A server in a process of its own, and all that it has said."""

    def __init__(self, *options: str, folder: Path | None = None) -> None:
        command = [sys.executable, "-m", "graphnn", "lsp", *options]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder)
        self.answers: dict[int | str, Message] = {}
        self.published: dict[str, list[Message]] = {}
        self.log = ""
        self._asked = 0
        self._threads = [threading.Thread(target=read) for read in (self._read, self._read_log)]
        for thread in self._threads:
            thread.start()
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        self.notify("initialized", {})

    def send(self, message: Message) -> None:
        """Send a message."""
        body = json.dumps(message).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def notify(self, method: str, params: Message) -> None:
        """Send a notification."""
        self.send(_notification(method, params))

    def ask(self, method: str, params: Message | None) -> Message:
        """Send a request, and wait for its answer."""
        self._asked += 1
        name = f"own {self._asked}"
        request: Message = {"jsonrpc": "2.0", "id": name, "method": method}
        self.send({**request, "params": params} if params is not None else request)
        return self.wait(name)

    def wait(self, name: int | str) -> Message:
        """The answer to the request `name`."""
        until(lambda: name in self.answers, lambda: f"no answer to {name!r}: {self.log}")
        return self.answers[name]

    def end(self) -> None:
        """Shut the server down."""
        self.ask("shutdown", None)
        self.notify("exit", {})
        code = self._process.wait(PATIENCE)
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        assert code == 0, code

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while line := stream.readline():
            if not line.startswith(b"Content-Length:"):
                continue
            while stream.readline().strip():
                pass
            message = json.loads(stream.read(int(line.split(b":")[1])))
            if "method" not in message:
                self.answers[message["id"]] = message
            elif message["method"] == "textDocument/publishDiagnostics":
                self.published[message["params"]["uri"]] = message["params"]["diagnostics"]

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        self.log = self._process.stderr.read().decode(errors="replace")


def run(seed: int, count: int, folder: Path) -> list[str]:
    """What goes wrong in a session: internal errors, raw escapes, tracebacks."""
    session, faults = Session(), []
    sent: dict[int, Message] = {}
    for _, message in zip(range(count), Messages(seed, folder), strict=False):
        session.send(message)
        if "id" in message:
            sent[message["id"]] = message
    for number, message in sent.items():
        answer = session.wait(number)
        error = answer.get("error", {})
        if error.get("code") in (-32603, -32602):
            faults.append(f"{message}: {error}")
        if not error.get("message", "").isprintable():
            faults.append(f"raw escape: {message}: {error}")
    session.end()
    if "Traceback" in session.log:
        faults.append(session.log)
    return faults


if __name__ == "__main__":
    total, each = int(sys.argv[1]), 500
    with tempfile.TemporaryDirectory() as name:
        for seed in range(total // each):
            for fault in run(seed, each, Path(name)):
                sys.stdout.write(f"{seed} {fault[:3000]}\n")
    sys.stdout.write(f"{total // each * each:,} messages\n")
