"""The registry of ops, filled: importing this module imports all families and installed ops."""

import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from graphnn.ops import families
from graphnn.ops._op import REGISTRY as REGISTRY
from graphnn.ops._op import Op
from graphnn.ops.imports import import_installed

for _family in pkgutil.iter_modules(families.__path__):
    import_module(f"{families.__name__}.{_family.name}")
BROKEN = import_installed()  # by package: why its ops are missing


def public_ops() -> dict[str, type[Op]]:
    """The ops that a spec may name."""
    return {name: op for name, op in REGISTRY.items() if not op.internal}


@contextmanager
def registered(*ops: type[Op]) -> Iterator[None]:
    """Enter ops in the registry for as long as a ``with`` block, in place of those of their names.

    What is defined in the block leaves the registry with it, too.

    Parameters
    ----------
    *ops : type of Op
        Such as classes defined with ``register=False``.
    """
    before = dict(REGISTRY)
    REGISTRY.update({op.name: op for op in ops})
    try:
        yield
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)
