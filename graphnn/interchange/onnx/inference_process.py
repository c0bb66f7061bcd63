"""The program that infers shapes for `inference`: run by its path, with the folder of onnx.

It reads models from its standard input and writes each back with the shapes that onnx infers,
every one as eight bytes of its length and then itself; nothing where onnx refuses.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

_LENGTH = 8  # bytes
_MEMORY = 8 << 30  # bytes; a size of 2**62 would have onnx ask for more


def main(folder: str) -> None:
    """Answer until the input ends."""
    _limit_memory()
    infer = _inference(Path(folder))
    given, taken = sys.stdin.buffer, sys.stdout.buffer
    while header := given.read(_LENGTH):
        model = given.read(int.from_bytes(header, "little"))
        answer = b""
        with suppress(Exception):  # of C++, whose classes differ from version to version
            answer = infer(model)
        taken.write(len(answer).to_bytes(_LENGTH, "little") + answer)
        taken.flush()


def _inference(folder: Path) -> Callable[[bytes], bytes]:
    # The package takes a second to import, its extension a hundredth of that.
    spec = PathFinder.find_spec("onnx.onnx_cpp2py_export", [str(folder)])
    assert spec is not None
    assert spec.loader is not None
    extension: Any = module_from_spec(spec)
    spec.loader.exec_module(extension)
    return lambda model: extension.shape_inference.infer_shapes(model, False, False, True)


def _limit_memory() -> None:
    with suppress(ImportError):  # Windows has no such limits
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = _MEMORY if hard == resource.RLIM_INFINITY else min(_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(sys.argv[1])
