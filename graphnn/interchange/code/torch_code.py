"""A network as a module of torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from graphnn.graph import Graph
from graphnn.interchange.code import torch_sequences
from graphnn.interchange.code.functions import called, functions_of
from graphnn.interchange.code.layout import laid_out
from graphnn.interchange.code.names import Names, class_name, docstring, heading
from graphnn.interchange.code.sharing import ARGUMENTS, NAME
from graphnn.interchange.code.structure import Copy, Operation, Scope, Use
from graphnn.interchange.code.torch_parameters import Placement
from graphnn.interchange.code.training import training
from graphnn.interchange.code.written import Written, naming, stated
from graphnn.ops import Op

_HELPERS = functions_of(torch_sequences)
_TAKEN = (
    *("np", "torch", "nn", "F", "Path", "sys", "self", "main", "load_weights", "WEIGHTS"),
    *("Network", "DataLoader", "TensorDataset"),
    *_HELPERS,
)
# Attributes of nn.Module, which no layer may be called.
_OF_MODULES = """
add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu
load_state_dict loss modules mtia named_buffers named_children named_modules named_parameters
parameters register_backward_hook register_buffer register_forward_hook
register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu
zero_grad T_destination
"""


class TorchCode(Written):
    """The code of a network in torch; see `Written`."""

    def __init__(self, graph: Graph, outputs: Iterable[str], losses: Iterable[str]) -> None:
        self.places: dict[str, tuple[str, str]] = {}
        self.turned = graph.torch_turned()
        super().__init__(graph, outputs, losses, _TAKEN)

    def text(self, weights: str, *, trains: bool = True) -> str:
        """All of it; `weights` is the name of the file that holds the parameters.

        Without `main` unless it `trains`, which not every spec can in torch.
        """
        parts = [definition.text for definition in self.blocks]
        parts += [self._network(), self._loading()]
        if trains and self.losses and self.graph.spec.train is not None:
            parts.append(training(self.graph, self.losses))
        parts = [part.strip("\n") for part in (*called("\n".join(parts), _HELPERS), *parts)]
        body = "\n\n\n".join(parts)
        standard = ["import sys"] if "sys." in body else []
        functional = ["import torch.nn.functional as F"] if re.search(r"\bF\.", body) else []
        data = [line for line in _DATA if line.rpartition(" ")[2] in body]
        lines = [
            heading(self.graph.spec, weights),
            *standard,
            "from pathlib import Path",
            "",
            "import numpy as np",
            "import torch",
            *functional,
            "from torch import nn",
            *data,
            "",
            'WEIGHTS = Path(__file__).with_suffix(".npz")',
            "",
            "",
            body,
            "",
        ]
        return "\n".join(lines)

    @cached_property
    def paths(self) -> Mapping[str, str]:
        """Where layers lie in the modules of torch, by full name of the node."""
        found = {}
        for name in self.places:
            parts: list[str] = []
            around = name
            while around:
                around, attribute = self.places[around]
                parts.insert(0, attribute)
            found[name] = ".".join(parts)
        return found

    @cached_property
    def keys(self) -> Mapping[str, tuple[str, bool]]:
        """By name in the module's state: the full name here, and whether axes are reversed there.

        Of parameters, and of large constants; one that several nodes share has a name for each.
        """
        found = {}
        for name, path in self.paths.items():
            node = self.graph.nodes.get(name)
            if name in self.arrays:
                found[path] = name, False
            elif node is not None:
                for operand, full in node.parameters.items():
                    if full is not None:
                        key = self.placement.key(f"{name}.{operand}")
                        reverse = operand in node.op.torch_reversed and name not in self.turned
                        found[key] = full, reverse
        return found

    @cached_property
    def placement(self) -> Placement:
        """Where parameters lie."""
        return Placement(self.graph, self.paths, self.turned)

    def block_name(self, name: str) -> str:
        """As classes are called."""
        return class_name(name)

    def extra_sizes(self, copy: Copy) -> Mapping[str, int]:
        """Channels, or features, of what is read."""
        found = {}
        for own, full in copy.inputs.items():
            shape = self.structure.shape(full)
            if len(shape) > 1:
                image = len(shape) == 4
                size = shape[1 if image else -1]
                if isinstance(size, int):
                    found[f"{own}_{'channels' if image else 'features'}".replace("-", "_")] = size
        return found

    def block(self, copy: Copy) -> str:
        """A separate module."""
        names = Names([*_TAKEN, *copy.instance.call.block.sizes, *self._classes()])
        variables = {full: names[own] for own, full in copy.inputs.items()}
        part = _Module(self, copy.scope, names)
        part.declare()
        part.variables = variables
        lines = part.statements()
        result = part.variables[copy.output]
        inputs = [names[own] for own in copy.inputs]
        block = copy.instance.call.block
        about = docstring(block.about, f"the block {block.name}")
        text = [f"class {NAME}(nn.Module):", f'    """{about}"""', ""]
        text += _constructor(part.layers, ARGUMENTS)
        text += _method("forward", inputs, lines, result)
        return "\n".join(map(laid_out, text)).rstrip("\n")

    def _classes(self) -> set[str]:
        return {definition.name for definition in self.definitions.values()}

    def _network(self) -> str:
        part = _Module(self, self.structure.top, Names([*_TAKEN, *self._classes()]))
        part.declare()
        placed = self.placement
        about = docstring(self.graph.spec.name or "", "a network")
        text = ["class Network(nn.Module):", f'    """{about}"""', ""]
        shared = placed.ties(self.ties)
        text += _constructor([*part.layers, *shared, *placed.frozen()], "")
        for method, wanted in (("forward", self.outputs), ("loss", self.losses)):
            if not wanted:
                continue
            needed = self.structure.closure(wanted)
            inputs = [node.name for node in self.graph.inputs if node.name in needed]
            names = Names([*_TAKEN, *self._classes()])
            one = _Module(self, self.structure.top, names, needed)
            one.attributes, one.buffers = part.attributes, part.buffers
            one.variables = {name: names[name] for name in inputs}
            lines = one.statements()
            results = [one.variables[self.graph.node(name).name] for name in wanted]
            result = ", ".join(results)
            if method == "loss":
                result = " + ".join(f"{each}.mean()" for each in results)
            text += _method(method, [one.variables[name] for name in inputs], lines, result)
        return "\n".join(map(laid_out, text)).rstrip("\n")

    def _loading(self) -> str:
        nodes = [name for name in self.paths if name in self.graph.nodes]
        key, tied = self.placement.key, sorted(self.ties.items())
        ops = [self.structure.operation(name).op for name in nodes if name not in self.turned]
        kinds = {ours: theirs for op in ops for ours, theirs in op.torch_names.items()}
        renamed = {name: self.paths[name] for name in nodes if name != self.paths[name]}
        kind = "kinds.get(kind, kind)" if kinds else "kind"
        lines = [
            "def load_weights(model, path=WEIGHTS):",
            '    """Set all parameters to those in a file, which are named as in the spec."""',
            *_assigned("kinds", kinds),
            *_assigned("renamed", renamed),
            *([_MODULES] if self._has_linear(ops) else []),
            "    state = model.state_dict()",
            "    with np.load(path) as arrays:",
            "        for name, array in arrays.items():",
            '            layer, _, kind = name.rpartition(".")',
            *(_whole_names(bool(renamed)) if self.arrays else []),
            *(["            layer = renamed.get(layer, layer)"] if renamed else []),
            *(_TRANSPOSED if self._has_linear(ops) else []),
            f'            key = f"{{layer}}.{{{kind}}}".removesuffix(".")',
            "            state[key] = torch.from_numpy(array)",
            *(f'    state["{key(own)}"] = state["{key(full)}"]' for own, full in tied),
            "    model.load_state_dict(state)",
        ]
        return "\n".join(map(laid_out, lines))

    def _has_linear(self, ops: Iterable[Op]) -> bool:
        """Whether there is an `nn.Linear`, whose weight is the transpose of ours."""
        written = any("nn.Linear(" in definition.text for definition in self.blocks)
        return written or any(op.name == "affine" for op in ops)


@dataclass
class _Module:
    """The layers and statements of one scope.

    Attributes
    ----------
    layers : list of str
        Statements of the constructor.
    attributes : dict of str to str
        By full name of a node, or name of a use, what its layer is called.
    variables : dict of str to str
        By full name of the node.
    buffers : set of str
        What layers are called that compute nothing.
    """

    code: TorchCode
    scope: Scope
    names: Names
    needed: set[str] | None = None
    layers: list[str] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    buffers: set[str] = field(default_factory=set)

    def declare(self) -> None:
        """Write the layers."""
        own = Names(_OF_MODULES.split())
        for item in self.scope.items:
            if isinstance(item, Operation):
                self._declare(item, own)
            else:
                self._declare_use(item, own)

    def statements(self) -> list[str]:
        """What `forward` does, but for its end."""
        lines = []
        for item in self.scope.items:
            if self.needed is None or not self.needed.isdisjoint(self.code.structure.gives(item)):
                lines += self._computed(item) if isinstance(item, Operation) else self._used(item)
        return lines

    def _local(self, full: str) -> str:
        return full.removeprefix(self.scope.prefix)

    def _declare(self, item: Operation, own: Names) -> None:
        kept = self.code.structure.kept(item)
        for operand, full in kept.items():
            own_name = f"{item.node.name}.{operand}"
            if full is not None and full != own_name:
                self.code.ties[own_name] = full
        full_names = [full for full in kept.values() if full is not None]
        names = [*("x" for _ in item.inputs), *kept.values()]
        form = self.code.structure.form(item, names, "y")
        with naming(item):
            turned = item.node.name in self.code.turned
            layer = form.parameters(item.op) if turned else item.op.to_torch_layer(form)
        if self.code.constant(item):
            shape = ", ".join(map(str, item.node.shape))
            dtype = "float64" if item.node.kind == "float" else "int64"
            layer = f"nn.Buffer(torch.zeros({shape}, dtype=torch.{dtype}))"
        if layer:
            name = item.node.name
            attribute = self.attributes[name] = own[self._local(name)]
            self.layers.append(f"self.{attribute} = {layer}")
            if layer.startswith("nn.Buffer("):
                self.buffers.add(attribute)
            if item.op.torch and full_names and not any(map(self.code.learned, full_names)):
                self.layers.append(f"self.{attribute}.requires_grad_(False)")
            self.code.places[name] = self.scope.prefix.removesuffix("."), attribute

    def _declare_use(self, use: Use, own: Names) -> None:
        name = use.call.name
        attribute = self.attributes[name] = own[self._local(use.call.name)]
        calls = [self._call(copy) for copy in use.copies]
        around = self.scope.prefix.removesuffix(".")
        self.code.places[name] = around, attribute
        for copy in use.copies:
            if copy.instance.number is not None:
                self.code.places[copy.instance.name] = name, str(copy.instance.number)
        if len(calls) == 1 and use.copies[0].instance.number is not None:
            self.layers.append(f'self.{attribute} = nn.ModuleDict({{"1": {calls[0]}}})')
        elif use.copies[0].instance.number is None:
            self.layers.append(f"self.{attribute} = {calls[0]}")
        elif self.code.alike(use):
            entries = f"{{str(i): {calls[0]} for i in range(1, {len(calls) + 1})}}"
            self.layers.append(f"self.{attribute} = nn.ModuleDict({entries})")
        else:
            self.layers.append(f"self.{attribute} = nn.ModuleDict()")
            self.layers += [f'self.{attribute}["{n}"] = {c}' for n, c in enumerate(calls, 1)]

    def _call(self, copy: Copy) -> str:
        definition = self.code.definitions[copy.instance.name]
        given = definition.given[copy.instance.name]
        return f"{definition.name}({', '.join(f'{key}={value}' for key, value in given.items())})"

    def _computed(self, item: Operation) -> list[str]:
        name = item.node.name
        names: list[str | None] = [self.variables[each] for each in item.inputs]
        variable = self.variables[name] = self.names[self._local(name)]
        attribute = self.attributes.get(name)
        kept = self.code.structure.kept(item)
        turned = name in self.code.turned
        if attribute is not None and (item.op.torch or turned) and kept:
            names += [full and f'self.{attribute}["{own}"]' for own, full in kept.items()]
            form = self.code.structure.form(item, names, variable)
            with naming(item):
                if turned:
                    text = form.fill(
                        stated(item.op.torch_unlayered, "torch form ('torch_unlayered')"), item.op
                    )
                else:
                    text = item.op.to_torch(form)
        elif attribute in self.buffers and names:
            names.append(f"self.{attribute}")
            text = item.op.to_torch(self.code.structure.form(item, names, variable))
        elif attribute is not None:
            with naming(item):
                given = item.op.torch_given(self.code.structure.form(item, names, variable))
            text = f"self.{attribute}" + (f"({', '.join(map(str, given))})" if given else "")
        else:
            with naming(item):
                form = self.code.structure.form(item, names, variable)
                text = stated(item.op.to_torch(form), "torch form ('torch')")
        remark = item.node.spec.about
        return [*([f"# {docstring(remark, '')}"] if remark else []), f"{variable} = {text}"]

    def _used(self, use: Use) -> list[str]:
        attribute = f"self.{self.attributes[use.call.name]}"
        last = self.names[self._local(use.call.name)]
        if self.code.repeats(use, self.scope):
            (start,) = (self.variables[full] for full in use.copies[0].inputs.values())
            self.variables[use.copies[-1].output] = last
            return [
                f"{last} = {start}",
                f"for block in {attribute}.values():",
                f"    {last} = block({last})",
            ]
        lines = []
        for copy in use.copies:
            number = copy.instance.number
            final = copy is use.copies[-1]
            variable = last if final else self.names[self._local(copy.instance.name)]
            module = attribute if number is None else f'{attribute}["{number}"]'
            given = ", ".join(self.variables[full] for full in copy.inputs.values())
            self.variables[copy.output] = variable
            lines.append(f"{variable} = {module}({given})")
        return lines


_DATA = ("from torch.utils.data import DataLoader, TensorDataset",)
_MODULES = "    modules = dict(model.named_modules(remove_duplicate=False))"
_TRANSPOSED = (
    '            if kind == "weight" and isinstance(modules.get(layer), nn.Linear):',
    "                array = array.T  # torch has rows for outputs",
)


def _assigned(name: str, mapping: Mapping[str, str]) -> list[str]:
    return [f"    {name} = {_mapping(mapping)}"] if mapping else []


def _mapping(names: Mapping[str, str]) -> str:
    """Names by name, as a dict of Python."""
    listed = ", ".join(f'"{ours}": "{theirs}"' for ours, theirs in sorted(names.items()))
    return f"{{{listed}}}"


def _whole_names(renamed: bool) -> list[str]:
    """Lines for large constants, whose names hold no operand."""
    condition = "not layer or name in renamed" if renamed else "not layer"
    return [f"            if {condition}:", '                layer, kind = name, ""']


def _constructor(layers: list[str], arguments: str) -> list[str]:
    if not layers:
        return []
    return [
        f"    def __init__(self{arguments}):",
        "        super().__init__()",
        *(f"        {layer}" for layer in layers),
        "",
    ]


def _method(name: str, inputs: list[str], lines: list[str], result: str) -> list[str]:
    return [
        f"    def {name}({', '.join(['self', *inputs])}):",
        *(f"        {line}" for line in lines),
        f"        return {result}",
        "",
    ]
