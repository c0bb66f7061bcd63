"""``graphnn preview`` and ``graphnn draw --watch``: what they serve and draw, and when."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from chromium import chromium
from places import SPECS
from waiting import PATIENCE, until


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "graphnn", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    shutil.copytree(SPECS / "blocks", tmp_path / "blocks")
    return Path(shutil.copy(SPECS / "residual_blocks.yaml", tmp_path))


@pytest.fixture
def address(spec: Path) -> Iterator[str]:
    with running("preview", str(spec), "--no-browser") as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0]


def fetched(address: str, path: str, **headers: str) -> str:
    request = urllib.request.Request(address + path, headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return str(answer.read().decode())


def state(address: str, fine: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first state that is `fine`."""

    def asked() -> dict[str, Any] | None:
        found = json.loads(fetched(address, "state"))
        return found if fine(found) else None

    return until(asked)  # type: ignore[no-any-return]


@pytest.mark.slow
def test_a_preview_follows_the_file_and_its_blocks(spec: Path, address: str):
    text = spec.read_text()
    first = state(address, lambda found: found["picture"] > 0)
    assert first["faults"] == []
    assert first["places"]["a"] == ["residual_blocks.yaml", 18]
    assert first["places"]["b1.1"] == ["residual_blocks.yaml", 14]
    assert "softmax" in fetched(address, "picture")

    spec.write_text(text.replace("op: softmax", "op: softmux"))
    broken = state(address, lambda found: found["faults"])
    assert broken["picture"] == first["picture"]
    assert broken["texts"]["residual_blocks.yaml"] == spec.read_text()
    (fault,) = broken["faults"]
    assert (fault["code"], fault["line"], fault["node"]) == ("unknown-op", 19, "y")
    assert fault["file"] == "residual_blocks.yaml"
    assert "softmax" in fetched(address, "picture")

    spec.write_text(text.replace("op: softmax", "op: sigmoid"))
    mended = state(address, lambda found: found["picture"] > first["picture"])
    assert "sigmoid</td>" in fetched(address, "picture")

    blocks = spec.parent / "blocks" / "convolution.yaml"
    blocks.write_text(blocks.read_text().replace("op: relu", "op: tanh"))
    state(address, lambda found: found["picture"] > mended["picture"])
    assert "tanh</td>" in fetched(address, "picture")


@pytest.mark.slow
def test_a_preview_serves_nothing_else_and_to_nobody_else(address: str):
    for path in ("residual_blocks.yaml", "blocks/convolution.yaml", "../etc/passwd", "state/x"):
        with pytest.raises(HTTPError, match="404"):
            fetched(address, path)
    for host in ("attacker.example", "127.0.0.1.attacker.example", "localhost.attacker.example"):
        with pytest.raises(HTTPError, match="400"):
            fetched(address, "state", Host=host)
    assert address.startswith("http://127.0.0.1:")


@pytest.mark.slow
def test_draw_watches(spec: Path, tmp_path: Path):
    picture = tmp_path / "net.svg"
    text = spec.read_text()
    with running("draw", str(spec), "-o", str(picture), "--watch"):
        until(lambda: picture.exists() and "softmax" in picture.read_text())
        spec.write_text(text.replace("op: softmax", "op: softmux"))
        time.sleep(1)
        assert "softmax" in picture.read_text()
        spec.write_text(text.replace("op: softmax", "op: sigmoid"))
        until(lambda: "sigmoid" in picture.read_text())


@pytest.mark.browser
def test_the_page_joins_picture_text_and_faults(spec: Path, address: str):
    with chromium() as browser:
        browser.get(address)

        def inside(script: str) -> Any:
            return browser.execute_script(
                "const picture = document.querySelector('iframe').contentDocument;" + script
            )

        until(lambda: inside("return picture?.querySelector('tr[data-node=\"a\"]') !== null"))
        status = "return document.querySelector('[role=status]').textContent"
        assert browser.execute_script(status) == "fine"
        inside(
            "[...picture.querySelectorAll('.layer:not([hidden]) [data-node]')]"
            ".find((each) => each.dataset.node === 'z')"
            ".dispatchEvent(new MouseEvent('click', {bubbles: true}))"
        )
        chosen = "return document.querySelector('li.chosen').textContent"
        assert browser.execute_script(chosen).strip().startswith("z:")
        spec.write_text(spec.read_text().replace("op: softmax", "op: softmux"))
        reported = (
            "const [fault] = document.querySelectorAll('#faults button');"
            "fault?.click(); return fault?.textContent"
        )
        words = until(lambda: browser.execute_script(reported))
        assert words.startswith("residual_blocks.yaml:19:15 error[unknown-op]")
        assert "softmux" in browser.execute_script(chosen)
        assert inside("return picture.querySelector('.chosen').dataset.node") == "y"
        assert browser.get_log("browser") == []


@pytest.mark.browser
def test_the_status_counts_warnings(spec: Path, address: str):
    unread = "nodes:\n  idle: {op: constant, value: 1}\n"
    spec.write_text(spec.read_text().replace("\nnodes:\n", f"\n{unread}"))
    with chromium() as browser:
        browser.get(address)
        status = "return document.querySelector('[role=status]').textContent"
        until(lambda: browser.execute_script(status) == "1 warning")
