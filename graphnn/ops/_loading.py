"""The mapping of names to op classes, of which each family is imported when it is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphnn.ops._op import Op

_STATED = re.compile(r'^    op: Literal\["(\w+)"\]', re.MULTILINE)


class Registry(MutableMapping[str, "type[Op]"]):
    """Op classes by name. Looking one up imports its module; listing names imports none."""

    def __init__(self) -> None:
        self._classes: dict[str, type[Op] | None] = {}  # None for one that is not imported yet
        self._modules: dict[str, str] = {}

    def expect(self, modules: Mapping[str, str]) -> None:
        """Take the modules in which ops are defined, by their names."""
        self._modules.update(modules)
        self._classes = {**dict.fromkeys(modules), **self._classes}

    def __getitem__(self, name: str) -> type[Op]:
        found = self._classes[name]
        if found is None:
            import_module(self._modules[name])
            found = self._classes[name]
        if found is None:  # its module is being imported
            raise KeyError(name)
        return found

    def __setitem__(self, name: str, op_class: type[Op]) -> None:
        self._classes[name] = op_class

    def __delitem__(self, name: str) -> None:
        del self._classes[name]

    def __contains__(self, name: object) -> bool:
        return name in self._classes

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)


def modules_of(package: str) -> dict[str, str]:
    """The module of each op in a package, by name, from the text of its modules.

    Reading them takes a hundredth of the time of importing them.
    """
    found: dict[str, str] = {}
    modules = (each for each in files(package).iterdir() if each.name.endswith(".py"))
    for module in sorted(modules, key=lambda each: each.name):
        name = f"{package}.{module.name.removesuffix('.py')}"
        found.update(dict.fromkeys(_STATED.findall(module.read_text("utf-8")), name))
    return found
