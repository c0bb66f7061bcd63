"""The file that keeps the trials of a search, and the locks beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from graphnn.diagnostics import TrainingError
from graphnn.storage import files, locks

_LIMIT = 1 << 30  # bytes
_BEGINNING = b'{"op_code":'  # of a record


class StudyError(ValueError):
    """What is wrong with a file of trials."""


class Store:
    """The file of a study in Optuna's journal format, or memory where `path` is None.

    Raises
    ------
    TrainingError
        The folder does not exist.

    Attributes
    ----------
    path : Path or None
    lock : context manager
        Held by one process at a time; Optuna takes it to write.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None and not path.parent.is_dir():
            message = f"there is no folder '{path.parent}' to write into"
            raise TrainingError.of("no-such-folder", message)
        self.path = path
        self._made = path is not None and not path.exists()
        self.lock: AbstractContextManager[object] = nullcontext()
        if path is not None:
            self.lock = locks.waiting_lock(_beside(path, "lock"))

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Report a file that cannot be written, such as on a full disk, as a FileError."""
        try:
            yield
        except OSError as error:
            raise files.unwritable(self.path or Path(), error) from None

    def journal(self, optuna: ModuleType) -> Any:
        """Where Optuna keeps trials; to be called with the lock held."""
        if self.path is None:
            return None
        _check(self.path)
        return optuna.storages.journal.JournalStorage(_backend(optuna, self.path, self.lock))

    def own(self, number: int) -> locks.OwnerLock | None:
        """Claim a trial for this process."""
        if self.path is None:
            return None
        owner = locks.OwnerLock(_beside(self.path, f"trial-{number}"))
        owner.acquire()
        return owner

    def is_abandoned(self, number: int) -> bool:
        """Whether the process that ran a trial has ended."""
        return self.path is not None and not locks.is_held(_beside(self.path, f"trial-{number}"))

    def discard(self) -> None:
        """Remove the file, where it was not there before."""
        if self.path is not None and self._made:
            self.path.unlink(missing_ok=True)
            _beside(self.path, "lock").unlink(missing_ok=True)


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{kind}")


def _backend(optuna: ModuleType, path: Path, lock: AbstractContextManager[object]) -> Any:
    """What appends records to the file at `path`, each of them whole."""
    kind: Any = optuna.storages.journal.JournalFileBackend

    class Whole(kind):  # type: ignore[misc]
        def append_logs(self, logs: Any) -> None:
            # Also while this search runs, another process that shares it may be killed.
            with lock:
                _drop_unfinished_line(path)
                super().append_logs(logs)

    return Whole(str(path), lock)


def _check(path: Path) -> None:
    """Raise a `StudyError` for a file that no search has written, nor begun to."""
    if not path.exists():
        return
    content = files.read_bytes(path, _LIMIT)
    whole, _, rest = content.rpartition(b"\n")
    lines = {whole.partition(b"\n")[0], whole.rpartition(b"\n")[2]} if whole else set()
    begun = rest.startswith(_BEGINNING[: len(rest)])
    if not (begun and all(map(_is_record, lines))):
        raise StudyError("it is not a file of trials")


def _drop_unfinished_line(path: Path) -> None:
    """Drop a last line that was broken off, as by a full disk or a kill, from a file of trials."""
    with path.open("r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(size - 1, 0))
        if stream.read(1) in (b"", b"\n"):
            return
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)


def _is_record(line: bytes) -> bool:
    try:
        return "op_code" in json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return False
