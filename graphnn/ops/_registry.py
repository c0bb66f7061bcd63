"""The registry of ops, filled: importing this module imports every family."""

import pkgutil
from importlib import import_module

from graphnn.ops import families
from graphnn.ops._op import REGISTRY as REGISTRY
from graphnn.ops._op import Op

for _family in pkgutil.iter_modules(families.__path__):
    import_module(f"{families.__name__}.{_family.name}")


def public_ops() -> dict[str, type[Op]]:
    """The ops that a spec may name."""
    return {name: op for name, op in REGISTRY.items() if not op.internal}
