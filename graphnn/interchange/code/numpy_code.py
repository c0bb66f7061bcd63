"""A network as the NumPy code of a textbook: `forward`, `loss` and `gradient`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from graphnn.graph import Graph
from graphnn.interchange.code import images, sequences, textbook
from graphnn.interchange.code.functions import called, functions_of
from graphnn.interchange.code.layout import laid_out
from graphnn.interchange.code.names import Names, docstring, heading
from graphnn.interchange.code.numpy_scope import ScopeCode
from graphnn.interchange.code.sharing import ARGUMENTS, NAME
from graphnn.interchange.code.structure import Copy, Scope
from graphnn.interchange.code.written import Written

_HELPERS = functions_of(textbook, images, sequences)
_TAKEN = ("np", "more", "math", "Path", "params", "grads", "found", "back", "i", *_HELPERS)
_DEFINED = ("forward", "gradient", "load_weights", "loss", "WEIGHTS")


class NumpyCode(Written):
    """The code of a network in NumPy; see `Written`."""

    def __init__(self, graph: Graph, outputs: Iterable[str], losses: Iterable[str]) -> None:
        super().__init__(graph, outputs, losses, (*_TAKEN, *_DEFINED))

    def text(self, weights: str) -> str:
        """All of it; `weights` is the file beside it that holds the parameters."""
        spec = self.graph.spec
        parts = [self._loading(), self._forward()]
        if self.losses:
            parts += [self._loss(), self._gradient()]
        parts += [definition.text for definition in reversed(self.blocks)]
        parts += called("\n\n".join(parts), _HELPERS)
        head = heading(spec, weights)
        body = "\n\n\n".join(part.strip("\n") for part in parts)
        imports = ["import math"] if re.search(r"\bmath\.", body) else []
        imports.append("from pathlib import Path")
        place = 'WEIGHTS = Path(__file__).with_suffix(".npz")'
        return "\n".join([head, *imports, "", "import numpy as np", "", place, "", "", body, ""])

    def block_name(self, name: str) -> str:
        """The block's own."""
        return name

    def block(self, copy: Copy) -> str:
        """A function that gives the result, and the function of its backward pass."""
        names = Names([*_TAKEN, *copy.instance.call.block.sizes, *self._functions()])
        variables = {full: names[own] for own, full in copy.inputs.items()}
        part = ScopeCode(self, copy.scope, variables, names, backs=True)
        part.write_forward()
        inputs = [full for full in copy.inputs.values() if self.structure.kind(full) == "float"]
        result = part.variables[copy.output]
        part.active |= set(inputs)
        cotangent = names.new(f"d_{result}")
        part.cotangents[copy.output] = cotangent
        part.write_backward()
        given = [part.cotangents.get(full, f"np.zeros_like({variables[full]})") for full in inputs]
        learns = self.learns(copy.scope)
        returned = ", ".join([*given, *(["grads"] if learns else [])]) or "None"
        arguments = ["params"] * self.keeps(copy.scope) + [names[own] for own in copy.inputs]
        about = docstring(
            copy.instance.call.block.about, f"the block {copy.instance.call.block.name}"
        )
        back = [*_pruned(part.backward, returned), f"return {returned}"]
        if learns:
            back.insert(0, "grads = {}")
        lines = [
            f"def {NAME}({', '.join(arguments)}{ARGUMENTS}):",
            f'    """{about}"""',
            *(f"    {line}" for line in part.kept_forward([*back, result])),
            "",
            f"    def back({cotangent}):",
            *(f"        {line}" for line in back),
            "",
            f"    return {result}, back",
        ]
        return "\n".join(map(laid_out, lines))

    def _functions(self) -> set[str]:
        return {definition.name for definition in self.definitions.values()}

    def _loading(self) -> str:
        lines = [
            "def load_weights(path=WEIGHTS):",
            '    """All parameters, by name."""',
            "    with np.load(path) as arrays:",
            "        params = dict(arrays)" if self.ties else "        return dict(arrays)",
            *(f'    params["{own}"] = params["{full}"]' for own, full in self.ties.items()),
            *(["    return params"] if self.ties else []),
        ]
        return "\n".join(map(laid_out, lines))

    def _top(self, wanted: Iterable[str], *, backs: bool) -> tuple[ScopeCode, list[str]]:
        """The network up to some nodes, and the inputs that it reads."""
        names = Names([*_TAKEN, *self._functions()])
        needed = self.structure.closure(wanted)
        inputs = [node.name for node in self.graph.inputs if node.name in needed]
        variables = {name: names[name] for name in inputs}
        part = ScopeCode(self, self.structure.top, variables, names, backs=backs, needed=needed)
        part.write_forward()
        return part, [variables[name] for name in inputs]

    def _forward(self) -> str:
        about = f"Values of {_listed(self.outputs)}."
        return self._function("forward", about, self.outputs, ", ".join)

    def _loss(self) -> str:
        def total(names: Iterable[str]) -> str:
            return " + ".join(f"{name}.mean()" for name in names)

        return self._function("loss", f"Mean of {_listed(self.losses)}.", self.losses, total)

    def _function(
        self,
        name: str,
        about: str,
        nodes: Iterable[str],
        returned: Callable[[Iterable[str]], str],
    ) -> str:
        """A function of a pass forward; `returned` gives its result from names of variables."""
        part, inputs = self._top(nodes, backs=False)
        results = [part.variables[self.graph.node(node).name] for node in nodes]
        lines = [
            f"def {name}({', '.join(['params', *inputs])}):",
            f'    """{about}"""',
            *(f"    {line}" for line in part.kept_forward(results)),
            f"    return {returned(results)}",
        ]
        return "\n".join(map(laid_out, lines))

    def _gradient(self) -> str:
        part, inputs = self._top(self.losses, backs=True)
        seeds = [line for name in self.losses for line in part.seed(self.graph.node(name).name)]
        part.write_backward()
        covered = {full for scope in part.scopes() for full in self._own(scope)}
        rest = [
            name
            for name, each in self.graph.parameters.items()
            if each.learned and name not in covered | {*part.grads}
        ]
        lines = [*_pruned([*seeds, *part.backward], "")]
        lines.insert(sum(line in lines for line in seeds), "grads = {}")
        lines += [f'grads["{name}"] = np.zeros_like(params["{name}"])' for name in rest]
        for own, full in self.ties.items():
            lines.append(f'grads["{full}"] = grads["{full}"] + grads.pop("{own}")')
        forward = part.kept_forward(lines)
        body = [
            f"def gradient({', '.join(['params', *inputs])}):",
            '    """Gradient of the loss by every parameter, by name."""',
            *(["    # forward", *(f"    {line}" for line in forward), ""] if forward else []),
            "    # backward",
            *(f"    {line}" for line in lines),
            "    return grads",
        ]
        return "\n".join(map(laid_out, body))

    def _own(self, scope: Scope) -> set[str]:
        """Full names of the learned parameters of a block and of those inside it."""
        return {
            name
            for name, each in self.graph.parameters.items()
            if each.learned and name.startswith(scope.prefix)
        }


def _pruned(lines: list[str], result: str) -> list[str]:
    """Statements without variables that nothing reads."""
    kept: list[str] = []
    text = result
    for line in reversed(lines):
        targets, found, value = line.partition(" = ")
        names = [name for name in targets.split(", ") if name.isidentifier()] if found else []
        if names and not any(re.search(rf"\b{name}\b", text) for name in names):
            continue
        if len(names) > 1:
            read = (name if re.search(rf"\b{name}\b", text) else "_" for name in names)
            line = f"{', '.join(read)} = {value}"
        kept.append(line)
        text += "\n" + line
    return kept[::-1]


def _listed(names: Iterable[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)
