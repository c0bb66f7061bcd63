"""The statements of one scope in NumPy, forth and back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from graphnn.interchange.code.names import Names, docstring
from graphnn.interchange.code.structure import Copy, Operation, Scope, Use
from graphnn.interchange.code.written import Written, naming, stated


@dataclass
class ScopeCode:
    """The statements of one scope, forth and back.

    Attributes
    ----------
    variables : dict of str to str
        By full name of the node.
    cotangents : dict of str to str
        Likewise, of those that have one by now.
    active : set of str
        Nodes whose cotangent is wanted.
    grads : dict of str to str
        Names of parameters whose gradient has been written.
    spare : list of str
        Variables that are read in the next statements alone, and so serve again.
    """

    code: Written
    scope: Scope
    variables: dict[str, str]
    names: Names
    backs: bool
    needed: set[str] | None = None
    forward: list[tuple[tuple[str, ...], list[str]]] = field(default_factory=list)
    backward: list[str] = field(default_factory=list)
    cotangents: dict[str, str] = field(default_factory=dict)
    active: set[str] = field(default_factory=set)
    grads: dict[str, None] = field(default_factory=dict)
    even: set[str] = field(default_factory=set)
    spare: list[str] = field(default_factory=lambda: ["more"])
    _backs: dict[str, str] = field(default_factory=dict)
    _reversed: set[str] = field(default_factory=set)

    def items(self) -> list[Operation | Use]:
        """What is needed of the scope."""
        gives = self.code.structure.gives
        return [
            item
            for item in self.scope.items
            if self.needed is None or not self.needed.isdisjoint(gives(item))
        ]

    def scopes(self) -> list[Scope]:
        """Scopes of the blocks in it."""
        return [
            copy.scope for item in self.items() if isinstance(item, Use) for copy in item.copies
        ]

    def kept_forward(self, later: Iterable[str]) -> list[str]:
        """The statements whose variables are read later."""
        text = "\n".join(later)
        kept: list[list[str]] = []
        for targets, lines in reversed(self.forward):
            if any(re.search(rf"\b{target}\b", text) for target in targets):
                if len(lines) == 1 and len(targets) > 1:  # a block, and its way back
                    value = lines[0].partition(" = ")[2]
                    read = (each if re.search(rf"\b{each}\b", text) else "_" for each in targets)
                    lines = [f"{', '.join(read)} = {value}"]
                kept.append(lines)
                text += "\n" + "\n".join(lines)
        return [line for lines in reversed(kept) for line in lines]

    def write_forward(self) -> None:
        """Every item in order."""
        for item in self.items():
            if isinstance(item, Operation):
                self._compute(item)
            else:
                self._use(item)

    def write_backward(self) -> None:
        """Every item that passes a cotangent back, last first."""
        self._mark_active()
        for item in reversed(self.items()):
            if isinstance(item, Operation):
                self._reverse(item)
            else:
                self._reverse_use(item)
        self._zeros()

    def seed(self, name: str) -> list[str]:
        """The cotangent of a loss, whose mean is taken."""
        variable = self.variables[name]
        cotangent = self.names.new(f"d_{variable}")
        (item,) = [i for i in self.items() if name in self.code.structure.gives(i)]
        reads = [read for other in self.items() for read in self.code.structure.reads(other)]
        self.cotangents[name] = cotangent
        if isinstance(item, Operation) and item.op.is_loss and name not in reads:
            self.even.add(name)
            return [f"{cotangent} = 1 / len({self.variables[item.inputs[0]]})"]
        if self.code.structure.shape(name) == ():
            return [f"{cotangent} = np.array(1.0)"]
        return [f"{cotangent} = np.full_like({variable}, 1 / {variable}.size)"]

    def _local(self, full: str) -> str:
        return full.removeprefix(self.scope.prefix)

    def _names_of(self, item: Operation) -> list[str | None]:
        names: list[str | None] = [self.variables[name] for name in item.inputs]
        for operand, full in self.code.structure.kept(item).items():
            own = full and self.code.parameter(self.scope, item, operand, full)
            names.append(f'params["{own}"]' if own else None)
        return names

    def _compute(self, item: Operation) -> None:
        name = item.node.name
        variable = self.variables[name] = self.names[self._local(name)]
        form = self.code.structure.form(item, self._names_of(item), variable)
        with naming(item):
            text = stated(item.op.to_numpy(form), "NumPy form ('numpy')")
        if self.code.constant(item):
            text = f'params["{self._local(name)}"]'
        remark = item.node.spec.about
        lines = [f"# {docstring(remark, '')}"] if remark else []
        self.forward.append(((variable,), [*lines, f"{variable} = {text}"]))

    def _call(self, copy: Copy, part: str, inputs: Iterable[str]) -> str:
        definition = self.code.definitions[copy.instance.name]
        given = definition.given[copy.instance.name]
        own = [part] if self.code.keeps(copy.scope) else []
        sizes = [f"{key}={value}" for key, value in given.items()]
        return f"{definition.name}({', '.join([*own, *inputs, *sizes])})"

    def _use(self, use: Use) -> None:
        name = self._local(use.call.name)
        if self.code.repeats(use, self.scope):
            self._loop(use)
            return
        for copy in use.copies:
            inner = self._local(copy.instance.name)
            last = copy is use.copies[-1]
            variable = self.names[name if last else inner]
            self.variables[copy.output] = variable
            given = [self.variables[full] for full in copy.inputs.values()]
            text = self._call(copy, f'part(params, "{inner}")', given)
            back = "_"
            if self.backs:
                back = self._backs[copy.instance.name] = self.names.new(f"{variable}_back")
            self.forward.append(((variable, back), [f"{variable}, {back} = {text}"]))

    def _loop(self, use: Use) -> None:
        name = self._local(use.call.name)
        variable = self.names[self._local(use.call.name)]
        (start,) = (self.variables[full] for full in use.copies[0].inputs.values())
        self.variables[use.copies[-1].output] = variable
        call = self._call(use.copies[0], f'part(params, f"{name}.{{i}}")', [variable])
        lines = [f"{variable} = {start}"]
        backs = "_"
        if self.backs:
            backs = self._backs[use.call.name] = self.names.new(f"{variable}_backs")
            lines.append(f"{backs} = []")
        lines.append(f"for i in range(1, {len(use.copies) + 1}):")
        lines.append(f"    {variable}, {'back' if self.backs else '_'} = {call}")
        if self.backs:
            lines.append(f"    {backs}.append(back)")
        self.forward.append(((variable, backs), lines))

    def _mark_active(self) -> None:
        for item in self.items():
            structure = self.code.structure
            reads = any(name in self.active for name in structure.reads(item))
            if isinstance(item, Operation):
                own = any(map(self.code.learned, structure.kept(item).values()))
            else:
                own = any(self.code.learns(copy.scope) for copy in item.copies)
            if reads or own:
                gives = (name for name in structure.gives(item) if structure.kind(name) == "float")
                self.active |= {*gives}

    def _contribute(self, name: str, text: str) -> None:
        """Add to the cotangent of a node what one reader passes back."""
        before = self.cotangents.get(name)
        if before is None and text.isidentifier():
            self.cotangents[name] = text
            return
        cotangent = f"d_{self.variables[name]}"
        if before != cotangent:
            cotangent = self.names.new(cotangent)
        self.cotangents[name] = cotangent
        self.backward.append(f"{cotangent} = {text if before is None else f'{before} + {text}'}")

    def _reverse(self, item: Operation) -> None:
        name = item.node.name
        cotangent = self.cotangents.get(name)
        if cotangent is None or name not in self.active:
            return
        names = self._names_of(item)
        variable = self.variables[name]
        form = self.code.structure.form(item, names, variable, cotangent)
        form = replace(form, even=name in self.even)
        with naming(item):
            parts = [*item.op.to_numpy_vjp(form)]
            read = self.code.structure.placed(item, item.inputs)
            for source, part in zip(read, parts, strict=False):
                stated(part or source not in self.active, "NumPy gradient ('numpy_vjp')")
        kept = self.code.structure.kept(item)
        learned = {place for place in kept.values() if self.code.learned(place)}
        wanted = learned | (self.active - {*kept.values()})
        found = [*zip([*read, *kept.values()], parts, form.names, strict=False)]
        # Parameters first, as textbooks do.
        ordered = found[len(read) :] + found[: len(read)]
        passed = [each for each in ordered if each[0] in wanted and each[1] is not None]
        texts = self._called_once(variable, [str(part) for _, part, _ in passed])
        for (place, _, own), part in zip(passed, texts, strict=True):
            if place in learned:
                key = str(own).removeprefix('params["').removesuffix('"]')
                before = f'grads["{key}"] + ' if key in self.grads else ""
                self.grads[key] = None
                self.backward.append(f'grads["{key}"] = {before}{part}')
            else:
                self._contribute(str(place), part)

    def _called_once(self, variable: str, parts: list[str]) -> list[str]:
        """The parts, of which those that one call gives are taken from a variable for it."""
        calls = [_indexed_call(part) for part in parts]
        names: dict[str, str] = {}
        for call in calls:
            if call and calls.count(call) > 1 and call not in names:
                names[call] = self.names.new(f"d_{variable}_parts")
                self.backward.append(f"{names[call]} = {call}")
        return [
            f"{names[call]}{part.removeprefix(call)}" if call in names else part
            for call, part in zip(calls, parts, strict=True)
        ]

    def _reverse_use(self, use: Use) -> None:
        loop = self._backs.get(use.call.name) if self.code.repeats(use, self.scope) else None
        if loop is not None:
            self._reverse_loop(use, loop)
            return
        for copy in reversed(use.copies):
            self._reverse_copy(copy)

    def _reverse_copy(self, copy: Copy) -> None:
        """Call the function of a copy's backward pass, and keep what it returns."""
        cotangent = self.cotangents.get(copy.output)
        back = self._backs.get(copy.instance.name)
        if cotangent is None or back is None or copy.output not in self.active:
            return
        self._reversed.add(copy.instance.name)
        targets = self._targets(copy)
        learns = self.code.learns(copy.scope)
        listed = [target for _, target in targets] + ["found"] * learns
        if listed and {*listed} != {"_"}:
            self.backward.append(f"{', '.join(listed)} = {back}({cotangent})")
        for full, target in targets:
            if target != "_":
                self._contribute(full, target)
        if learns:
            inner = self._local(copy.instance.name)
            self.backward.append(f'grads |= named("{inner}", found)')

    def _targets(self, copy: Copy) -> list[tuple[str, str]]:
        """What a copy reads, with the variables that take what it passes back."""
        found: dict[str, str] = {}
        targets = []
        spare = self._spare_variables()
        for full in copy.inputs.values():
            if self.code.structure.kind(full) != "float":
                continue
            target = "_"
            if full in self.active and full not in found:  # each takes the sum of all its uses
                before = full in self.cotangents
                target = next(spare) if before else self.names.new(f"d_{self.variables[full]}")
            found[full] = target
            targets.append((full, target))
        return targets

    def _spare_variables(self) -> Iterator[str]:
        """The spare variables, and new ones after them."""
        yield from self.spare
        while True:
            self.spare.append(self.names.new("more"))
            yield self.spare[-1]

    def _reverse_loop(self, use: Use, backs: str) -> None:
        output, (start,) = use.copies[-1].output, use.copies[0].inputs.values()
        cotangent = self.cotangents.get(output)
        if cotangent is None or output not in self.active:
            return
        self._reversed |= {copy.instance.name for copy in use.copies}
        name, learns = self._local(use.call.name), self.code.learns(use.copies[0].scope)
        moving = f"d_{self.variables[output]}"
        if moving != cotangent:
            moving = self.names.new(moving)
            self.backward.append(f"{moving} = {cotangent}")
        count = len(use.copies)
        targets = ", ".join([moving, *(["found"] if learns else [])])
        self.backward.append(f"for i in reversed(range(1, {count + 1})):")
        self.backward.append(f"    {targets} = {backs}[i - 1]({moving})")
        if learns:
            self.backward.append(f'    grads |= named(f"{name}.{{i}}", found)')
        if start in self.active:
            self._contribute(start, moving)

    def _zeros(self) -> None:
        """Gradients of parameters that move nothing."""
        for item in self.items():
            if isinstance(item, Operation):
                self._zeros_of(self.scope, item)
                continue
            for copy in item.copies:
                if copy.instance.name not in self._reversed:
                    for scope, inner in _operations(copy.scope):
                        self._zeros_of(scope, inner)

    def _zeros_of(self, scope: Scope, item: Operation) -> None:
        """Of an operation of the scope, or of a block in it that has passed nothing back."""
        for operand, full in self.code.structure.kept(item).items():
            if full is not None and self.code.learned(full):
                own = self.code.parameter(scope, item, operand, full)
                key = self._local(scope.prefix + own)
                if key not in self.grads:
                    self.grads[key] = None
                    self.backward.append(f'grads["{key}"] = np.zeros_like(params["{key}"])')


def _indexed_call(text: str) -> str:
    """The call of which an expression takes one entry; empty where it does something else."""
    found = ast.parse(text, mode="eval").body
    if isinstance(found, ast.Subscript) and isinstance(found.value, ast.Call):
        return text[: found.value.end_col_offset]
    return ""


def _operations(scope: Scope) -> Iterator[tuple[Scope, Operation]]:
    """All operations of a block and of those inside it, each with its own scope."""
    for item in scope.items:
        if isinstance(item, Operation):
            yield scope, item
        else:
            for copy in item.copies:
                yield from _operations(copy.scope)
