"""What is shown at each address, and which text's check has found it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lsprotocol import types

Shown = list[types.Diagnostic]


class DiagnosticStore:
    """What is shown at each address: a file of blocks, what all specs using it find."""

    def __init__(self) -> None:
        self._found: dict[
            str, dict[str, Shown]
        ] = {}  # by address, then by that of the text checked

    def put(self, uri: str, found: Mapping[str, Shown]) -> dict[str, Shown]:
        """Take what the check of the text at `uri` has found, in place of what it had.

        Parameters
        ----------
        uri : str
        found : mapping of str to list of Diagnostic
            By the address where it is to be shown.

        Returns
        -------
        dict of str to list of Diagnostic
            All that is to be shown now, at `uri` and wherever it has changed.
        """
        before = [there for there, shown in self._found.items() if uri in shown]
        changed: dict[str, Shown] = {}
        for there in dict.fromkeys((uri, *found, *before)):
            was = self._at(there)
            shown = self._found.setdefault(there, {})
            shown.pop(uri, None)
            if found.get(there):
                shown[uri] = found[there]
            if not shown:
                del self._found[there]
            now = self._at(there)
            if there == uri or now != was:
                changed[there] = now
        return changed

    def keep_own(self, uri: str) -> None:
        """Drop what other texts show at the one at `uri`, which has changed."""
        own = self._found.pop(uri, {}).get(uri)
        if own:
            self._found[uri] = {uri: own}

    def clear(self, uri: str) -> None:
        """Drop all that is shown at `uri`."""
        self._found.pop(uri, None)

    def _at(self, uri: str) -> Shown:
        found = self._found.get(uri, {})
        others = (shown for text, shown in found.items() if text != uri)
        return _each_once(each for shown in (found.get(uri, []), *others) for each in shown)


def _each_once(found: Iterable[types.Diagnostic]) -> Shown:
    """Of alike diagnostics of several texts, the first."""
    seen: dict[object, types.Diagnostic] = {}
    for each in found:
        start, end = each.range.start, each.range.end
        place = (start.line, start.character, end.line, end.character)
        seen.setdefault((place, each.code, each.message), each)
    return list(seen.values())
