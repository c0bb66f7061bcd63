"""Nodes and uses of blocks, out of the mappings under ``nodes``."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, TypeGuard

from graphnn.diagnostics import ALLOWABLE, CODES, nearest, suggestion
from graphnn.spec._field_reader import number_help
from graphnn.spec._section_reader import SectionReader
from graphnn.spec.block_records import LimitsSpec
from graphnn.spec.forms import called, key_names
from graphnn.spec.node_records import AxisSpec, BlockCallSpec, NodeSpec, Reference
from graphnn.spec.reading.key_faults import is_empty
from graphnn.spec.values import Entry, Map, Scalar, Seq, Value, place_of, scalar_value

MAX_NODES = 200_000
_NEW_AXIS = 1  # of a sequence: behind that of the rows
_NODE_KEYS = key_names(NodeSpec)
_CALL_KEYS = key_names(BlockCallSpec)
# An op may take a shape, which is an attribute like others.
_OP_NODE_KEYS = tuple(key for key in _NODE_KEYS if key != "shape")
_SAYS_WHAT = ("op", "block")  # keys one of which a node has
_LONGEST = 200  # characters of several names: the time of the search grows with their square
_SEVERAL = re.compile(r"[\w.-]+(?:\s*,\s*|\s+)[\w.,\s-]*[\w.-]")  # names side by side


class NodeReader(SectionReader):
    """Takes nodes, and mentions of nodes, apart."""

    _written: Collection[str] = ()  # names of the nodes being read, sound or not

    def nodes(self, given: Map, owner: str, help: str) -> dict[str, NodeSpec | BlockCallSpec]:
        """The nodes in `given`, in order, without those at fault.

        Parameters
        ----------
        given : Map
        owner, help : str
            For messages: what has the nodes, and what to do when there are none.
        """
        if not given.entries:
            self.findings.error("no-nodes", "'nodes' is empty", given.span, help=help)
        if len(given.entries) > MAX_NODES:
            message = f"{owner} has {len(given.entries)} nodes, more than {MAX_NODES}"
            self.findings.error("too-many-nodes", message, given.span)
            return {}
        given = self.indented(given, _is_of_node, needed=(*_SAYS_WHAT, "inputs"))
        nodes = {}
        self._written = given.entries.keys()
        for name, entry in given.entries.items():
            named = self.name(entry.key, "a node")
            node = self._node(name, entry)
            # One of a bad name is checked under it; with a dot it could be that of another.
            if node is not None and (named or "." not in name):
                nodes[name] = node
        return nodes

    def listed(self, value: Value | None, what: str) -> tuple[Reference, ...]:
        """Nodes by name, one or a list of them."""
        found: list[Reference] = []
        for item in one_or_more(value):
            found += self._references(item, what)
        return tuple(found)

    def _node(self, name: str, entry: Entry) -> NodeSpec | BlockCallSpec | None:
        body = entry.value
        if not isinstance(body, Map):
            wanted = "a mapping such as {op: relu, ...}"
            self.mapping(body, f"the node '{name}'", wanted, "{op: TEXT, inputs: ...}")
            return None
        body = self._closed(body, name)
        entries = body.entries
        used = "block" in entries and "op" not in entries
        own = _CALL_KEYS if used else _OP_NODE_KEYS
        head = self._block_name(name, body) if used else self._op_name(name, entry.key, body)
        if head is None:
            return None
        inputs = body.get("inputs")
        given: dict[str, Any] = {
            "name": name,
            "place": entry.key,
            "inputs": self._inputs(inputs, name),
            "inputs_place": entry.key if inputs is None else inputs,
            "fields": {key: field for key, field in entries.items() if key not in own},
        }
        if used:
            return BlockCallSpec(block=head, **given, **self.record(BlockCallSpec, body))
        return NodeSpec(op=head, **given, **self.record(NodeSpec, body))

    def _closed(self, body: Map, name: str) -> Map:
        """`body` with the keys that its list of inputs holds, which are reported, beside it."""
        inputs = body.get("inputs")
        if not isinstance(inputs, Seq):
            return body
        inside = [item for item in inputs.items if isinstance(item, Map)]
        if not inside:
            return body
        entries = {key: entry for item in inside for key, entry in item.entries.items()}
        for item in inside:
            keys = ", ".join(f"'{key}'" for key in item.entries)
            help = f"end the list with ']' before {keys}" if keys else ""
            self.wrong(f"an input of '{name}'", "the name of a node", item, help)
        rest = [item for item in inputs.items if not isinstance(item, Map)]
        listed = Entry(body.entries["inputs"].key, Seq(rest, *place_of(inputs)))
        return Map({**entries, **body.entries, "inputs": listed}, *place_of(body))

    def axes(self, value: Value, what: str) -> Mapping[str, AxisSpec] | None:
        """Names with an axis each: a name, a list of them, or a mapping to axes."""
        if not isinstance(value, Map):
            named = [self.word(item, what, "a name") for item in one_or_more(value)]
            return {str(name.value): AxisSpec(name, _NEW_AXIS) for name in named if name}
        found = {}
        for name, entry in value.entries.items():
            axis = scalar_value(entry.value)
            if type(axis) is int:
                found[name] = AxisSpec(entry.key, axis)
            else:
                help = number_help(entry.value, whole=True)
                self.wrong(f"the axis of '{name}'", "a whole number", entry.value, help)
        return found

    def limits(self, value: Value, what: str) -> LimitsSpec | None:
        """How much there may be at most."""
        body = self.section(LimitsSpec, value, what, "a mapping such as {parameters: 100_000}")
        return None if body is None else LimitsSpec(**self.record(LimitsSpec, body))

    def share(self, value: Value, what: str) -> Scalar | None:
        """True, or the name of a use; False is as good as nothing."""
        if isinstance(value, Scalar) and isinstance(value.value, bool):
            return value if value.value else None
        return self.word(value, what, "true, or the name of a use of the same block", empty=False)

    def codes(self, value: Value | None) -> tuple[Scalar, ...]:
        """Codes of warnings, as under ``allow``; others are reported."""
        return tuple(item for item in one_or_more(value) if self._is_warning(item))

    def _is_warning(self, item: Value) -> TypeGuard[Scalar]:
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            self.wrong("'allow'", "codes of warnings, such as [unread-node]", item)
            return False
        name = item.value
        if name in ALLOWABLE:
            return True
        message, help = f"there is no warning '{name}'", f"there are {', '.join(ALLOWABLE)}"
        if name in CODES:
            message = f"'{name}' cannot be allowed"
        self.findings.error("bad-allow", message, item.span, help=suggestion(name, ALLOWABLE, help))
        return False

    def _op_name(self, name: str, place: Scalar, body: Map) -> Scalar | None:
        """The name of the op."""
        op = body.get("op")
        if op is None:
            help, at = "name its op, as in {op: relu, inputs: x}", place
            known = [key for key in body.entries if key not in _NODE_KEYS]
            for meant in ("block", "op"):
                if typed := _meaning(meant, known):
                    help, at = f"did you mean '{meant}'?", body.entries[typed].key
            self.lacks(body, f"the node '{name}' has no 'op'", help, at)
            return None
        if "block" in body.entries:
            message = f"the node '{name}' has both an 'op' and a 'block'"
            both = body.entries["block"].key, body.entries["op"].key
            help = "leave one of the two out"
            self.twice("op-and-block", message, *both, "the op stands here", help)
            return None
        return self.word(op, f"the op of '{name}'", "the name of an op")

    def _block_name(self, name: str, body: Map) -> Scalar | None:
        block = body.entries["block"].value
        return self.word(block, f"the block of '{name}'", "the name of a block")

    def _inputs(self, value: Value | None, node: str) -> tuple[Reference, ...]:
        what = f"an input of '{node}'"
        if isinstance(value, Map):
            entries = value.entries.values()
            return tuple(self._reference(entry.value, what, entry.key) for entry in entries)
        return self.listed(value, what)

    def _references(self, value: Value, what: str) -> list[Reference]:
        """What `value`, an item of a list, mentions: one node, or several in one text."""
        text = value.value if isinstance(value, Scalar) else None
        if not isinstance(text, str) or text in self._written or not _are_several(text):
            return [self._reference(value, what)]
        names = re.split(r"[\s,]+", text)
        self.wrong(what, "the name of a node", value, f"for several write [{', '.join(names)}]")
        return [Reference(name, value) for name in names]

    def _reference(self, value: Value, what: str, operand: Scalar | None = None) -> Reference:
        if isinstance(value, Scalar) and isinstance(value.value, str) and value.value:
            return Reference(value.value, value, operand)
        self.wrong(what, "the name of a node", value)
        # One at fault keeps its place, so that the others are counted and matched rightly.
        return Reference("", value, operand)


def _meaning(wanted: str, given: list[str]) -> str | None:
    """The one of the `given` keys that means `wanted`, elsewhere or misspelt."""
    record = NodeSpec if wanted == "op" else BlockCallSpec
    found = (key for key in given if called(record, key, (wanted,)))
    return next(found, None) or nearest(wanted, given)


def _are_several(text: str) -> bool:
    """Whether `text` holds names side by side."""
    return len(text) <= _LONGEST and _SEVERAL.fullmatch(text) is not None


def _is_of_node(entry: Entry) -> bool:
    """Whether an entry is a key of a node, and no node itself."""
    value = entry.value
    node = isinstance(value, Map) and not value.entries.keys().isdisjoint(_SAYS_WHAT)
    return not (node or is_empty(value))


def one_or_more(value: Value | None) -> list[Value]:
    """The items of a list; anything else as the only one."""
    if value is None:
        return []
    return value.items if isinstance(value, Seq) else [value]
