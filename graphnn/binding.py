"""One node of a spec bound to its op: attributes checked, operands matched, parameters placed."""

from __future__ import annotations

import json
from collections.abc import Mapping as Dict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from graphnn import arrays, files
from graphnn.archives import read_array
from graphnn.arrays import Array
from graphnn.errors import Findings, GraphnnError, suggestion
from graphnn.initializers import INITIALIZERS, Initializer
from graphnn.ops import REGISTRY, Op
from graphnn.ops._op import Operand
from graphnn.spec.build import NODE_KEYS
from graphnn.spec.model import NodeSpec, Reference
from graphnn.spec.sizes import Size
from graphnn.spec.take import brief
from graphnn.spec.values import Entry, Mapping, Scalar, Sequence, Value, plain


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
    """

    place: Value
    start: Initializer | None = None
    array: Array | None = None
    share: str | None = None

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


class Binder:
    """Binds nodes of one spec, telling faults to `findings`.

    Parameters
    ----------
    scope : mapping of str to Size
        The named sizes.
    folder : Path
        Files named by the spec lie in its tree.
    findings : Findings
    """

    def __init__(self, scope: Dict[str, Size], folder: Path, findings: Findings) -> None:
        self._scope = scope
        self._folder = folder
        self._findings = findings

    def bind(self, spec: NodeSpec) -> Bound | None:
        """`spec` bound to its op, or None when that cannot be done."""
        op_class = REGISTRY.get(str(spec.op.value))
        if op_class is None or op_class.internal:
            known = [name for name, known in REGISTRY.items() if not known.internal]
            self._findings.error(
                "unknown-op",
                f"there is no op '{spec.op.value}'",
                spec.op.span,
                help=suggestion(str(spec.op.value), known, "'graphnn ops' lists them all"),
            )
            return None
        attributes, given = self._sort(spec, op_class)
        op = self._op(spec, op_class, attributes)
        inputs = self._inputs(spec, op_class)
        parameters = self._parameters(spec, op_class, given)
        if op is None or inputs is None or parameters is None:
            return None
        return Bound(spec, op, inputs, parameters)

    def _sort(
        self, spec: NodeSpec, op_class: type[Op]
    ) -> tuple[dict[str, Entry], dict[str, Entry]]:
        parameters = {operand.name for operand in op_class.parameter_operands()}
        attributes: dict[str, Entry] = {}
        given: dict[str, Entry] = {}
        for key, entry in spec.fields.items():
            if key in parameters:
                given[key] = entry
            elif key in op_class.model_fields:
                attributes[key] = entry
            else:
                known = [*op_class.model_fields, *sorted(parameters), *NODE_KEYS[1:]]
                self._findings.error(
                    "unknown-key",
                    f"{op_class.name} has no attribute or parameter '{key}'",
                    entry.key.span,
                    help=suggestion(key, known, f"'graphnn ops {op_class.name}' lists them"),
                )
        return attributes, given

    def _op(self, spec: NodeSpec, op_class: type[Op], attributes: Dict[str, Entry]) -> Op | None:
        data = {key: plain(entry.value) for key, entry in attributes.items()}
        try:
            return op_class.model_validate_json(json.dumps(data), strict=True, context=self._scope)
        except ValidationError as error:
            told = set()
            for detail in error.errors(include_url=False):
                key = str(detail["loc"][0])
                if key not in told:
                    told.add(key)
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
                help=op_class.model_fields[key].description or "",
            )
            return
        value = _deepest(attributes[key].value, detail["loc"][1:])
        if detail["type"] == "size":
            unknown = detail["ctx"]["name"]
            self._findings.error(
                "unknown-size" if unknown else "bad-size",
                detail["msg"] if unknown else f"the '{key}' of '{spec.name}': {detail['msg']}",
                value.span,
                help=suggestion(
                    unknown, self._scope, "declare it under 'sizes': a whole number, or free"
                )
                if unknown
                else "",
            )
            return
        message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
        self._findings.error(
            "bad-attribute",
            f"the '{key}' of '{spec.name}', {brief(value)}: {_lower(message)}",
            value.span,
        )

    def _inputs(self, spec: NodeSpec, op_class: type[Op]) -> tuple[Reference, ...] | None:
        operands = op_class.data_operands()
        if spec.inputs and spec.inputs[0].operand is not None:
            return self._by_name(spec, op_class, operands)
        many = bool(operands) and operands[0].many
        if len(spec.inputs) == len(operands) or (many and spec.inputs):
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
        for name, reference in table.items():
            if name not in names:
                assert reference.operand is not None
                self._findings.error(
                    "unknown-operand",
                    f"{op_class.name} has no operand '{name}'",
                    reference.operand.span,
                    help=suggestion(name, names, f"its operands are {', '.join(names)}"),
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
        found = {name: origin for name, origin in origins.items() if origin is not None}
        return found if len(found) == len(origins) else None

    def _origin(self, spec: NodeSpec, operand: Operand, value: Value) -> Origin | None:
        full = f"{spec.name}.{operand.name}"
        if isinstance(value, Scalar) and value.value is False and operand.optional:
            return Origin(value)
        if arrays.is_numbers(value):
            return Origin(value, array=arrays.from_value(value, f"'{full}'"))
        if isinstance(value, Scalar) and isinstance(value.value, str):
            return self._start(full, value, Mapping({}))
        if isinstance(value, Mapping) and "file" in value:
            return self._file(full, value)
        if isinstance(value, Mapping) and "share" in value:
            return self._share(full, value)
        if isinstance(value, Mapping) and len(value.entries) == 1:
            entry = next(iter(value.entries.values()))
            if isinstance(entry.value, Mapping):
                return self._start(full, entry.key, entry.value)
        ways = "numbers, an initializer, {file: NAME, key: NAME} or {share: NODE.PARAMETER}"
        if operand.optional:
            ways += ", or false"
        self._wrong(full, ways, value)
        return None

    def _wrong(self, full: str, wanted: str, value: Value) -> None:
        self._findings.error(
            "bad-parameter", f"'{full}' must be {wanted}, not {brief(value)}", value.span
        )

    def _start(self, full: str, name: Scalar, options: Mapping) -> Origin | None:
        start = INITIALIZERS.get(str(name.value))
        if start is None:
            self._findings.error(
                "unknown-initializer",
                f"there is no initializer '{name.value}' for '{full}'",
                name.span,
                help=suggestion(
                    str(name.value), INITIALIZERS, f"there are {', '.join(sorted(INITIALIZERS))}"
                ),
            )
            return None
        try:
            return Origin(name, start.model_validate_json(json.dumps(plain(options)), strict=True))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                key = str(detail["loc"][0])
                place = options.entries[key].key if key in options else name
                self._findings.error(
                    "bad-initializer",
                    f"'{key}' of the initializer '{name.value}': {_lower(detail['msg'])}",
                    place.span,
                )
            return None

    def _file(self, full: str, value: Mapping) -> Origin | None:
        file, key = value.get("file"), value.get("key")
        for name in value.entries:
            if name not in ("file", "key"):
                self._wrong(full, "{file: NAME, key: NAME}", value)
                return None
        if not isinstance(file, Scalar) or not isinstance(file.value, str):
            self._wrong(full, "{file: NAME, key: NAME}", value)
            return None
        if key is not None and not (isinstance(key, Scalar) and isinstance(key.value, str)):
            self._wrong(full, "{file: NAME, key: NAME}", value)
            return None
        path = files.within(self._folder, file.value, file.span)
        wanted = full if key is None else str(key.value)
        array = read_array(path, wanted, (file if key is None else key).span)
        return Origin(value, array=np.asarray(array, dtype=np.float64))

    def _share(self, full: str, value: Mapping) -> Origin | None:
        target = value.get("share")
        if len(value.entries) == 1 and isinstance(target, Scalar) and isinstance(target.value, str):
            return Origin(target, share=target.value)
        self._wrong(full, "{share: NODE.PARAMETER}", value)
        return None


def _deepest(value: Value, path: tuple[int | str, ...]) -> Value:
    for step in path:
        if isinstance(value, Sequence) and isinstance(step, int) and step < len(value.items):
            value = value.items[step]
        elif isinstance(value, Mapping) and isinstance(step, str) and step in value:
            value = value.entries[step].value
    return value


def _count(number: int) -> str:
    if number == 0:
        return "no inputs"
    return f"{number} input" if number == 1 else f"{number} inputs"


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def resolve_shares(bound: Dict[str, Bound], findings: Findings) -> tuple[dict[str, str], set[str]]:
    """Owner of every parameter, following shares; and the nodes whose shares lead nowhere.

    Returns
    -------
    owners : dict of str to str
        From full name to the full name whose array it is, itself for one not shared.
    lost : set of str
        Names of nodes with a share at fault, each of which has been told to `findings`.
    """
    origins = {
        f"{node.name}.{parameter}": (node, origin)
        for node in bound.values()
        for parameter, origin in node.parameters.items()
        if not origin.absent
    }
    owners: dict[str, str] = {}
    lost: set[str] = set()
    circles: set[frozenset[str]] = set()
    for full, (node, origin) in origins.items():
        seen = [full]
        while (target := origins[seen[-1]][1].share) is not None:
            if target not in origins or target in seen:
                break
            seen.append(target)
        if target is None:
            owners[full] = seen[-1]
            continue
        lost.add(node.name)
        if target in seen:
            if frozenset(seen) in circles:
                continue
            circles.add(frozenset(seen))
            findings.error(
                "cyclic-share",
                f"'{full}' is shared in a circle: {' -> '.join([*seen, target])}",
                origin.place.span,
            )
        elif len(seen) == 1:
            findings.error(
                "unknown-parameter",
                f"there is no parameter '{target}' to share",
                origin.place.span,
                help=suggestion(target, (name for name in origins if name != full)),
            )
    return owners, lost
