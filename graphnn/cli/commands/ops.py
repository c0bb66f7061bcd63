"""``graphnn ops``: the catalogue of ops, made from their classes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphnn import ops as catalogue
from graphnn.cli import completion, terminal
from graphnn.diagnostics import UsageError, suggestion
from graphnn.spec.sizes import show

if TYPE_CHECKING:
    from graphnn.ops import Case, Op, Operand

_EXAMPLES = 3  # shapes worth showing of an op that works out its own
_WORDS = {"integer": "whole number", "string": "text"}
_TEXT = {"type": "string"}


def ops(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", autocompletion=completion.ops, help="Op to describe."),
    ] = None,
) -> None:
    """List the ops, or describe one."""
    known = catalogue.public_ops()
    if name is None:
        _catalogue(known)
    elif name in known:
        _describe(known[name])
    else:
        help = catalogue.elsewhere(name) or suggestion(name, known, "'graphnn ops' lists them all")
        raise UsageError.of("unknown-op", f"there is no op '{name}'", help=help)


def _catalogue(known: Mapping[str, type[Op]]) -> None:
    ops = sorted(known.values(), key=lambda op: op.family)
    rows = [(op.family, op.name, _summary(op)) for op in ops]
    terminal.table(("family", "op", "what it is"), _grouped(rows))


def _describe(op: type[Op]) -> None:
    terminal.line(("strong", op.name), f" ({op.family})")
    terminal.block(_plain(inspect.cleandoc(op.__doc__ or "")), indent="  ")
    terminal.line()
    rows = [*_operands(op), *_attributes(op), *_results(op)]
    terminal.table(("", "", "", ""), _grouped(rows))
    terminal.line()
    terminal.line(("strong", "write"), f" {_usage(op)}")


def _grouped(rows: Iterable[tuple[str, ...]]) -> Iterator[tuple[terminal.Piece, ...]]:
    """`rows` with a title once for all that it begins."""
    before = ""
    for title, *cells in rows:
        yield ("strong", "" if title == before else title), *cells
        before = title


def _operands(op: type[Op]) -> Iterator[tuple[str, ...]]:
    for operand in op.data_operands():
        kind = {"int": "whole numbers", "any": "real or whole numbers"}.get(operand.kind, "")
        what = "any number of them" if operand.many else kind
        if operand.ranks:
            what = f"{min(operand.ranks)} to {max(operand.ranks)} axes for ..."
        if operand.optional:
            what = f"{what}, may be left out" if what else "may be left out"
        yield "inputs", operand.name, _shape(operand), what
    for operand in op.parameter_operands():
        start = f"starts as {getattr(operand.start, 'name', '')}"
        what = f"{start}; false leaves it out" if operand.optional else start
        if operand.role == "state":
            what += "; training keeps it up, it is not learned"
        yield "parameters", operand.name, _shape(operand), what


def _attributes(op: type[Op]) -> Iterator[tuple[str, ...]]:
    properties = op.model_json_schema()["properties"]
    for key, info in op.model_fields.items():
        if key == "op":
            continue
        type_ = takes(properties[key])
        if info.is_required():
            type_ += ", required"
        elif info.default is not None:
            type_ += f", {_literal(info.default)} if left out"
        yield "attributes", key, type_, _plain(info.description or "")


def _results(op: type[Op]) -> Iterator[tuple[str, ...]]:
    if op.infer_shape is catalogue.Op.infer_shape or op.is_loss:
        yield "result", "", f"[{', '.join(op.result.split())}]", ""
        return
    for case in [case for case in op.cases if case.shapes][:_EXAMPLES]:
        yield "shapes", "", _example(op, case), ""


def _example(op: type[Op], case: Case) -> str:
    """Shapes that go in with the shape that comes out."""
    first = case.shapes[0][0] if case.shapes[0] else 1
    made = op.model_validate(dict(case.attributes), context={"batch": first})
    result = made.infer(case.shapes, {}).result
    listed = "".join(f", {key}: {_literal(value)}" for key, value in case.attributes.items())
    return f"{' and '.join(map(show, case.shapes))}{listed} -> {show(result)}"


def _usage(op: type[Op]) -> str:
    operands = [each.name.upper() for each in op.data_operands() if not each.optional]
    inputs = operands[0] if len(operands) == 1 else f"[{', '.join(operands)}]"
    if operands and op.data_operands()[0].many:
        inputs = f"[{operands[0]}, ...]"
    parts = [f"op: {op.name}", *([f"inputs: {inputs}"] if operands else [])]
    parts += [
        f"{key}: {key.upper()}"
        for key, info in op.model_fields.items()
        if key != "op" and (info.is_required() or key in op.size_attributes)
    ]
    return f"NODE: {{{', '.join(parts)}}}"


def _summary(op: type[Op]) -> str:
    return _plain(inspect.cleandoc(op.__doc__ or "").partition("\n")[0])


def _plain(text: str) -> str:
    return text.replace("`", "")


def _shape(operand: Operand) -> str:
    return f"[{', '.join(operand.signature.split())}]"


def _literal(value: Any) -> str:
    """`value` as a spec would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return str(value)


def takes(schema: Mapping[str, Any], code: Callable[[str], str] = str) -> str:
    """What a JSON Schema admits, in words; `code` marks what is written as it is."""
    forms = [*_forms(schema)]
    whole = next((form for form in forms if form.get("type") == "integer"), None)
    if whole is not None and _TEXT in forms:
        # A size may be written as a name or an expression, and a position is a size or negative.
        size = {"type": "size" if "minimum" in whole else "position"}
        forms = [size if form is whole else form for form in forms if form != _TEXT]
    return " or ".join(dict.fromkeys(_words(form, code) for form in forms))


def _forms(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The alternatives of a schema, those of alternatives too; that it is left out is none."""
    alternatives = schema.get("anyOf", schema.get("oneOf"))
    if alternatives is not None:
        for each in alternatives:
            yield from _forms(each)
    elif schema.get("type") != "null":
        yield schema


def _words(form: Mapping[str, Any], code: Callable[[str], str]) -> str:
    if values := form.get("enum", [form["const"]] if "const" in form else None):
        return " or ".join(code(_literal(value)) for value in values)
    if form["type"] == "object":
        return code(f"{{{', '.join(f'{key}: ...' for key in form['required'])}}}")
    if form["type"] == "array":
        entries = takes(form["items"], code) if form.get("items") else "number"
        return "list of " + re.sub(r"\b(number|size|position|text)\b", r"\1s", entries)
    if form["type"] == "boolean":
        return " or ".join(map(code, ("true", "false")))
    word = _WORDS.get(form["type"], form["type"])
    if "exclusiveMinimum" in form:
        return f"{word} above {form['exclusiveMinimum']}"
    return f"{word} of at least {form['minimum']}" if "minimum" in form else word
