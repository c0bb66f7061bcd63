"""The registry of ops, filled: with the ops of all families, and installed ones, by name."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from graphnn.ops._loading import modules_of
from graphnn.ops._op import REGISTRY as REGISTRY
from graphnn.ops._op import Op, require_op
from graphnn.ops.imports import import_installed

REGISTRY.expect(modules_of("graphnn.ops.families"))
BROKEN = import_installed()  # by package: why its ops are missing


def public_ops() -> dict[str, type[Op]]:
    """The ops that a spec may name."""
    return {name: op for name, op in REGISTRY.items() if not op.internal}


class _PublicNames(Collection[str]):
    """Names of the ops that a spec may name; asking for one imports the module of that op alone."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in REGISTRY and not REGISTRY[name].internal

    def __iter__(self) -> Iterator[str]:
        return iter(public_ops())

    def __len__(self) -> int:
        return len(public_ops())


PUBLIC_NAMES = _PublicNames()


@contextmanager
def registered(*ops: type[Op]) -> Iterator[None]:
    """Enter ops in the registry for as long as a ``with`` block, in place of those of their names.

    What is defined in the block leaves the registry with it, too.

    Parameters
    ----------
    *ops : type of Op
        Such as classes defined with ``register=False``.

    Raises
    ------
    TypeError
        One is not a class of an op.
    """
    for op in ops:
        require_op(op)
    before = dict(REGISTRY)
    REGISTRY.update({op.name: op for op in ops})
    try:
        yield
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)
