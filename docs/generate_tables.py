"""Tables of what a spec may name, written from the registries; called by the build."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from graphnn.interchange.onnx.table import becomes
from graphnn.ops import Op, public_ops
from graphnn.ops.initializers import INITIALIZERS
from graphnn.spec.block_records import BlockSpec, LimitsSpec
from graphnn.spec.drawing_records import DrawSpec
from graphnn.spec.example_records import PROPERTY_KEYS, ExampleSpec
from graphnn.spec.forms import Key, keys_of
from graphnn.spec.model import NetworkSpec, WeightsSpec
from graphnn.spec.node_records import BlockCallSpec, NodeSpec
from graphnn.spec.search_records import RANGES, SearchSpec
from graphnn.spec.training_records import EarlyStoppingSpec, TrainSpec
from graphnn.training import METRICS, OPTIMIZERS, SCHEDULES, SOURCES, Augmentation, DataSource

CLASSES = {
    "initializer": INITIALIZERS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "metric": METRICS,
}
SECTIONS = {
    "spec": keys_of(NetworkSpec),
    "node": keys_of(NodeSpec),
    "block": keys_of(BlockSpec),
    "block-use": keys_of(BlockCallSpec),
    "weights": keys_of(WeightsSpec),
    "example": keys_of(ExampleSpec),
    "train": keys_of(TrainSpec),
    "early-stopping": keys_of(EarlyStoppingSpec),
    "draw": keys_of(DrawSpec),
    "search": keys_of(SearchSpec),
    "limits": keys_of(LimitsSpec),
    "properties": PROPERTY_KEYS,
    "ranges": tuple(RANGES.values()),
}


def write(folder: Path) -> None:
    """Write a table for each section of the language, and for each registry, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, keys in SECTIONS.items():
        (folder / f"{name}.md").write_text("\n".join(_keys(keys)) + "\n")
    for name, kinds in CLASSES.items():
        (folder / f"{name}s.md").write_text("\n".join(_classes(name, kinds)) + "\n")
    (folder / "augment.md").write_text("\n".join(_options("augment", Augmentation)) + "\n")
    (folder / "onnx.md").write_text("\n".join(_onnx(becomes())) + "\n")
    (folder / "torch.md").write_text("\n".join(_torch(public_ops().values())) + "\n")
    (folder / "sources.md").write_text("\n".join(_sources(SOURCES)) + "\n")


def _onnx(found: Mapping[str, str]) -> Iterator[str]:
    yield "| operator | what it becomes |\n|---|---|"
    for name, text in found.items():
        yield f"| `{name}` | {text} |"


def _torch(ops: Iterable[type[Op]]) -> Iterator[str]:
    yield "| op | parameters | in PyTorch |\n|---|---|---|"
    for op in sorted(ops, key=lambda each: each.name):
        own = [operand.name for operand in op.parameter_operands()]
        parts = op.model_construct().torch_parts(dict.fromkeys(own, (1, 1)))
        theirs = [f"`{name}`" for name in parts] or [_in_torch(op, name) for name in own]
        ours = [f"`{name}`" for name in own]
        if theirs != ours:
            yield f"| `{op.name}` | {', '.join(ours)} | {', '.join(theirs)} |"


def _in_torch(op: type[Op], name: str) -> str:
    theirs = op.torch_names.get(name, name)
    turned = ", the axes in reverse order" if name in op.torch_reversed else ""
    return f"`{theirs}`{turned}" if theirs else "the node's name alone"


def _sources(kinds: Mapping[str, DataSource]) -> Iterator[str]:
    yield "| kind | what it reads |\n|---|---|"
    for name, kind in kinds.items():
        yield f"| `{name}` | {_summary(kind)} |"


def _keys(keys: Iterable[Key]) -> Iterator[str]:
    yield "| key | left out | |\n|---|---|---|"
    for key in keys:
        default = "" if key.default is None else f"`{_value(key.default)}`"
        left_out = "an error" if key.required else key.otherwise or default
        about = re.sub(r"(?<!\w)--[a-z]+", r"`\g<0>`", key.about)
        yield f"| `{key.name}` | {left_out} | {about} |"


def _classes(title: str, kinds: Mapping[str, type[BaseModel]]) -> Iterator[str]:
    yield f"| {title} | options and defaults | |\n|---|---|---|"
    for name, kind in kinds.items():
        options = ", ".join(
            f"`{key}`{_default(info)}" for key, info in kind.model_fields.items() if key != "name"
        )
        yield f"| `{name}` | {options} | {_summary(kind)} |"


def _options(title: str, kind: type[BaseModel]) -> Iterator[str]:
    yield f"| `{title}` | default | |\n|---|---|---|"
    for key, info in kind.model_fields.items():
        yield f"| `{key}` | {_default(info).strip()} | {info.description} |"


def _default(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined:
        return ""
    return f" {_value(getattr(value, 'name', value))}"


def _value(value: object) -> str:
    """A value as a spec has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _summary(thing: Any) -> str:
    text = (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")
    return re.sub(r"``(.+?)``", r"`\1`", text).replace("|", "\\|")
