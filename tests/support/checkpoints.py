"""Checkpoints altered by hand, and signed as if graphnn had written them so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphnn.storage import archives
from graphnn.training.fitting import checkpoint


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and record."""
    with archives.opened(path) as archive:
        record = json.loads(archive.metadata["graphnn"])
    return archives.read_arrays(path), record


def write(path: Path, arrays: dict[str, Any], record: Any) -> None:
    """Write both, with their digest."""
    if isinstance(record, dict):
        record = {key: value for key, value in record.items() if key != "digest"}
        record["digest"] = checkpoint.digest(arrays, record)
    archives.write_arrays(path, arrays, {"graphnn": json.dumps(record)})


def alter(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    """Let `change` alter arrays and record in place."""
    arrays, record = read(path)
    change(arrays, record)
    write(path, arrays, record)
