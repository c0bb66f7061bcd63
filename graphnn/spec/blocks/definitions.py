"""The section ``blocks``: definitions, each checked once, whatever uses it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Mapping as Dict
from dataclasses import replace
from pathlib import Path

from graphnn.diagnostics import FAULTY, Code, Faulty, Findings, Names, Note, listed, suggestion
from graphnn.spec import sizes
from graphnn.spec._field_reader import size_problem
from graphnn.spec._inputs import InputNames, match_inputs
from graphnn.spec._nodes import MAX_NODES, NodeReader, one_or_more
from graphnn.spec.forms import key_names
from graphnn.spec.model import BlockCallSpec, BlockSpec, NodeSpec, Reference
from graphnn.spec.values import NOWHERE, Entry, Mapping, Scalar, Value

_OTHERS = tuple(name for name in key_names(BlockCallSpec) if name != "block")
_TAKEN = {"batch", *key_names(NodeSpec), *key_names(BlockCallSpec)}  # by what is no size
MAX_DEPTH = 32  # blocks inside one another; with each, names grow by a part
_BLOCK = "a mapping such as {inputs: x, nodes: {...}, output: y}"
_NODES = "list what the block is made of under 'nodes:', one name and op a line"


def blocks(
    section: Mapping | None,
    folder: Path,
    findings: Findings,
    ops: Collection[str],
    *,
    whole: bool = True,
) -> Names[BlockSpec]:
    """The blocks that `section` defines; what is wrong with it goes to `findings`.

    Parameters
    ----------
    section : Mapping or None
        What stands under ``blocks``, blocks of files among it.
    folder : Path
        The folder of the spec.
    findings : Findings
    ops : collection of str
        Names of the ops that there are.
    whole : bool
        Whether `section` has all blocks; where a file of them could not be read, a block that is
        not there is not reported.

    Returns
    -------
    Names of BlockSpec
        In the order of the file; every use in them is that of another of them.
    """
    return _Blocks(findings, ops, whole).all(section, folder)


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
        other = f"it is an op: write 'op: {name}'" if name in ops else ""
        help = other or suggestion(name, known, _blocks_there(known))
        message = f"there is no block '{name}'"
        findings.error("unknown-block", message, spec.block.span, help=help)
    if block is None or block is FAULTY:
        return FAULTY
    fits = _sizes_fit(spec, block, findings)
    notes = (Note(f"'{block.name}' is defined here", block.place.span),)
    taken = InputNames(f"the block '{block.name}'", "input", tuple(block.inputs), notes=notes)
    inputs = match_inputs(spec, taken, findings)
    return replace(spec, inputs=inputs) if fits and inputs is not FAULTY else FAULTY


def size_of(
    what: str, value: Value, scope: Dict[str, sizes.Size], most: int
) -> sizes.Size | Faulty:
    """The size that a use gives, as a number or an expression; FAULTY where it names one at fault.

    Raises
    ------
    GivenSizeError
        It is none, names an unknown size, or is a number that no size can be.
    """
    size = value.value if isinstance(value, Scalar) else None
    try:
        return sizes.read(size, scope, most)
    except sizes.SizeError as error:
        if error.name is not None:
            raise GivenSizeError("unknown-size", str(error), name=error.name) from None
        message, help = size_problem(what, value, str(error), error.reason)
        raise GivenSizeError("bad-size", message, help) from None


class GivenSizeError(ValueError):
    """A size of a use is at fault; `name` is set when it names an unknown size."""

    def __init__(self, code: Code, message: str, help: str = "", name: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.help = help
        self.name = name


def _blocks_there(known: Dict[str, BlockSpec]) -> str:
    return f"the blocks are {listed(known)}" if known else "define it under 'blocks'"


def _sizes_fit(spec: BlockCallSpec, block: BlockSpec, findings: Findings) -> bool:
    unknown = [key for key in spec.fields if key not in block.sizes]
    missing = [name for name in block.sizes if name not in spec.fields]
    for key in unknown:
        findings.error(
            "unknown-key",
            f"the block '{block.name}' has no size '{key}'",
            spec.fields[key].key.span,
            notes=[Note(f"'{block.name}' is defined here", block.place.span)],
            help=suggestion(key, (*block.sizes, *_OTHERS), _takes_sizes(block)),
        )
    for name in missing:
        # What is misspelt is reported as such, not as missing too.
        if not unknown:
            findings.error(
                "missing-size",
                f"'{spec.name}' is missing the size '{name}' of the block '{block.name}'",
                spec.block.span,
                notes=[Note(f"'{name}' is declared here", block.sizes[name].span)],
                help=f"give it a value, such as {name}: 10",
            )
    return not unknown and not missing


def _takes_sizes(block: BlockSpec) -> str:
    return f"its sizes are {', '.join(block.sizes)}" if block.sizes else "it has no sizes"


class _Blocks(NodeReader):
    def __init__(self, findings: Findings, ops: Collection[str], whole: bool) -> None:
        super().__init__(findings)
        self._ops = ops
        self._whole = whole

    def all(self, section: Mapping | None, folder: Path) -> Names[BlockSpec]:
        if section is None:
            return Names({}, any_faulty=not self._whole)
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

    def _block(self, entry: Entry, section: Mapping, folder: Path) -> BlockSpec | None:
        name = str(entry.key.value)
        what = f"the block '{name}'"
        body = self.mapping(entry.value, what, _BLOCK)
        if body is None:
            return None
        body = self.keys(body, key_names(BlockSpec), what)
        self.required(BlockSpec, body, what, entry.key)
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
        output = self._output(body.get("output"), block)
        return replace(block, nodes=self._resolved(block), output=output)

    def _names(self, value: Value | None, what: str) -> dict[str, Scalar]:
        found: dict[str, Scalar] = {}
        items = one_or_more(value)
        if isinstance(value, Mapping) and value.entries:
            items = [entry.key for entry in value.entries.values()]
            help = f"each use gives the values: write [{listed(value.entries)}]"
            self.wrong(what, "a name", value, help)
        for item in items:
            if not isinstance(item, Scalar) or not isinstance(item.value, str):
                self.wrong(what, "a name", item)
            elif item.value in found:
                self.findings.error(
                    "duplicate-name",
                    f"'{item.value}' is listed twice",
                    item.span,
                    notes=[Note("it is first listed here", found[item.value].span)],
                )
            elif self.name(item, what):
                found[item.value] = item
        return found

    def _sizes(self, value: Value | None, what: str) -> dict[str, Scalar]:
        found = self._names(value, f"a size of {what}")
        for name in [*found]:
            if name in _TAKEN:
                why = "is always there" if name == "batch" else "is a key of every node"
                self.findings.error(
                    "bad-name",
                    f"'{name}' cannot be the name of a size of {what}: it {why}",
                    found.pop(name).span,
                    help="leave it out" if name == "batch" else "use another name",
                )
        return found

    def _check_names(self, block: BlockSpec) -> None:
        for name, node in block.nodes.items():
            if name in block.inputs:
                self.findings.error(
                    "duplicate-name",
                    f"'{name}' is both an input and a node of the block '{block.name}'",
                    node.place.span,
                    notes=[Note("the input is listed here", block.inputs[name].span)],
                    help="the nodes of a block read its inputs by name; an input is not a node",
                )

    def _output(self, value: Value | None, block: BlockSpec) -> Scalar | None:
        if value is None:
            return None
        if not isinstance(value, Scalar) or not isinstance(value.value, str):
            self.wrong(f"the output of the block '{block.name}'", "the name of a node", value)
            return None
        name = value.value
        if _is_node(name, block) or not block.nodes:
            return value
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
        self.findings.error(
            "unknown-node",
            f"there is no node '{name}' in the block '{block.name}'",
            reference.place.span,
            help=suggestion(
                name,
                (*block.inputs, *block.nodes),
                "a block reads its own inputs and nodes alone: list what else it needs "
                "under 'inputs'",
            ),
        )
        return replace(reference, name="")

    def _circles(self, found: Dict[str, BlockSpec]) -> set[str]:
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
                    inner = (depths.get(below, 0) for below in _blocks_in(found[name]))
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

    def _circle(self, names: list[str], call: BlockCallSpec, found: Dict[str, BlockSpec]) -> None:
        shown = names if len(names) <= 12 else [*names[:6], "...", *names[-5:]]
        self.findings.error(
            "cyclic-block",
            f"the block '{names[0]}' is made of itself: {' -> '.join(shown)}",
            call.block.span,
            notes=[
                Note(f"'{name}' is defined here", found[name].place.span)
                for name in dict.fromkeys(names[:4])
            ],
            help="a block can only use blocks that do not use it",
        )

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
        fine = True
        for _, what, value, most in asked(call, call.name):
            try:
                size_of(what, value, block.scope, most)
            except GivenSizeError as fault:
                if not fault.name and depends(value, block):
                    continue
                fine = False
                help = fault.help
                if fault.name:
                    help = unknown_size_help(fault.name, block)
                span = value.span_of(fault.name or "")
                self.findings.error(fault.code, str(fault), span, help=help)
        return fine


def asked(call: BlockCallSpec, name: str) -> Iterator[tuple[str, str, Value, int]]:
    """The sizes that `call`, called `name`, gives, and its repeat.

    Yields
    ------
    key, what, value, most
        `what` are the words for messages, `most` is the largest number that it can be.
    """
    for key, entry in call.fields.items():
        yield key, f"the '{key}' of '{name}'", entry.value, sizes.MAX_SIZE
    if call.repeat is not None:
        yield "repeat", f"the 'repeat' of '{name}'", call.repeat, MAX_NODES


def depends(value: Value, block: BlockSpec) -> bool:
    """Whether `value` is an expression of sizes that each use of `block` gives."""
    text = value.value if isinstance(value, Scalar) else None
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


def _blocks_in(block: BlockSpec) -> Iterator[str]:
    return (str(call.block.value) for call in _used(block))
