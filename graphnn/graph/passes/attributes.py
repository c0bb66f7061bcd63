"""The attributes of a node, and what is wrong with them in the words of this language."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeGuard, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from graphnn.diagnostics import FAULTY, Faulty, FileError, SpecError, suggestion
from graphnn.graph import arrays
from graphnn.graph.passes.archived import read_array
from graphnn.graph.passes.scope import Scope
from graphnn.ops import MOST_NUMBERS, NUMBERS, Array, Op
from graphnn.spec import (
    depends,
    free_size_help,
    number_help,
    size_problem,
    truth_help,
    unknown_size_help,
    unlike,
)
from graphnn.spec.node_records import NodeSpec
from graphnn.spec.values import Entry, Map, Scalar, Seq, Value, plain

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
_SHORT = 200  # characters of attributes that are looked for among those of other nodes
_NUMBERS = ("float_type", "int_type")


def read_op(
    spec: NodeSpec, op_class: type[Op], entries: Mapping[str, Entry], scope: Scope
) -> Op | Faulty:
    """The op with its attributes, those of `entries` that it has; faults go to the scope."""
    given = {key: entries[key] for key in op_class.attribute_names if key in entries}
    data: dict[str, Any] = {}
    for key, entry in given.items():
        if _is_of_file(entry.value) and NUMBERS in op_class.model_fields[key].metadata:
            found = _numbers_of_file(f"{spec.name}.{key}", entry.value, scope)
            if found is FAULTY:
                return FAULTY
            data[key] = found
        else:
            data[key] = plain(entry.value)
    text = json.dumps(data) if data else "{}"
    alike = (op_class, text, id(scope.sizes))
    if (known := scope.ops.get(alike)) is not None:
        return known
    try:
        made: Op = op_class.model_validate_json(text, strict=True, context=scope.sizes)
        if len(text) <= _SHORT:
            scope.ops[alike] = made
        return made
    except ValidationError as error:
        reporter = _Reporter(spec, op_class, given, scope)
        for detail in error.errors(include_url=False):
            reporter.report(detail)
        return FAULTY


def _is_of_file(value: Value) -> TypeGuard[Map]:
    return isinstance(value, Map) and "file" in value


def _numbers_of_file(full: str, value: Map, scope: Scope) -> list[Any] | float | Faulty:
    """The array of a file as lists; `FAULTY` where that is reported."""
    array: Array | Faulty | None = FAULTY
    with scope.findings.catching(FileError):
        array = read_array(full, value, scope)
    if array is FAULTY:
        return FAULTY
    if array is None:
        return 0  # judged where the name of the node is known
    if array.size > MOST_NUMBERS:
        message = f"'{full}' has {array.size:,} entries, more than {MOST_NUMBERS:,}"
        help = "write it as {op: parameter, trainable: false}"
        scope.findings.error("data-too-large", message, value.span, help=help)
        return FAULTY
    found: list[Any] | float = (array.astype(int) if array.dtype == bool else array).tolist()
    return found


class _Reporter:
    """Reports what pydantic finds wrong with attributes, once a value."""

    def __init__(
        self, spec: NodeSpec, op_class: type[Op], given: Mapping[str, Entry], scope: Scope
    ) -> None:
        self._spec = spec
        self._op_class = op_class
        self._given = given
        self._scope = scope
        self._reported: set[Any] = set()

    def report(self, detail: ErrorDetails) -> None:
        """Report one error, unless one at its place has been reported."""
        key, *path = detail["loc"]
        entry = self._given.get(str(key))
        value = None if entry is None else _deepest(entry.value, path)
        at = key if value is None else id(value)
        if at in self._reported:
            return
        self._reported.add(at)
        if entry is None or value is None:
            self._report_missing(str(key))
        elif detail["type"] != "faulty":
            what = f"the '{key}' of '{self._spec.name}'"
            self._report(what if value is entry.value else f"an entry of {what}", value, detail)

    def _report_missing(self, key: str) -> None:
        self._scope.findings.error(
            "missing-attribute",
            f"the node '{self._spec.name}' is missing its '{key}'",
            self._spec.op.span,
            label=f"{self._op_class.name} needs '{key}'",
            help=f"give '{key}': {_description(self._op_class, key)}",
        )

    def _report(self, what: str, value: Value, detail: ErrorDetails) -> None:
        key = str(detail["loc"][0])
        if detail["type"] == "size" and detail["ctx"]["name"]:
            self._report_unknown_size(detail["ctx"]["name"], value, detail)
            return
        block, findings = self._scope.block, self._scope.findings
        if block is not None and depends(value, block):
            return  # judged where the sizes are known
        if detail["type"] == "size":
            self._report_size(what, value, detail)
            return
        if detail["type"] == "value_error" and isinstance(value, Seq):
            try:
                arrays.from_value(value, f"the '{key}' of '{self._spec.name}'")
            except SpecError as error:  # which points at the entry
                findings.add(error.diagnostics[0])
                return
        message, help = attribute_message(what, value, detail, self._op_class)
        help = help or f"'{key}': {_description(self._op_class, key)}"
        findings.error("bad-attribute", message, value.span, help=help)

    def _report_unknown_size(self, name: str, value: Value, detail: ErrorDetails) -> None:
        words = self._op_class.words.get(str(detail["loc"][0]), {})
        sizes, block = self._scope.sizes, self._scope.block
        if name.lower() in words:
            help = words[name.lower()]
        elif len(detail["loc"]) > 1 and free_size_help(value):
            help = free_size_help(value)
        elif block is not None:
            help = unknown_size_help(name, block)
        elif "-" in name and name.partition("-")[0] in sizes:  # a name may hold '-'
            help = "put spaces around the '-' to subtract"
        else:
            help = suggestion(name, sizes, "declare it under 'sizes': a whole number, or free")
        span = value.span_of(name)
        self._scope.findings.error("unknown-size", detail["msg"], span, help=help)

    def _report_size(self, what: str, value: Value, detail: ErrorDetails) -> None:
        message, help = size_problem(what, value, detail["msg"], detail["ctx"]["reason"])
        if len(detail["loc"]) > 1:  # along an axis
            help = free_size_help(value) or help
        self._scope.findings.error("bad-size", message, value.span, help=help)


def _deepest(value: Value, path: Iterable[int | str]) -> Value:
    for step in path:
        if isinstance(value, Seq) and isinstance(step, int) and step < len(value.items):
            value = value.items[step]
    return value


def attribute_message(
    what: str, value: Value, detail: ErrorDetails, model: type[BaseModel]
) -> tuple[str, str]:
    """Message and help for a value that pydantic refuses for a field of `model`."""
    kind, context = detail["type"], detail.get("ctx", {})
    wanted = _WANTED.get(kind, "").format(**context)
    if not wanted:
        return f"{what}: {_lower(detail['msg'].removeprefix('Value error, '))}", ""
    help = truth_help(value) if kind == "bool_type" else ""
    if kind in _NUMBERS:
        help = number_help(value, whole=kind == "int_type")
    if kind == "literal_error" and isinstance(value, Scalar):
        field = model.model_fields[str(detail["loc"][0])]
        help = suggestion(str(value.value), list(_words(field.annotation)))
    return f"{what} must be {wanted}, {unlike(value)}", help


def _words(annotation: Any) -> Iterator[str]:
    """The texts among which a type chooses."""
    if get_origin(annotation) is Literal:
        yield from (word for word in get_args(annotation) if isinstance(word, str))
    else:
        for part in get_args(annotation):
            yield from _words(part)


def _description(op_class: type[Op], key: str) -> str:
    text = (op_class.model_fields[key].description or "").replace("`", "'")
    return _lower(text).rstrip(".")


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
