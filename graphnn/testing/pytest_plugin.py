"""Lets pytest run the examples of spec files: ``pytest -p graphnn.testing.pytest_plugin specs``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from graphnn.diagnostics import GraphnnError, Span
from graphnn.execution import ExampleResult, run_examples
from graphnn.execution.network import Network
from graphnn.spec import reader
from graphnn.training import load

_SUFFIXES = (".yaml", ".yml", ".json")


class _ExampleError(Exception):
    """An example that does not hold."""


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take every .yaml, .yml and .json file that has a key ``graphnn``."""
    if file_path.suffix.lower() not in _SUFFIXES:
        return None
    try:
        document = reader.read_file(file_path)
    except GraphnnError:
        # Broken files are shown only to who asks for them by name.
        named = {Path(str(given).partition("::")[0]).resolve() for given in parent.config.args}
        if file_path.resolve() not in named:
            return None
    else:
        if "graphnn" not in document:
            return None
    return _SpecFile.from_parent(parent, path=file_path)


class _SpecFile(pytest.File):
    @cached_property
    def network(self) -> Network:
        """The network that the file declares."""
        return load(self.path)

    @cached_property
    def results(self) -> tuple[ExampleResult, ...]:
        """How its examples come out."""
        return run_examples(self.network)

    def collect(self) -> Iterator[pytest.Item]:
        """One test an example."""
        try:
            examples = self.network.graph.spec.examples
        except GraphnnError as error:
            raise self.CollectError(str(error)) from None
        for number, example in enumerate(examples, 1):
            name = example.about or f"example {number}"
            yield _ExampleItem.from_parent(self, name=name, number=number, span=example.place.span)


class _ExampleItem(pytest.Item):
    parent: _SpecFile

    def __init__(self, *, number: int, span: Span | None, **rest: Any) -> None:
        super().__init__(**rest)
        self.funcargs: dict[str, Any] = {}  # pytest-lsp fails on items without fixtures
        self._number = number
        self._span = span

    def runtest(self) -> None:
        """Fail where the network does not give what the example says."""
        result = self.parent.results[self._number - 1]
        if not result.ok:
            raise _ExampleError("\n".join(str(found).rstrip("\n") for found in result.diagnostics))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any) -> Any:
        """What the command line shows of it."""
        if isinstance(excinfo.value, _ExampleError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Place of the example, its line counted from 0."""
        return self.path, self._span.line - 1 if self._span else None, self.name
