"""What a node or a use of a block reads, matched to what its op or block takes."""

from __future__ import annotations

from dataclasses import dataclass

from graphnn.diagnostics import FAULTY, Faulty, Findings, Note, counted, suggestion
from graphnn.spec.node_records import BlockCallSpec, NodeSpec, Reference


@dataclass(frozen=True, slots=True)
class InputNames:
    """What an op or a block takes.

    Attributes
    ----------
    owner : str
        The op or block, in words.
    word : {"operand", "input"}
        What it calls one of them.
    names : tuple of str
    many : bool
        Whether the one name stands for any number of inputs.
    optional : int
        How many of the last may be left out, by name any of them.
    notes : tuple of Note
        Where it is defined.
    """

    owner: str
    word: str
    names: tuple[str, ...]
    many: bool = False
    optional: int = 0
    notes: tuple[Note, ...] = ()

    @property
    def known(self) -> str:
        """Help for a name that is none of them."""
        if self.many:
            return "give a list of nodes"
        names = ", ".join(self.names)
        return f"its {self.word}s are {names}" if names else "it takes no inputs"

    @property
    def wanted(self) -> str:
        """How many it takes, in words."""
        if self.many:
            return "1 input or more"
        count = len(self.names)
        shown = f" ({', '.join(self.names)})" if self.names else ""
        if self.optional:
            return f"{count - self.optional} to {count} inputs{shown}"
        return f"{counted(count, 'input') if count else 'no inputs'}{shown}"


def match_inputs(
    spec: NodeSpec | BlockCallSpec, taken: InputNames, findings: Findings
) -> tuple[Reference, ...] | Faulty:
    """The inputs of `spec` in the order of the names that are `taken`; FAULTY if they differ."""
    if spec.inputs and spec.inputs[0].operand is not None:
        return _by_name(spec, taken, findings)
    least = len(taken.names) - taken.optional
    if spec.inputs if taken.many else least <= len(spec.inputs) <= len(taken.names):
        return spec.inputs
    given = len(spec.inputs) or "none"
    message = f"{taken.owner} takes {taken.wanted}, but '{spec.name}' has {given}"
    findings.error("wrong-inputs", message, spec.inputs_place.span, notes=taken.notes)
    return FAULTY


def _by_name(
    spec: NodeSpec | BlockCallSpec, taken: InputNames, findings: Findings
) -> tuple[Reference, ...] | Faulty:
    table = {str(r.operand.value): r for r in spec.inputs if r.operand is not None}
    unknown = [name for name in table if name not in taken.names]
    _report_unknown([table[name] for name in unknown], taken, findings)
    least = len(taken.names) - taken.optional
    missing = [name for name in taken.names[:least] if name not in table]
    if missing and not unknown:
        message = f"'{spec.name}' is missing its '{missing[0]}'"
        help = f"{taken.owner} takes {', '.join(taken.names)}"
        place = spec.inputs_place.span
        findings.error("wrong-inputs", message, place, notes=taken.notes, help=help)
    return (
        FAULTY
        if missing or unknown
        else tuple(table[name] for name in taken.names if name in table)
    )


def _report_unknown(given: list[Reference], taken: InputNames, findings: Findings) -> None:
    """Report inputs that are given by names that there are not."""
    single = taken.many or not taken.names  # there are no names to choose from
    for reference in given[:1] if single else given:
        assert reference.operand is not None
        name = str(reference.operand.value)
        message = f"{taken.owner} has no {taken.word} '{name}'"
        place, help = reference.operand.span, suggestion(name, taken.names, taken.known)
        findings.error("unknown-operand", message, place, notes=taken.notes, help=help)
