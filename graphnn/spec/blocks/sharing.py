"""Uses of blocks that share their parameters: whose they have, and what cannot be shared."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from graphnn.diagnostics import counted, show_circle, suggestion
from graphnn.spec.block_records import BlockCall, SharedUse
from graphnn.spec.blocks.block_diagnostics import BlockDiagnostics
from graphnn.spec.values import Scalar


class Sharing:
    """Resolves the key ``share`` of uses.

    Parameters
    ----------
    uses : mapping of str to BlockCall
        By full name.
    faulty : collection of str
        Full names of nodes and uses at fault.
    reports : BlockDiagnostics
        Takes what cannot be shared.

    Attributes
    ----------
    shares : dict of str to SharedUse
        See `NetworkSpec`.
    """

    def __init__(
        self, uses: Mapping[str, BlockCall], faulty: Collection[str], reports: BlockDiagnostics
    ) -> None:
        self._uses = uses
        self._faulty = faulty
        self._reports = reports
        self._targets: dict[str, BlockCall] = {}  # by full name of a use, another
        sharing = [call for call in uses.values() if call.spec.share is not None]
        self._copies = {e.name: use for use in uses.values() for e in use.instances if sharing}
        found = {call.name: self._shared(call) for call in sharing}
        self.shares = {name: use for name, use in found.items() if use is not None}
        self._check_circles()

    def _shared(self, call: BlockCall) -> SharedUse | None:
        """Whose parameters the copies of `call` have; None where that is at fault."""
        place = call.spec.share
        assert place is not None
        if place.value is True:
            return self._of_first_copy(call, place)
        name = str(place.value)
        full = name if call.parent is None else f"{call.parent.name}.{name}"
        found = self._uses.get(full) or self._copies.get(full)
        if found is None:
            self._report_unknown(call, name, full)
            return None
        numbered = found.name == full and found.repeat is not None
        if mismatch := _mismatch(call, found, name, numbered=numbered):
            self._report(call, *mismatch)
            return None
        if found is not call or found.name == full:
            self._targets[call.name] = found
        return SharedUse(place, name, numbered=numbered)

    def _of_first_copy(self, call: BlockCall, place: Scalar) -> SharedUse | None:
        """What ``share: true`` means: all copies have the parameters of the first."""
        if call.repeat is not None:
            return SharedUse(place, f"{call.spec.name}.1", numbered=False)
        help = "name the use whose parameters it has: share: USE"
        self._report(call, f"'{call.name}' is one copy, which shares with no other", help)
        return None

    def _report_unknown(self, call: BlockCall, name: str, full: str) -> None:
        parts = full.split(".")
        if any(".".join(parts[:end]) in self._faulty for end in range(1, len(parts) + 1)):
            return
        beside = [each for each in self._uses.values() if each.parent is call.parent]
        known = [each.spec.name for each in beside if each is not call]
        otherwise = "name a use of the same block that stands beside it"
        help = suggestion(name, known, otherwise)
        self._report(call, f"there is no use '{name}' of a block to share with", help)

    def _check_circles(self) -> None:
        """Report uses that share in a circle, and leave their parameters apart."""
        done: set[str] = set()
        for start in self._targets:
            path: dict[str, None] = {}
            name = start
            while name in self._targets and name not in path and name not in done:
                path[name] = None
                name = self._targets[name].name
            done.update(path)
            if name not in path:
                continue
            names = [*path]
            names = names[names.index(name) :]
            for each in names:
                del self.shares[each]
            call = self._uses[name]
            assert call.spec.share is not None
            self._reports.of(call.parent).error(
                "cyclic-share",
                f"'{name}' is shared in a circle: {show_circle([*names, name])}",
                call.spec.share.span,
                help="let one of them have its own parameters",
            )

    def _report(self, call: BlockCall, message: str, help: str) -> None:
        assert call.spec.share is not None
        findings = self._reports.of(call.parent)
        findings.error("bad-share", message, call.spec.share.span, help=help)


def _mismatch(
    call: BlockCall, other: BlockCall, name: str, *, numbered: bool
) -> tuple[str, str] | None:
    """Why `call` cannot have the parameters of `other`, which it calls `name`, and help.

    `numbered` says whether each copy would have those of the copy of its number.
    """
    if other.block is not call.block:
        message = f"'{name}' is a use of the block '{other.block.name}', not of '{call.block.name}'"
        return message, "only uses of one block share all their parameters"
    differing = [size for size in call.block.sizes if call.scope[size] != other.scope[size]]
    if differing:
        own = " and ".join(f"{size}: {call.scope[size]}" for size in differing)
        others = " and ".join(f"{size}: {other.scope[size]}" for size in differing)
        message = f"'{call.name}' has {own}, but '{name}' has {others}"
        return message, "parameters that are shared have one shape"
    if numbered and other.repeat != call.repeat:
        own = "one copy" if call.repeat is None else counted(call.repeat, "copy")
        message = f"'{call.name}' is {own}, but '{name}' has {other.repeat}"
        return message, f"name one of them for all: share: {name}.1"
    return None
