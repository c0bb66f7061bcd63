"""What Keras, torch, Caffe and ONNX call the ops, and what they have that is not here."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

from graphnn.ops._op import Op
from graphnn.ops._registry import REGISTRY


def elsewhere(name: str) -> str:
    """Help for the name of an op in another library; empty for a name of none.

    Parameters
    ----------
    name : str
        As it is there, such as ``nn.MaxPool2d`` or ``InnerProduct``.
    """
    ours, theirs = _names(tuple(REGISTRY.values()))
    for bare in _bare(name):
        if bare in ours:
            return f"did you mean '{ours[bare]}'?"
        if bare in absent():
            return absent()[bare]
        if bare in theirs:
            return f"it is called '{theirs[bare]}' here"
    return ""


@cache
def absent() -> dict[str, str]:
    """How to write what no op is, by its name in one word."""
    import tomllib

    text = Path(__file__).with_name("absent.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _bare(name: str) -> list[str]:
    """What to look for: the name as one word in small letters, and without what kind it is."""
    word = re.sub(r"[_\-\s]", "", name[:100].rpartition(".")[2].lower())
    words = [word, re.sub(r"(layer|op)$", "", word), re.sub(r"[123]d(layer)?$", "", word)]
    return [*words, *(re.sub(r"^(lazy|sync)", "", each) for each in words)]


@lru_cache(maxsize=1)
def _names(ops: tuple[type[Op], ...]) -> tuple[dict[str, str], dict[str, str]]:
    """Names of ops by their own in one word, and by those they have elsewhere."""
    known = [op for op in ops if not op.internal]
    ours = {op.name.replace("_", ""): op.name for op in known}
    return ours, {word: op.name for op in known for word in op.elsewhere}
