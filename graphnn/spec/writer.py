"""Located values back to text, in the layout of the documentation."""

from __future__ import annotations

import json
import re
from typing import Any

from graphnn.spec.values import Mapping, Value, plain

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
# What the reader takes only as an escape.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_WORDS = {"null", "true", "false"}  # a text of these letters needs quotes
_SECTIONS = ("sizes", "nodes", "train", "search")
_WIDTH = 96


def to_yaml(document: Mapping) -> str:
    """`document` as YAML: a line a node, a line a key of ``train``, examples as a list.

    Reading the text gives the same values; comments are not kept.
    """
    lines = []
    for key, value in plain(document).items():
        if key in _SECTIONS and isinstance(value, dict) and value and not _fits(key, value):
            lines += ["", f"{_flow(key)}:"]
            lines += [f"  {_flow(name)}: {_flow(inner)}" for name, inner in value.items()]
        elif isinstance(value, list) and value and not _fits(key, value):
            lines += ["", f"{_flow(key)}:"]
            lines += [f"  - {_flow(inner)}" for inner in value]
        else:
            lines.append(f"{_flow(key)}: {_flow(value)}")
    return "\n".join(lines or ["{}"]).lstrip("\n") + "\n"


def flow(value: Value) -> str:
    """`value` as YAML on one line; reading it gives the same value."""
    return _flow(plain(value))


def _fits(key: str, value: Any) -> bool:
    return key not in ("nodes", "train", "examples") and len(_flow(value)) + len(key) < _WIDTH


def _flow(value: Any) -> str:
    # As deep as the reader's limit at most.
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    text = json.dumps(value, ensure_ascii=False)
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
