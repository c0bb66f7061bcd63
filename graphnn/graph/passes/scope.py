"""Where a node is written, and the files that it names."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from graphnn.diagnostics import Findings, Span
from graphnn.ops import Array, Op
from graphnn.spec.block_records import BlockInstance, BlockSpec
from graphnn.spec.model import NetworkSpec
from graphnn.spec.sizes import Size
from graphnn.storage.archives import Archive, opened, read_from


class Archives:
    """Reads arrays of archives, to be used with ``with``.

    Each array is read once, and the archive of the last stays open: a block that is repeated names
    the same archive in every copy.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._last: tuple[Path, Archive] | None = None
        self._arrays: dict[tuple[Path, str, Any], Array] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def read(self, path: Path, name: str, span: Span | None, dtype: Any = None) -> Array:
        """An array, as `dtype` if that is given."""
        if (path, name, dtype) not in self._arrays:
            if self._last is None or self._last[0] != path:
                self._last = None
                self._stack.close()
                self._last = (path, self._stack.enter_context(opened(path, span)))
            array = read_from(self._last[1], [name], span)[name]
            self._arrays[path, name, dtype] = np.asarray(array, dtype=dtype)
        return self._arrays[path, name, dtype]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a node is written, which decides what the names in it mean.

    Attributes
    ----------
    spec : NetworkSpec
    archives : Archives
    findings : Findings
        Takes what is wrong with the node.
    sizes : mapping of str to Size
    folder : Path
        Where names of files start.
    instance : BlockInstance or None
        The copy of a block that it is in.
    block : BlockSpec or None
        Set for a node of a block's definition, whose sizes are not known.
    ops : dict
        Sound ops by their class, the text of their attributes, and the sizes that it may name:
        nodes that say the same have one op.
    """

    spec: NetworkSpec
    archives: Archives
    findings: Findings
    sizes: Mapping[str, Size]
    folder: Path
    instance: BlockInstance | None = None
    block: BlockSpec | None = None
    ops: dict[tuple[type[Op], str, int], Op] = field(default_factory=dict)
