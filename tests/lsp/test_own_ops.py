"""The server started with ops of the user's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from own_ops import TWICE

TEXT = "graphnn: 1\nnodes:\n  x: {op: input, shape: [2]}\n  y: {op: OP, inputs: x}\n"


def message(method: str, params: object, **more: object) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def published(folder: Path, op: str, *options: str) -> list[str]:
    """Codes of what the server says of a text."""
    document = {"uri": (folder / "a.yaml").as_uri(), "languageId": "yaml", "version": 1}
    server = subprocess.Popen(
        [sys.executable, "-P", "-m", "graphnn", "lsp", *options],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    capabilities = {"processId": None, "rootUri": None, "capabilities": {}}
    opened = {"textDocument": {**document, "text": TEXT.replace("OP", op)}}
    try:
        server.stdin.write(message("initialize", capabilities, id=1))
        server.stdin.write(message("initialized", {}))
        server.stdin.write(message("textDocument/didOpen", opened))
        server.stdin.flush()
        while True:
            length = int(server.stdout.readline().removeprefix(b"Content-Length: "))
            while server.stdout.readline().strip():
                pass
            found = json.loads(server.stdout.read(length))
            if found.get("method") == "textDocument/publishDiagnostics":
                return [each["code"] for each in found["params"]["diagnostics"]]
    finally:
        server.kill()
        server.communicate()


@pytest.mark.slow
def test_the_server_knows_them(tmp_path):
    (tmp_path / "twice.py").write_text(TWICE)
    assert published(tmp_path, "twice", "--import", "twice") == []
    assert published(tmp_path, "thrice", "--import", "twice") == ["unknown-op"]
    (tmp_path / "pyproject.toml").write_text('[tool.graphnn]\nimport = ["twice"]\n')
    assert published(tmp_path, "twice") == []
