"""Files that a spec is made of, and when they change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from watchfiles import watch

from graphnn.spec.reader import SUFFIXES

_NAMED = re.compile(r"""["']?\bfile["']?\s*:\s*["']?([^"'{},\n#]+)""")
_LARGEST = 1 << 20  # bytes of a text that is looked into
_QUIET, _AT_MOST, _WAKE = 20, 200, 100  # milliseconds: without a change, since it, without any


def files_of(spec: Path) -> list[Path]:
    """`spec` and the files below its folder that it, or a file of blocks, names."""
    folder = spec.resolve().parent
    found = {spec.resolve(): None}
    for path in found_so_far(found):
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        for name in _NAMED.findall(text_of(path)):
            for base in (path.parent, folder):
                named = (base / name.strip()).resolve()
                if named.is_relative_to(folder) and named.parent.is_dir():
                    found.setdefault(named)
    return list(found)


def found_so_far(found: dict[Path, None]) -> Iterator[Path]:
    """The keys of `found`, which may grow."""
    at = 0
    while at < len(found):
        yield list(found)[at]
        at += 1


def text_of(path: Path) -> str:
    """The text of a file as far as it can be shown; empty where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(_LARGEST).decode(errors="replace")
    except OSError:
        return ""


def changes(spec: Path, stop: Event | None = None) -> Iterator[None]:
    """Something at first, and whenever `spec` or a file that it names has changed, until `stop`."""
    stop = stop or Event()
    while not stop.is_set():
        files, seen = set(files_of(spec)), False
        folders = {path.parent for path in files}
        for changed in watch(
            *folders,
            recursive=False,
            step=_QUIET,
            debounce=_AT_MOST,
            rust_timeout=_WAKE,
            yield_on_timeout=True,
            stop_event=stop,
        ):
            # From here on no change is missed; what changed before is seen at the first turn.
            if seen and files.isdisjoint(Path(name) for _, name in changed):
                continue
            seen = True
            yield
            if set(files_of(spec)) != files:
                break
