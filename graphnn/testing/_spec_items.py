"""A spec file as pytest items: its check, its examples, its gradient, its texts, its diagram."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from graphnn.diagnostics import Diagnostic, GraphnnError, Span, SpecError, UsageError
from graphnn.execution import ExampleResult, run_examples
from graphnn.execution.network import Network
from graphnn.spec import format_text, reader, to_json
from graphnn.testing.laws.networks import assert_equivalent
from graphnn.testing.laws.requirements import BrokenLaw
from graphnn.training import diagnose, load, loads, sample_inputs

_COLONS = re.compile("::+")
_MARKS = ("graphnn", "nodes")  # keys without which a file is not meant to be a spec
_MOST = 20_000  # entries of which all are checked; of more, a sample
_SAMPLE = 2_000


def is_spec(path: Path) -> bool:
    """Whether a file is meant to be a spec: one that cannot be read is for a person to see."""
    try:
        document = reader.read_file(path)
    except GraphnnError:
        return True
    return any(mark in document for mark in _MARKS)


class SpecFile(pytest.File):
    """The items of one file."""

    @cached_property
    def network(self) -> Network:
        """The network that the file declares."""
        return load(self.path)

    @cached_property
    def results(self) -> tuple[ExampleResult, ...]:
        """Results of its examples."""
        return run_examples(self.network)

    def collect(self) -> Iterator[pytest.Item]:
        """The check; of a sound network the others, too."""
        yield _Item.from_parent(self, name="check", run=check)
        rest = {"gradcheck": gradcheck, "roundtrip": roundtrip, "draw": draw}
        taken = {"check", *rest}
        try:
            examples = self.network.graph.spec.examples
        except GraphnnError:
            return  # a file of blocks alone, or one whose check says what is wrong
        for number, example in enumerate(examples, 1):
            name, span = _name(example.about, number, taken), example.place.span
            taken.add(name)
            yield _Item.from_parent(self, name=name, run=_example(number), span=span)
        for name, run in rest.items():
            yield _Item.from_parent(self, name=name, run=run)


class _Item(pytest.Item):
    parent: SpecFile

    def __init__(
        self, *, run: Callable[[SpecFile], None], span: Span | None = None, **rest: Any
    ) -> None:
        super().__init__(**rest)
        self.funcargs: dict[str, Any] = {}  # pytest-lsp fails on items without fixtures
        self._run = run
        self._span = span

    def runtest(self) -> None:
        """Fail where what is tested does not hold."""
        self._run(self.parent)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any) -> Any:
        """The diagnostics, as the command line shows them."""
        if isinstance(excinfo.value, GraphnnError | BrokenLaw):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Place of the example, its line counted from 0, and the heading of a failure."""
        return (
            self.path,
            self._span.line - 1 if self._span else None,
            f"{self.name} of {self.parent.nodeid}",
        )


def check(file: SpecFile) -> None:
    """Raise every error of the file."""
    _raise([found for found in diagnose(file.path) if found.severity == "error"])


def gradcheck(file: SpecFile) -> None:
    """Raise where backpropagation is wrong for the inputs that ``graphnn gradcheck`` takes."""
    network = file.network
    try:
        losses = network.losses()
    except UsageError:
        pytest.skip("the network has no loss")
    if not network.parameters:
        pytest.skip("the network has no parameters")
    from graphnn.gradients import check_gradients

    needed = tuple(network.executor(losses).plan.inputs)
    many = sum(array.size for array in network.parameters.values()) > _MOST
    inputs = sample_inputs(network, needed)
    report = check_gradients(network, inputs, entries=_SAMPLE if many else None)
    if not report.ok:
        raise BrokenLaw(str(report))


def roundtrip(file: SpecFile) -> None:
    """Raise where the network changes when its file is formatted, or written as JSON."""
    document = reader.read_file(file.path)
    texts = [to_json(document)]
    if file.path.suffix.lower() != ".json":
        texts.append(format_text(document.source.text))
    for text in texts:
        assert_equivalent(file.network, loads(text, folder=file.path.parent))


def draw(file: SpecFile) -> None:
    """Raise where the diagram cannot be made."""
    file.network.draw()._repr_svg_()


def _name(about: str, number: int, taken: Collection[str]) -> str:
    """A name for an example, on one line, that no other item of the file has.

    It is what the example says of itself, after its number where another item is called that.
    """
    name = "".join(c if c.isprintable() else repr(c)[1:-1] for c in about)
    name = _COLONS.sub(":", name)  # two part the names in 'pytest FILE::ITEM'
    name = name or f"example {number}"
    while name in taken:
        name = f"example {number}: {name}"
    return name


def _example(number: int) -> Callable[[SpecFile], None]:
    def run(file: SpecFile) -> None:
        _raise(list(file.results[number - 1].diagnostics))

    return run


def _raise(diagnostics: list[Diagnostic]) -> None:
    if diagnostics:
        raise SpecError(*diagnostics)
