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
        _drop_unfinished_line(self.path)
        kinds = optuna.storages.journal
        return kinds.JournalStorage(kinds.JournalFileBackend(str(self.path), self.lock))

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


def _drop_unfinished_line(path: Path) -> None:
    """Drop a last line that was broken off, as by a full disk, from a file of trials."""
    if not path.exists():
        return
    content = files.read_bytes(path, _LIMIT)
    whole = content[: content.rfind(b"\n") + 1]
    first, last = whole.partition(b"\n")[0], whole[:-1].rpartition(b"\n")[2]
    # Optuna takes a broken last line for one that is being written.
    if content and not (_is_record(first) and _is_record(last)):
        raise StudyError("it is not a file of trials")
    if len(whole) < len(content):
        os.truncate(path, len(whole))


def _is_record(line: bytes) -> bool:
    try:
        return "op_code" in json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return False
