"""The section ``blocks``: definitions, each checked once, whatever uses it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from graphnn.diagnostics import (
    FAULTY,
    Code,
    Faulty,
    Findings,
    Names,
    Note,
    listed,
    show_circle,
    suggestion,
)
from graphnn.spec import sizes
from graphnn.spec._field_reader import size_problem
from graphnn.spec._inputs import InputNames, match_inputs
from graphnn.spec._nodes import MAX_NODES, NodeReader, one_or_more
from graphnn.spec.block_records import BlockSpec
from graphnn.spec.forms import key_names, meant
from graphnn.spec.node_records import BlockCallSpec, NodeSpec, Reference
from graphnn.spec.values import NOWHERE, Entry, Map, Scalar, Value, scalar_value

_OTHERS = tuple(name for name in key_names(BlockCallSpec) if name != "block")
_TAKEN = {"batch", *key_names(NodeSpec), *key_names(BlockCallSpec)}  # not available for sizes
MAX_DEPTH = 32  # blocks inside one another; with each, names grow by a part
_NODE = (NodeSpec, BlockCallSpec)
_BLOCK = "a mapping such as {inputs: x, nodes: {...}, output: y}"
_ITS_OWN = "a block reads its own inputs and nodes alone: list what else it needs under 'inputs'"
_NODES = "list what the block is made of under 'nodes:', one name and op a line"


def check_call(
    spec: BlockCallSpec, known: Names[BlockSpec], ops: Collection[str], findings: Findings
) -> BlockCallSpec | Faulty:
    """`spec` with its inputs in the block's order, or FAULTY when it does not fit the block.

    Parameters
    ----------
    spec : BlockCallSpec
    known : Names of BlockSpec
    ops : collection of str
        Names of the ops that there are.
    findings : Findings
    """
    name = str(spec.block.value)
    block = known.find(name)
    if block is None:
        there = f"the blocks are {listed(known)}" if known else "define it under 'blocks'"
        other = f"it is an op: write 'op: {name}'" if name in ops else ""
        help = other or suggestion(name, known, there)
        message = f"there is no block '{name}'"
        findings.error("unknown-block", message, spec.block.span, help=help)
    if block is None or block is FAULTY:
        return FAULTY
    fits = _sizes_fit(spec, block, findings)
    names = tuple(block.inputs)
    taken = InputNames(f"the block '{block.name}'", "input", names, notes=(block.note,))
    inputs = match_inputs(spec, taken, findings)
    fits = _axes_fit(spec, block, findings) and fits
    return replace(spec, inputs=inputs) if fits and inputs is not FAULTY else FAULTY


def _axes_fit(spec: BlockCallSpec, block: BlockSpec, findings: Findings) -> bool:
    """Report inputs to unstack, and outputs to stack, that the block does not have."""
    fine = True
    for key, word, known in (
        ("unstack", "input", [*block.inputs]),
        ("stack", "output", [*block.given]),
    ):
        for name, axis in getattr(spec, key).items():
            if spec.repeat is None:
                message = f"'{spec.name}' has '{key}', but no 'repeat'"
                help = "say how many copies there are: repeat: SIZE"
                findings.error("bad-repeat", message, axis.place.span, help=help)
                return False
            if name not in known and not block.outputs.faulty:
                message = f"the block '{block.name}' has no {word} '{name}'"
                its = f"its {word}s are {listed(known)}" if known else f"it has no {word}s"
                help, notes = suggestion(name, known, its), (block.note,)
                findings.error("unknown-operand", message, axis.place.span, notes=notes, help=help)
                fine = False
    return fine


class SizeFault(NamedTuple):
    """A size of a use at fault; `unknown` is the name in it that is that of no size."""

    value: Value
    code: Code
    message: str
    help: str = ""
    unknown: str = ""

    def report(self, findings: Findings, otherwise: str) -> None:
        """Report it; `otherwise` is the help for an unknown name."""
        help = otherwise if self.unknown else self.help
        findings.error(self.code, self.message, self.value.span_of(self.unknown), help=help)


def given_sizes(
    call: BlockCallSpec, name: str, scope: Mapping[str, sizes.Size]
) -> tuple[dict[str, sizes.Size | Faulty], dict[str, SizeFault]]:
    """The sizes that `call`, called `name`, gives, and its repeat; and those at fault.

    A size is `FAULTY` where it names one at fault. Both are by their keys.
    """
    asked = {key: (entry.value, sizes.MAX_SIZE) for key, entry in call.fields.items()}
    if call.repeat is not None:
        asked["repeat"] = call.repeat, MAX_NODES
    found: dict[str, sizes.Size | Faulty] = {}
    faults: dict[str, SizeFault] = {}
    for key, (value, most) in asked.items():
        try:
            found[key] = sizes.read(scalar_value(value), scope, most)
        except sizes.SizeError as error:
            if error.name is not None:
                faults[key] = SizeFault(value, "unknown-size", str(error), unknown=error.name)
            else:
                what = f"the '{key}' of '{name}'"
                problem = size_problem(what, value, str(error), error.reason)
                faults[key] = SizeFault(value, "bad-size", *problem)
    return found, faults


def _sizes_fit(spec: BlockCallSpec, block: BlockSpec, findings: Findings) -> bool:
    unknown = [key for key in spec.fields if key not in block.sizes]
    missing = [name for name in block.sizes if name not in spec.fields]
    its = f"its sizes are {', '.join(block.sizes)}" if block.sizes else "it has no sizes"
    for key in unknown:
        message = f"the block '{block.name}' has no size '{key}'"
        _, help = meant(BlockCallSpec, key, _OTHERS, (*missing, *_OTHERS))
        place = spec.fields[key].key.span
        findings.error("unknown-key", message, place, notes=(block.note,), help=help or its)
    for name in missing:
        # What is misspelt is reported as such, not as missing too.
        if not unknown:
            findings.error(
                "missing-size",
                f"'{spec.name}' is missing the size '{name}' of the block '{block.name}'",
                spec.block.span,
                notes=(Note(f"'{name}' is declared here", block.sizes[name].span),),
                help=f"give it a value, such as {name}: 10",
            )
    return not unknown and not missing


class BlockReader(NodeReader):
    """Takes the section ``blocks`` apart.

    Parameters
    ----------
    findings : Findings
    ops : collection of str
        Names of the ops that there are.
    whole : bool
        Whether the section has all blocks; where a file of them could not be read, a block that is
        not there is not reported.
    """

    def __init__(self, findings: Findings, ops: Collection[str], whole: bool) -> None:
        super().__init__(findings)
        self._ops = ops
        self._whole = whole

    def all(self, section: Map | None, folder: Path) -> Names[BlockSpec]:
        """The blocks that `section` of a spec in `folder` defines, in the order of the file.

        Every use in them is that of another of them.
        """
        if section is None:
            return Names({}, any_faulty=not self._whole)
        keys = key_names(BlockSpec)
        section = self.indented(section, lambda entry: entry.key.value in keys, needed=("nodes",))
        found: dict[str, BlockSpec] = {}
        for name, entry in section.entries.items():
            if self.name(entry.key, "a block") and (block := self._block(entry, section, folder)):
                found[name] = block
        written = section.entries.keys()
        unsound = self._circles(found)
        sound = {name: block for name, block in found.items() if name not in unsound}
        known = Names(sound, written, any_faulty=not self._whole)
        for name, block in sound.items():
            known[name] = self._checked(block, known)
        return known

    def _block(self, entry: Entry, section: Map, folder: Path) -> BlockSpec | None:
        name = str(entry.key.value)
        what = f"the block '{name}'"
        body = self.section(BlockSpec, entry.value, what, _BLOCK, at=entry.key)
        if body is None:
            return None
        nodes = self.mapping(body.get("nodes"), "'nodes'", "a mapping of names to nodes")
        sound = self.nodes(nodes, what, _NODES) if nodes else {}
        own = entry.key.source in (section.source, NOWHERE)
        block = BlockSpec(
            name=name,
            place=entry.key,
            folder=folder if own else Path(entry.key.source.name).parent,
            sizes=self._sizes(body.get("sizes"), what),
            inputs=self._names(body.get("inputs"), f"an input of {what}"),
            nodes=Names(sound, nodes.entries if nodes else ()),
            output=None,
            own=own,
            **self.record(BlockSpec, body),
        )
        self._check_names(block)
        output, outputs = self._outputs(body.get("output"), block)
        return replace(block, nodes=self._resolved(block), output=output, outputs=outputs)

    def _names(self, value: Value | None, what: str) -> dict[str, Scalar]:
        found: dict[str, Scalar] = {}
        items = one_or_more(value)
        if isinstance(value, Map) and value.entries:
            items = [entry.key for entry in value.entries.values()]
            help = f"each use gives the values: write [{listed(value.entries)}]"
            self.wrong(what, "a name", value, help)
        for item in items:
            if (given := self.word(item, what, "a name")) is None:
                continue
            name = str(given.value)
            if name in found:
                self.twice("duplicate-name", f"'{name}' is listed twice", item, found[name])
            elif self.name(given, what):
                found[name] = given
        return found

    def _sizes(self, value: Value | None, what: str) -> dict[str, Scalar]:
        found = self._names(value, f"a size of {what}")
        for name in [each for each in found if each in _TAKEN]:
            why, help = "is a key of every node", "use another name"
            if name == "batch":
                why, help = "is always there", "leave it out"
            message = f"'{name}' cannot be the name of a size of {what}: it {why}"
            self.findings.error("bad-name", message, found.pop(name).span, help=help)
        return found

    def _check_names(self, block: BlockSpec) -> None:
        note = "the input is listed here"
        help = "the nodes of a block read its inputs by name; an input is not a node"
        for name, node in block.nodes.items():
            if name in block.inputs:
                message = f"'{name}' is both an input and a node of the block '{block.name}'"
                self.twice("duplicate-name", message, node.place, block.inputs[name], note, help)

    def _outputs(
        self, value: Value | None, block: BlockSpec
    ) -> tuple[Scalar | None, Names[Scalar]]:
        """The node that a use stands for, and all by name where they have names."""
        if not isinstance(value, Map) or not value.entries:
            return self._output(value, block), Names({})
        found = {}
        for name, entry in value.entries.items():
            if not self.name(entry.key, f"an output of the block '{block.name}'"):
                continue
            node = self._output(entry.value, block)
            inner = block.nodes.find(name)
            if node is not None and node.value != name and isinstance(inner, _NODE):
                message = f"'{name}' is an output and another node of the block '{block.name}'"
                note = "the node stands here"
                self.twice("duplicate-name", message, entry.key, inner.place, note)
            elif node is not None:
                found[name] = node
        first = found.get(next(iter(value.entries)))
        return first, Names(found, value.entries)

    def _output(self, value: Value | None, block: BlockSpec) -> Scalar | None:
        if value is None:
            return None
        output = self.word(value, f"the output of the block '{block.name}'", "the name of a node")
        name = "" if output is None else str(output.value)
        if output is None or _is_node(name, block) or not block.nodes:
            return output
        help = suggestion(name, block.nodes, f"its nodes are {listed(block.nodes)}")
        if name in block.inputs:
            help = f"'{name}' is an input: add a node {{op: identity, inputs: {name}}}"
        message = f"the output '{name}' of the block '{block.name}' is not one of its nodes"
        self.findings.error("unknown-node", message, value.span, help=help)
        return None

    def _resolved(self, block: BlockSpec) -> Names[NodeSpec | BlockCallSpec]:
        """The nodes, with what they read that the block does not have reported and blanked out."""
        nodes = {
            name: replace(node, inputs=tuple(self._read(r, block) for r in node.inputs))
            for name, node in block.nodes.items()
        }
        return Names(nodes, block.nodes.faulty)

    def _read(self, reference: Reference, block: BlockSpec) -> Reference:
        name = reference.name
        if not name or name in block.inputs or _is_node(name, block):
            return reference
        message = f"there is no node '{name}' in the block '{block.name}'"
        help = suggestion(name, (*block.inputs, *block.nodes), _ITS_OWN)
        self.findings.error("unknown-node", message, reference.place.span, help=help)
        return replace(reference, name="")

    def _circles(self, found: Mapping[str, BlockSpec]) -> set[str]:
        """Report blocks that use themselves, or hold too many inside one another; their names."""
        depths: dict[str, int] = {}  # of blocks that have been gone through
        open_: dict[str, None] = {}
        unsound: set[str] = set()
        for start in found:
            path = [] if start in depths else [(start, _used(found[start]))]
            while path:
                name, calls = path[-1]
                open_[name] = None
                call = next(calls, None)
                below = "" if call is None else str(call.block.value)
                if call is None:
                    calls = _used(found[name])
                    inner = (depths.get(str(call.block.value), 0) for call in calls)
                    depths[name] = 1 + max(inner, default=0)
                    if depths[name] > MAX_DEPTH:
                        unsound.add(name)
                    path.pop()
                    del open_[name]
                elif below in open_:
                    names = list(open_)
                    names = [*names[names.index(below) :], below]
                    unsound.update(names)
                    self._circle(names, call, found)
                elif below in found and below not in depths:
                    path.append((below, _used(found[below])))
        for name in [name for name, depth in depths.items() if depth == MAX_DEPTH + 1]:
            message = f"the block '{name}' holds blocks more than {MAX_DEPTH} deep"
            self.findings.error("too-deep", message, found[name].place.span)
        return unsound

    def _circle(
        self, names: list[str], call: BlockCallSpec, found: Mapping[str, BlockSpec]
    ) -> None:
        message = f"the block '{names[0]}' is made of itself: {show_circle(names)}"
        notes = tuple(found[name].note for name in dict.fromkeys(names[:4]))
        help = "a block can only use blocks that do not use it"
        self.findings.error("cyclic-block", message, call.block.span, notes=notes, help=help)

    def _checked(self, block: BlockSpec, known: Names[BlockSpec]) -> BlockSpec:
        """`block` with the uses in it matched to their blocks, without those at fault."""
        nodes: dict[str, NodeSpec | BlockCallSpec] = {}
        for name, node in block.nodes.items():
            if isinstance(node, NodeSpec):
                nodes[name] = node
                continue
            call = check_call(node, known, self._ops, self.findings)
            if call is not FAULTY and self._sizes_known(call, block):
                nodes[name] = call
        faulty = block.nodes.faulty | block.nodes.keys()
        return replace(block, nodes=Names(nodes, faulty))

    def _sizes_known(self, call: BlockCallSpec, block: BlockSpec) -> bool:
        """Report sizes of a use that are wrong whatever the sizes of the block are."""
        _, faults = given_sizes(call, call.name, block.scope)
        sure = [each for each in faults.values() if each.unknown or not depends(each.value, block)]
        for fault in sure:
            fault.report(self.findings, unknown_size_help(fault.unknown, block))
        return not sure


def depends(value: Value, block: BlockSpec) -> bool:
    """Whether `value` is an expression of sizes that each use of `block` gives."""
    text = scalar_value(value)
    return isinstance(text, str) and not sizes.names(text).isdisjoint(block.sizes)


def unknown_size_help(name: str, block: BlockSpec) -> str:
    """What to do about the size `name`, which `block` does not have."""
    otherwise = (
        f"a block knows its own sizes alone: list '{name}' under the 'sizes' of '{block.name}'"
    )
    return suggestion(name, block.scope, otherwise)


def _is_node(name: str, block: BlockSpec) -> bool:
    """Whether `name` may be that of a node of `block`, or of one inside a use in it."""
    head, dot, _ = name.partition(".")
    node = block.nodes.find(head)
    if node is None or node is FAULTY:
        return node is FAULTY
    return not dot or isinstance(node, BlockCallSpec)


def _used(block: BlockSpec) -> Iterator[BlockCallSpec]:
    return (node for node in block.nodes.values() if isinstance(node, BlockCallSpec))
