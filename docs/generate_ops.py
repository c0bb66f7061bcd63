"""A page for each op and an index by family, written from the op classes; called by the build."""

from __future__ import annotations

import inspect
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from formulas import latex
from pydantic.fields import FieldInfo

import graphnn
from graphnn.cli.commands.ops import takes
from graphnn.ops import REGISTRY, Op, Operand

_SIZES = {"batch": 2, "m": 2, "p": 2, "units": 2, "channels": 2, "slopes": 2, "ways": 1}
_OTHER_SIZE = 3
_EXAMPLE_ROWS = (2, 3)  # what ``...`` stands for in an example
_SOURCES = {
    "input": {"x": {"op": "input", "shape": ["batch", 3]}},
    "parameter": {"w": {"op": "parameter", "shape": [2], "value": [-3, 4]}},
    "constant": {"c": {"op": "constant", "value": [[1, 2], [3, 4]]}},
}


def write(folder: Path) -> None:
    """Write all pages into `folder`, in place of what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    ops = {name: op for name, op in REGISTRY.items() if not op.internal}
    for name, op in ops.items():
        (folder / f"{name}.md").write_text("\n".join(_page(op)) + "\n")
    (folder / "index.md").write_text("\n".join(_index(ops)) + "\n")


def _index(ops: dict[str, type[Op]]) -> Iterator[str]:
    yield "# Ops\n"
    yield f"The {len(ops)} ops of this version. `graphnn ops NAME` prints the same in a terminal.\n"
    yield "Shapes are written as sizes from the outermost in. A name stands for one size, the"
    yield "same one throughout a line; `...` for any number of axes, none included.\n"
    families = dict.fromkeys(op.family for op in ops.values())
    # In the order of a network: what comes in first, what is made small last.
    families = sorted(families, key=lambda family: (family == "loss", family != "source"))
    for family in families:
        yield f"## {family.capitalize()}\n\n{_introduction(ops, family)}\n"
        yield "| op | what it computes, and of which shapes |\n|---|---|"
        for name, op in ops.items():
            if op.family == family:
                read = _cells((*op.data_operands(), *op.parameter_operands()))
                shapes = f"{read} → `{_shape(op.result)}`".lstrip()
                summary = _markdown(_summary(op)).replace("|", "\\|")
                # Under one another, so that a phone shows both without scrolling.
                yield f"| [{name}]({name}.md) | {summary}<br>{shapes} |"
        yield ""
    yield "```{toctree}\n:hidden:\n"
    yield from sorted(ops)
    yield "```"


def _introduction(ops: dict[str, type[Op]], family: str) -> str:
    """What the family's module says of itself."""
    module = next(op.__module__ for op in ops.values() if op.family == family)
    text = inspect.getdoc(sys.modules[module]).partition("\n")[0].rpartition(": ")[2]
    return text[:1].upper() + text[1:]


def _cells(operands: tuple[Operand, ...]) -> str:
    return ", ".join(f"{operand.name} `{_shape(operand.signature)}`" for operand in operands)


def _page(op: type[Op]) -> Iterator[str]:
    yield f"# {op.name}\n"
    yield f"*{op.family}*\n"
    body, references = _docstring(op)
    yield _markdown(body) + "\n"
    yield from _operands(op)
    yield from _attributes(op)
    if op.forward is not Op.forward:
        yield "## What it computes\n"
        yield "| | |\n|---|---|"
        yield f"| forward | {_row(op.forward)} |"
        yield f"| backward, from the cotangent g of the result | {_row(op.vjp)} |"
        if op.branch is not Op.branch:
            yield f"| pieces; a probe that changes this crosses a kink | {_row(op.branch)} |"
        yield ""
    yield from _facts(op)
    yield from _example(op)
    if references:
        yield f"## References\n\n{references}\n"


def _operands(op: type[Op]) -> Iterator[str]:
    yield "## Shapes\n"
    yield "| | shape | |\n|---|---|---|"
    for operand in op.operands:
        yield f"| {operand.name} | `{_shape(operand.signature)}` | {', '.join(_notes(operand))} |"
    how = "follows from the inputs and attributes" if _infers(op) else ""
    yield f"| **result** | `{_shape(op.result)}` | {how} |\n"


def _infers(op: type[Op]) -> bool:
    return op.infer_shape is not Op.infer_shape and not op.is_loss


def _notes(operand: Operand) -> Iterator[str]:
    if operand.is_parameter:
        yield f"{operand.role}, starts as `{getattr(operand.start, 'name', '')}`"
        if operand.optional:
            yield "`false` leaves it out"
        return
    yield "input" if not operand.many else "any number of inputs"
    if operand.ranks:
        yield f"{min(operand.ranks)} to {max(operand.ranks)} axes for `...`"
    if operand.kind != "float":
        yield {"int": "whole numbers", "any": "real or whole numbers"}[operand.kind]
    if operand.optional:
        yield "may be left out"


def _attributes(op: type[Op]) -> Iterator[str]:
    fields = {key: info for key, info in op.model_fields.items() if key != "op"}
    if not fields:
        return
    schemas = op.model_json_schema()["properties"]
    yield "## Attributes\n"
    yield "| attribute | takes | default | |\n|---|---|---|---|"
    for key, info in fields.items():
        default = "required" if info.is_required() else _default(info)
        about = _markdown(info.description or "")
        yield f"| `{key}` | {takes(schemas[key], '`{}`'.format)} | {default} | {about} |"
    yield ""


def _default(info: FieldInfo) -> str:
    return "" if info.default is None else f"`{_flow(info.default)}`"


def _facts(op: type[Op]) -> Iterator[str]:
    facts = []
    if op.broadcasts:
        facts.append("Inputs broadcast as in NumPy: a size of 1 stretches, leading axes are added.")
    if op.is_loss:
        facts.append("One value a sample; the loss of a network is the mean over the samples.")
    for operand, (producer, _) in op.fusions.items():
        facts.append(
            f"Where `{operand}` comes from [{producer}]({producer}.md), both are computed as one "
            "step on its input, so that nothing overflows and no digits are lost."
        )
    if facts:
        yield "## Good to know\n"
        yield from (f"- {fact}" for fact in facts)
        yield ""


def _example(op: type[Op]) -> Iterator[str]:
    nodes, inputs, name = example(op)
    net = graphnn.loads({"graphnn": 1, "nodes": nodes})
    yield "## Example\n"
    yield "```yaml\nnodes:"
    width = max(map(len, nodes)) + 1
    for node, body in nodes.items():
        yield f"  {node + ':':{width}} {_flow(body)}"
    yield "```\n"
    yield "| node | value |\n|---|---|"
    for key, value in {**inputs, **_run(net, inputs, name)}.items():
        yield f"| `{key}` | `{_numbers(np.asarray(value).tolist())}` |"
    yield ""


def _run(net: graphnn.Network, inputs: dict[str, Any], name: str) -> dict[str, Any]:
    return {} if name in inputs else net.run(inputs, outputs=[name])


def example(op: type[Op]) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Nodes of a small network with `op` in it, values for its inputs, and the name of its node."""
    if op.name in _SOURCES:
        nodes: dict[str, Any] = _SOURCES[op.name]
        inputs = {"x": np.arange(6.0).reshape(2, 3)} if op.name == "input" else {}
        return nodes, inputs, next(iter(nodes))
    case = op.cases[0] if op.cases else None
    operands = op.data_operands()
    shapes = (
        list(case.shapes) if case else [_sized(o.signature) for o in operands if not o.optional]
    )
    many = operands[0].many
    operands = operands if many else operands[: len(shapes)]
    names = ["a", "b"][: len(shapes)] if many else [operand.name for operand in operands]
    nodes, inputs = {}, {}
    for position, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        operand = operands[min(position, len(operands) - 1)]
        kind = case.kinds[position] if case and case.kinds else operand.kind
        inputs[name] = _values(operand, shape, kind, position)
        nodes[name] = {"op": "input", "shape": list(shape)}
        if kind == "int":
            nodes[name]["dtype"] = "int"
    body: dict[str, Any] = {"op": op.name, "inputs": names if len(names) > 1 else names[0]}
    for key, value in (case.attributes if case else _required(op)).items():
        body[key] = _fixed(value, shapes)
    if case is None:
        for operand in op.parameter_operands():
            if operand.role == "parameter":
                body[operand.name] = _values(
                    operand, _sized(operand.signature), "float", 1
                ).tolist()
    return {**nodes, "y": body}, inputs, "y"


def _sized(signature: str) -> tuple[int, ...]:
    symbols = signature.split()
    # ``...`` may be no axes at all; a few make a better example.
    rest = {1: _EXAMPLE_ROWS, 2: _EXAMPLE_ROWS[symbols[0] != "..." :][:1]}.get(len(symbols), ())
    shape: list[int] = []
    for symbol in symbols:
        shape += rest if symbol == "..." else [_size(symbol)]
    return tuple(shape)


def _size(symbol: str) -> int:
    """The number that a size or a product of sizes is in an example."""
    factors = symbol.split("*")
    return math.prod(int(f) if f.isdigit() else _SIZES.get(f, _OTHER_SIZE) for f in factors)


def _values(operand: Operand, shape: tuple[int, ...], kind: str, position: int) -> Any:
    count = math.prod(shape)
    if kind == "int":
        return np.arange(count).reshape(shape) % _size("classes")
    low, high = (-1.0, 1.0) if operand.is_parameter else operand.domain
    rising = np.linspace(low, high, count) if count > 1 else np.array([high])
    # Turned on by one, so that no two inputs are alike or each other's negative.
    values = rising if position == 0 else np.roll(rising, 1)
    return np.round(values, 2).reshape(shape) + 0.0


def _required(op: type[Op]) -> dict[str, Any]:
    return {
        key: {"exponent": 2}[key] for key, info in op.model_fields.items() if info.is_required()
    }


def _fixed(value: Any, shapes: list[tuple[int, ...]]) -> Any:
    """An attribute of a case, the free batch replaced by the number that it is in the example."""
    if isinstance(value, list):
        return [_fixed(item, shapes) for item in value]
    return shapes[0][0] if value == "batch" else value


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and "," in value:
        return f"'{value}'"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _numbers(array: Any) -> str:
    if isinstance(array, list):
        return f"[{', '.join(map(_numbers, array))}]"
    return f"{np.round(array, 4) + 0.0:g}"


def _shape(signature: str) -> str:
    return f"[{', '.join(signature.split())}]"


def _summary(op: type[Op]) -> str:
    return inspect.getdoc(op).split("\n\n")[0].replace("\n", " ")


def _docstring(op: type[Op]) -> tuple[str, str]:
    body, _, references = inspect.getdoc(op).partition("References\n----------\n")
    return body.strip(), references.strip()


def _row(method: Any) -> str:
    """The formula that a method's docstring states, in one cell of a table."""
    return _markdown(inspect.getdoc(method).split("\n\n")[0].replace("\n", " ")).replace("|", "\\|")


def _markdown(text: str) -> str:
    """A docstring's text, its formulas typeset; all else in double backticks is code."""
    return re.sub(r"``(.+?)``", _formula, text, flags=re.DOTALL)


def _formula(code: re.Match[str]) -> str:
    text = " ".join(code[1].split())
    formula = latex(text)
    return f"`{code[1]}`" if formula is None else f"${formula}$"


if __name__ == "__main__":
    write(Path(__file__).parent / "ops")
