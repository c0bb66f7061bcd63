"""Where parameters start: numbers, a file, an initializer, or another parameter."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from pydantic import ValidationError

from graphnn.diagnostics import FAULTY, Faulty, Findings, GraphnnError, nearest, suggestion
from graphnn.graph import arrays
from graphnn.graph._graph import Origin
from graphnn.graph.passes.archived import read_array
from graphnn.graph.passes.attributes import attribute_message
from graphnn.graph.passes.scope import Scope
from graphnn.ops import Array, Operand
from graphnn.ops.initializers import INITIALIZERS, Initializer, elsewhere
from graphnn.spec import brief, meant_truth, number_help, truth_help, unlike
from graphnn.spec.node_records import NodeSpec
from graphnn.spec.sizes import show
from graphnn.spec.values import Entry, Map, Scalar, Value, plain

_EXTRA = "extra_forbidden"


def read_origin(
    spec: NodeSpec, operand: Operand, entry: Entry | None, scope: Scope
) -> Origin | Faulty:
    """Where the parameter that is the `operand` of a node starts; faults go to the scope."""
    if entry is None:
        return Origin(spec.place, operand.start, layout=operand.layout)
    origin: Origin | Faulty = FAULTY
    with scope.findings.catching(GraphnnError):
        origin = _Reader(f"{spec.name}.{operand.name}", operand, scope).read(entry.value)
    return FAULTY if origin is FAULTY else replace(origin, layout=operand.layout)


class _Reader:
    def __init__(self, full: str, operand: Operand, scope: Scope) -> None:
        self._full = full
        self._optional = operand.optional
        self._scope = scope
        self._findings = scope.findings

    def read(self, value: Value) -> Origin | Faulty:
        """The origin that `value` says."""
        if isinstance(value, Scalar) and value.value is False and self._optional:
            return Origin(value)
        if arrays.is_numbers(value):
            return self._numbers(arrays.from_value(value, f"'{self._full}'"), value)
        if isinstance(value, Scalar) and isinstance(value.value, str):
            also = ("false",) if self._optional else ()
            return self._start(value, Map({}), also)
        if isinstance(value, Map) and "file" in value:
            return self._file(value)
        if isinstance(value, Map) and "share" in value:
            return self._share(value)
        if isinstance(value, Map) and len(value.entries) == 1:
            entry = next(iter(value.entries.values()))
            return self._start(entry.key, entry.value, ("file", "share"))
        forms = "numbers, an initializer, {file: NAME, key: NAME} or {share: NODE.PARAMETER}"
        return self._wrong(forms + (", or false" if self._optional else ""), value)

    def _wrong(self, wanted: str, value: Value) -> Faulty:
        shown = unlike(value)
        if isinstance(value, Map) and len(value.entries) > 1:
            shown = "not a mapping with several keys"
        message = f"'{self._full}' must be {wanted}, {shown}"
        self._findings.error("bad-parameter", message, value.span)
        return FAULTY

    def _numbers(self, array: Array, place: Value) -> Origin | Faulty:
        if array.size:
            return Origin(place, array=array)
        message = f"'{self._full}' is empty: it has shape {show(array.shape)}"
        self._findings.error("bad-parameter", message, place.span)
        return FAULTY

    def _start(self, name: Scalar, options: Value, also: tuple[str, ...] = ()) -> Origin | Faulty:
        start = INITIALIZERS.get(str(name.value))
        if start is None:
            message = f"there is no initializer '{name.value}' for '{self._full}'"
            help = _meant_initializer(name, also)
            self._findings.error("unknown-initializer", message, name.span, help=help)
        elif not isinstance(options, Map):
            message = f"the options of '{name.value}' must be a mapping, {unlike(options)}"
            help = _written_initializer(start, name, options)
            self._findings.error("bad-initializer", message, options.span, help=help)
        else:
            try:
                made = start.model_validate_json(json.dumps(plain(options)), strict=True)
                return Origin(name, made)
            except ValidationError as error:
                _report_options(start, name, options, error, self._findings)
        return FAULTY

    def _file(self, value: Map) -> Origin | Faulty:
        array = read_array(self._full, value, self._scope, np.float64)
        if array is None:
            return Origin(value)
        return FAULTY if array is FAULTY else self._numbers(array, value)

    def _share(self, value: Map) -> Origin | Faulty:
        target = value.entries["share"].value
        extra = [entry.key for key, entry in value.entries.items() if key != "share"]
        for key in extra:
            message = f"the share of '{self._full}' has no key '{key.value}'"
            help = "write it as {share: NODE.PARAMETER}"
            self._findings.error("unknown-key", message, key.span, help=help)
        if not isinstance(target, Scalar) or not isinstance(target.value, str):
            return self._wrong("{share: NODE.PARAMETER}", target)
        node, _, parameter = target.value.rpartition(".")
        if self._scope.instance is not None:
            node = f"{self._scope.instance.name}.{node}"
        node = self._scope.spec.aliases.get(node, node)
        return (
            FAULTY if extra else Origin(target, share=f"{node}.{parameter}" if node else parameter)
        )


def _report_options(
    start: type[Initializer],
    name: Scalar,
    options: Map,
    error: ValidationError,
    findings: Findings,
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
                findings.error("bad-initializer", message, name.span, help=help)
            continue
        entry = options.entries[key]
        if detail["type"] == _EXTRA or key == "name":
            message = f"the initializer '{name.value}' has no option '{key}'"
            help = suggestion(key, known, f"it takes {_options(start)}")
            findings.error("bad-initializer", message, entry.key.span, help=help)
            continue
        what = f"'{key}' of '{name.value}'"
        message, help = attribute_message(what, entry.value, detail, start)
        findings.error("bad-initializer", message, entry.value.span, help=help)


def _meant_initializer(name: Scalar, also: tuple[str, ...]) -> str:
    """Help for an unknown initializer `name`: the one of them, or of `also`, that is meant."""
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
