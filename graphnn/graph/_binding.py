"""One node of a spec bound to its op: attributes checked, operands matched, parameters placed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from graphnn.diagnostics import (
    FileError,
    Findings,
    GraphnnError,
    Span,
    SpecError,
    nearest,
    suggestion,
)
from graphnn.graph import arrays
from graphnn.graph.arrays import Array
from graphnn.ops import REGISTRY, Op, Operand
from graphnn.ops.initializers import INITIALIZERS, MAP, Initializer, elsewhere
from graphnn.spec import (
    NODE_KEYS,
    OPS,
    BlockDiagnostics,
    brief,
    depends,
    meant_truth,
    number_help,
    size_help,
    truth_help,
    unknown_size_help,
    unlike,
)
from graphnn.spec.model import BlockInstance, BlockSpec, NetworkSpec, NodeSpec, Reference
from graphnn.spec.sizes import Size, show
from graphnn.spec.values import Entry, Mapping, Scalar, Sequence, Value, plain
from graphnn.storage import files
from graphnn.storage.archives import Archive, opened, read_from

_OF_ARRAY = ("unknown-array", "pickled-array", "not-numbers")  # faults of one array of a file
_EXTRA = "extra_forbidden"
# What pydantic's types of error say of a value, in the words of this language.
_WANTED = {
    "literal_error": "{expected}",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "finite_number": "a finite number",
    "too_short": "a list of at least {min_length} entry",
}
_NUMBERS = ("float_type", "int_type")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the first value of a parameter comes from: one of the four is set, or none.

    Attributes
    ----------
    start : Initializer or None
    array : ndarray or None
        Numbers in the spec or in a file it names.
    share : str or None
        Full name of the parameter that it is.
    place : Value
        Where the spec says so; the node's name where it does not.
    layout : str
        What the axes of the parameter are, for initializers.
    """

    place: Value
    start: Initializer | None = None
    array: Array | None = None
    share: str | None = None
    layout: str = MAP

    @property
    def absent(self) -> bool:
        """Whether the parameter is left out."""
        return self.start is None and self.array is None and self.share is None


@dataclass(frozen=True, slots=True)
class Bound:
    """A node whose op is known and whose operands are matched; shapes come later."""

    spec: NodeSpec
    op: Op
    inputs: tuple[Reference, ...]
    parameters: Dict[str, Origin]

    @property
    def name(self) -> str:
        """The node's name."""
        return self.spec.name


class _Archives:
    """Reads arrays of archives: each once, and the archive of the last stays open.

    A block that is repeated names the same archive in every copy.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._last: tuple[Path, Archive] | None = None
        self._arrays: dict[tuple[Path, str], Array] = {}

    def read(self, path: Path, name: str, span: Span | None) -> Array:
        """An array, in double precision."""
        if (path, name) not in self._arrays:
            if self._last is None or self._last[0] != path:
                self.close()
                self._last = (path, self._stack.enter_context(opened(path, span)))
            array = read_from(self._last[1], [name], span)[name]
            self._arrays[path, name] = np.asarray(array, dtype=np.float64)
        return self._arrays[path, name]

    def close(self) -> None:
        """Close what is open."""
        self._last = None
        self._stack.close()


class Binder:
    """Binds nodes of one spec, telling faults to `copies`; to be used with ``with``.

    Parameters
    ----------
    spec : NetworkSpec
    copies : Copies
        Takes what is wrong.
    """

    def __init__(self, spec: NetworkSpec, copies: BlockDiagnostics) -> None:
        self._spec = spec
        self._all = copies
        self._archives = _Archives()
        self._unsound: set[int] = set()
        self._made: dict[tuple[int, int], Bound | None] = {}
        self.shares: dict[str, Origin] = {}  # outside blocks; by full name, of all nodes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._archives.close()

    def check(self, block: BlockSpec) -> None:
        """Tell what is wrong with the nodes of `block` whatever its sizes are."""
        for node in block.nodes.values():
            if isinstance(node, NodeSpec):
                found = Findings()
                self.enter_scope(found, block.scope, block.folder, block=block)
                self._bind(node)
                for diagnostic in found.sorted():
                    self._unsound.add(id(node))
                    self._all.of(None).add(diagnostic)

    def bind(self, spec: NodeSpec) -> Bound | None:
        """`spec` bound to its op, or None when that cannot be done.

        A node of a block that `check` found to be at fault is None, and nothing more is told.
        """
        copy = spec.copy
        if copy is None:
            self.enter_scope(self._all.of(None), self._spec.sizes, self._spec.folder)
            return self._bind(spec)
        node = copy.use.block.nodes[spec.name.removeprefix(f"{copy.name}.")]
        if id(node) in self._unsound:
            return None
        self.enter_scope(self._all.of(copy), copy.use.scope, copy.use.block.folder, copy=copy)
        key = (id(node), id(copy.use))
        if key not in self._made:
            bound = self._bind(spec)
            # What names no other parameter and no array by the node's name is alike in all copies.
            if not any(isinstance(entry.value, Mapping) for entry in spec.fields.values()):
                self._made[key] = bound
            return bound
        first = self._made[key]
        inputs = None if first is None else self._inputs(spec, type(first.op))
        if first is None or inputs is None:
            return None
        return Bound(spec, first.op, inputs, first.parameters)

    def enter_scope(
        self,
        findings: Findings,
        scope: Dict[str, Size],
        folder: Path,
        *,
        copy: BlockInstance | None = None,
        block: BlockSpec | None = None,
    ) -> None:
        """Go to where the next nodes come from: a copy, or a block whose sizes are not known."""
        self._findings, self._scope, self._folder = findings, scope, folder
        self._copy, self._block = copy, block

    @property
    def _is_top(self) -> bool:
        """Whether the nodes come from no block."""
        return self._copy is None and self._block is None

    def _bind(self, spec: NodeSpec) -> Bound | None:
        op_class = REGISTRY.get(str(spec.op.value))
        if op_class is None or op_class.internal:
            name = str(spec.op.value)
            other = f"it is a block: write 'block: {name}'" if name in self._spec.blocks else ""
            help = other or suggestion(name, sorted(OPS), "'graphnn ops' lists them all")
            self._findings.error("unknown-op", f"there is no op '{name}'", spec.op.span, help=help)
            return None
        attributes, given, meant = self._sort(spec, op_class)
        op = self._op(spec, op_class, attributes)
        inputs = None if "inputs" in meant else self._inputs(spec, op_class)
        parameters = self._parameters(spec, op_class, given)
        if op is None or inputs is None or parameters is None:
            return None
        return Bound(spec, op, inputs, parameters)

    def _sort(
        self, spec: NodeSpec, op_class: type[Op]
    ) -> tuple[dict[str, Entry], dict[str, Entry], set[str]]:
        """Attributes and parameters as given, and what misspelt keys seem to mean."""
        parameters = [operand.name for operand in op_class.parameter_operands()]
        fields = [key for key in op_class.model_fields if key != "op"]
        known = [*fields, *parameters, *NODE_KEYS[1:]]
        meant: dict[str, Entry] = {}
        for key, entry in spec.fields.items():
            if key not in known:
                other = op_class.also_called.get(key) or nearest(key, known)
                help = f"'graphnn ops {op_class.name}' lists them"
                meant.setdefault(other or key, entry)
                self._findings.error(
                    "unknown-key",
                    f"{op_class.name} has no attribute or parameter '{key}'",
                    entry.key.span,
                    help=f"did you mean '{other}'?" if other else help,
                )
        # A misspelt key is taken for what it means, so that nothing is told to be missing.
        entries = {**meant, **spec.fields}
        attributes = {key: entries[key] for key in fields if key in entries}
        given = {key: entries[key] for key in parameters if key in entries}
        return attributes, given, set(meant)

    def _op(self, spec: NodeSpec, op_class: type[Op], attributes: Dict[str, Entry]) -> Op | None:
        data = {key: plain(entry.value) for key, entry in attributes.items()}
        try:
            return op_class.model_validate_json(json.dumps(data), strict=True, context=self._scope)
        except ValidationError as error:
            told: set[Any] = set()
            for detail in error.errors(include_url=False):
                key, *path = detail["loc"]
                entry = attributes.get(str(key))
                at = key if entry is None else id(_deepest(entry.value, path))
                if at not in told:
                    told.add(at)
                    self._attribute_fault(spec, op_class, attributes, detail)
            return None

    def _attribute_fault(
        self,
        spec: NodeSpec,
        op_class: type[Op],
        attributes: Dict[str, Entry],
        detail: ErrorDetails,
    ) -> None:
        key = str(detail["loc"][0])
        if detail["type"] == "missing":
            self._findings.error(
                "missing-attribute",
                f"the node '{spec.name}' does not say its '{key}'",
                spec.op.span,
                label=f"{op_class.name} needs '{key}'",
                help=f"give '{key}': {_description(op_class, key)}",
            )
            return
        if detail["type"] == "faulty":
            return
        what = f"the '{key}' of '{spec.name}'"
        value = _deepest(attributes[key].value, detail["loc"][1:])
        unknown = detail["type"] == "size" and detail["ctx"]["name"]
        if self._block is not None and not unknown and depends(value, self._block):
            return  # judged where the sizes are known
        entry = f"an entry of {what}" if value is not attributes[key].value else what
        if detail["type"] == "size":
            self._size_fault(entry, value, detail, op_class.words.get(key, {}))
            return
        if detail["type"] == "value_error" and isinstance(value, Sequence):
            try:
                arrays.from_value(value, what)
            except SpecError as error:  # which points at the entry
                self._findings.add(error.diagnostics[0])
                return
        message, help = attribute_message(entry, value, detail)
        help = help or f"'{key}': {_description(op_class, key)}"
        self._findings.error("bad-attribute", message, value.span, help=help)

    def _size_fault(
        self, what: str, value: Value, detail: ErrorDetails, words: Dict[str, str]
    ) -> None:
        unknown = detail["ctx"]["name"]
        if unknown:
            help = "declare it under 'sizes': a whole number, or free"
            # A name may hold '-'.
            if unknown.lower() in words:
                help = words[unknown.lower()]
            elif self._block is not None:
                help = unknown_size_help(unknown, self._block)
            elif "-" in unknown and unknown.partition("-")[0] in self._scope:
                help = "put spaces around the '-' to subtract"
            else:
                help = suggestion(unknown, self._scope, help)
            self._findings.error("unknown-size", detail["msg"], value.span_of(unknown), help=help)
            return
        text = isinstance(value, Scalar) and isinstance(value.value, str)
        shown = f"{what}, {brief(value)}" if text else what
        message, help = f"{shown}: {detail['msg']}", ""
        if text and "value" not in detail["ctx"]:
            help = size_help(value)
        elif "value" not in detail["ctx"]:
            message = f"{what} must be a whole number or the name of a size, {unlike(value)}"
        self._findings.error("bad-size", message, value.span, help=help)

    def _inputs(self, spec: NodeSpec, op_class: type[Op]) -> tuple[Reference, ...] | None:
        operands = op_class.data_operands()
        if spec.inputs and spec.inputs[0].operand is not None:
            return self._by_name(spec, op_class, operands)
        many = bool(operands) and operands[0].many
        if (many and spec.inputs) or (not many and len(spec.inputs) == len(operands)):
            return spec.inputs
        names = f" ({', '.join(operand.name for operand in operands)})" if operands else ""
        wanted = "1 input or more" if many else _count(len(operands)) + names
        self._findings.error(
            "wrong-inputs",
            f"{op_class.name} takes {wanted}, but '{spec.name}' has {len(spec.inputs) or 'none'}",
            spec.inputs_place.span,
        )
        return None

    def _by_name(
        self, spec: NodeSpec, op_class: type[Op], operands: tuple[Operand, ...]
    ) -> tuple[Reference, ...] | None:
        names = [operand.name for operand in operands]
        table = {str(r.operand.value): r for r in spec.inputs if r.operand is not None}
        unknown = [name for name in table if name not in names]
        single = not operands or operands[0].many  # its inputs have no names to choose from
        for name in unknown[:1] if single else unknown:
            place = table[name].operand
            self._findings.error(
                "unknown-operand",
                f"{op_class.name} has no operand '{name}'",
                place.span if place else None,
                help=suggestion(name, names, _operands(operands)),
            )
        missing = [name for name in names if name not in table]
        if missing and set(table) <= set(names):
            self._findings.error(
                "wrong-inputs",
                f"'{spec.name}' does not say its '{missing[0]}'",
                spec.inputs_place.span,
                help=f"{op_class.name} takes {', '.join(names)}",
            )
        if missing or len(table) != len(names):
            return None
        return tuple(table[name] for name in names)

    def _parameters(
        self, spec: NodeSpec, op_class: type[Op], given: Dict[str, Entry]
    ) -> dict[str, Origin] | None:
        origins: dict[str, Origin | None] = {}
        for operand in op_class.parameter_operands():
            entry = given.get(operand.name)
            if entry is None:
                origins[operand.name] = Origin(spec.place, operand.start)
                continue
            try:
                origins[operand.name] = self._origin(spec, operand, entry.value)
            except GraphnnError as error:
                origins[operand.name] = None
                for diagnostic in error.diagnostics:
                    self._findings.add(replace(diagnostic, severity="error"))
        found = {
            operand.name: replace(origin, layout=operand.layout)
            for operand in op_class.parameter_operands()
            if (origin := origins[operand.name]) is not None
        }
        return found if len(found) == len(origins) else None

    def _origin(self, spec: NodeSpec, operand: Operand, value: Value) -> Origin | None:
        full = f"{spec.name}.{operand.name}"
        if isinstance(value, Scalar) and value.value is False and operand.optional:
            return Origin(value)
        if arrays.is_numbers(value):
            return self._numbers(full, arrays.from_value(value, f"'{full}'"), value)
        if isinstance(value, Scalar) and isinstance(value.value, str):
            also = ("false",) if operand.optional else ()
            return self._start(full, value, Mapping({}), also)
        if isinstance(value, Mapping) and "file" in value:
            return self._file(full, value)
        if isinstance(value, Mapping) and "share" in value:
            return self._share(full, value)
        if isinstance(value, Mapping) and len(value.entries) == 1:
            entry = next(iter(value.entries.values()))
            return self._start(full, entry.key, entry.value, ("file", "share"))
        ways = "numbers, an initializer, {file: NAME, key: NAME} or {share: NODE.PARAMETER}"
        if operand.optional:
            ways += ", or false"
        self._wrong(full, ways, value)
        return None

    def _wrong(self, full: str, wanted: str, value: Value) -> None:
        shown = unlike(value)
        if isinstance(value, Mapping) and len(value.entries) > 1:
            shown = "not a mapping with several keys"
        self._findings.error("bad-parameter", f"'{full}' must be {wanted}, {shown}", value.span)

    def _numbers(self, full: str, array: Array, place: Value) -> Origin | None:
        if array.size:
            return Origin(place, array=array)
        self._findings.error(
            "bad-parameter", f"'{full}' is empty: it has shape {show(array.shape)}", place.span
        )
        return None

    def _start(
        self, full: str, name: Scalar, options: Value, also: tuple[str, ...] = ()
    ) -> Origin | None:
        start = INITIALIZERS.get(str(name.value))
        if start is None:
            self._findings.error(
                "unknown-initializer",
                f"there is no initializer '{name.value}' for '{full}'",
                name.span,
                help=_meant_initializer(name, also),
            )
            return None
        if not isinstance(options, Mapping):
            self._findings.error(
                "bad-initializer",
                f"the options of '{name.value}' must be a mapping, {unlike(options)}",
                options.span,
                help=_written_initializer(start, name, options),
            )
            return None
        try:
            return Origin(name, start.model_validate_json(json.dumps(plain(options)), strict=True))
        except ValidationError as error:
            self._initializer_faults(start, name, options, error)
            return None

    def _initializer_faults(
        self, start: type[Initializer], name: Scalar, options: Mapping, error: ValidationError
    ) -> None:
        details = error.errors(include_url=False)
        known = [key for key in start.model_fields if key != "name"]
        meant = {nearest(str(d["loc"][0]), known) for d in details if d["type"] == _EXTRA}
        for detail in details:
            key = str(detail["loc"][0])
            if detail["type"] == "missing":
                if key not in meant:
                    message = f"the initializer '{name.value}' needs '{key}'"
                    help = f"write it as {{{name.value}: {{{key}: ...}}}}"
                    self._findings.error("bad-initializer", message, name.span, help=help)
                continue
            entry = options.entries[key]
            if detail["type"] == _EXTRA or key == "name":
                message = f"the initializer '{name.value}' has no option '{key}'"
                help = suggestion(key, known, f"it takes {_options(start)}")
                self._findings.error("bad-initializer", message, entry.key.span, help=help)
                continue
            message, help = attribute_message(f"'{key}' of '{name.value}'", entry.value, detail)
            self._findings.error("bad-initializer", message, entry.value.span, help=help)

    def _file(self, full: str, value: Mapping) -> Origin | None:
        texts: dict[str, Scalar] = {}
        for key, entry in value.entries.items():
            if key not in ("file", "key"):
                self._findings.error(
                    "unknown-key",
                    f"the file of '{full}' has no key '{key}'",
                    entry.key.span,
                    help=suggestion(key, ("file", "key"), "its keys are file, key"),
                )
            elif isinstance(entry.value, Scalar) and isinstance(entry.value.value, str):
                texts[key] = entry.value
            else:
                message = f"the '{key}' of '{full}' must be a text, {unlike(entry.value)}"
                self._findings.error("bad-parameter", message, entry.value.span)
        if len(texts) != len(value.entries):
            return None
        file = texts["file"]
        path = files.within(self._spec.folder, str(file.value), file.span, self._folder)
        if self._block is not None:
            return Origin(value)  # read where the name of the node is known
        array_name = texts.get("key")
        wanted = full if array_name is None else str(array_name.value)
        try:
            array = self._archives.read(path, wanted, file.span)
        except FileError as error:
            (found,) = error.diagnostics
            if array_name is not None and found.code in _OF_ARRAY:
                found = replace(found, span=array_name.span)
            raise FileError(found) from None
        if bad := arrays.first_not_finite(array):
            message = f"'{full}' holds {bad} in '{path.name}'"
            span = (array_name or file).span
            self._findings.error("not-finite", message, span, help=arrays.FINITE)
            return None
        return self._numbers(full, array, value)

    def _share(self, full: str, value: Mapping) -> Origin | None:
        target = value.entries["share"].value
        extra = [entry.key for key, entry in value.entries.items() if key != "share"]
        for key in extra:
            message = f"the share of '{full}' has no key '{key.value}'"
            help = "write it as {share: NODE.PARAMETER}"
            self._findings.error("unknown-key", message, key.span, help=help)
        if not isinstance(target, Scalar) or not isinstance(target.value, str):
            self._wrong(full, "{share: NODE.PARAMETER}", target)
            return None
        node, _, parameter = target.value.rpartition(".")
        if self._copy is not None:
            node = f"{self._copy.name}.{node}"
        owner = f"{self._spec.aliases.get(node, node)}.{parameter}" if node else target.value
        if extra:
            return None
        origin = Origin(target, share=owner)
        if self._is_top:
            self.shares[full] = origin
        return origin


def _deepest(value: Value, path: Iterable[int | str]) -> Value:
    for step in path:
        if isinstance(value, Sequence) and isinstance(step, int) and step < len(value.items):
            value = value.items[step]
    return value


def attribute_message(what: str, value: Value, detail: ErrorDetails) -> tuple[str, str]:
    """Message and help for a value that pydantic refuses, in the words of this language."""
    kind, context = detail["type"], detail.get("ctx", {})
    wanted = _WANTED.get(kind, "").format(**context)
    if wanted:
        help = truth_help(value) if kind == "bool_type" else ""
        if kind in _NUMBERS:
            help = number_help(value)
        if kind == "literal_error" and isinstance(value, Scalar):
            help = suggestion(str(value.value), re.findall(r"'(.*?)'", wanted))
        return f"{what} must be {wanted}, {unlike(value)}", help
    return f"{what}: {_lower(detail['msg'].removeprefix('Value error, '))}", ""


def _description(op_class: type[Op], key: str) -> str:
    text = (op_class.model_fields[key].description or "").replace("`", "'")
    return _lower(text).rstrip(".")


def _meant_initializer(name: Scalar, also: tuple[str, ...]) -> str:
    """Help where there is no initializer `name`, though one of them or of `also` is meant."""
    if meant_truth(name.value) in also:
        return truth_help(name)
    text = str(name.value)
    if found := elsewhere(text):
        return f"write {found}"
    otherwise = number_help(name) or f"there are {', '.join(sorted(INITIALIZERS))}"
    return suggestion(text, (*INITIALIZERS, *also), otherwise)


def _written_initializer(start: type[Initializer], name: Scalar, options: Value) -> str:
    """Help where something else than options is given."""
    known = [key for key in start.model_fields if key != "name"]
    if len(known) == 1 and isinstance(options, Scalar):
        return f"write {{{name.value}: {{{known[0]}: {brief(options)}}}}}"
    return f"'{name.value}' takes {_options(start)}"


def _options(start: type[Initializer]) -> str:
    return ", ".join(key for key in start.model_fields if key != "name") or "no options"


def _operands(operands: tuple[Operand, ...]) -> str:
    if not operands:
        return "it takes no inputs"
    if operands[0].many:
        return "give a list of nodes"
    return f"its operands are {', '.join(operand.name for operand in operands)}"


def _count(number: int) -> str:
    if number == 0:
        return "no inputs"
    return f"{number} input" if number == 1 else f"{number} inputs"


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
