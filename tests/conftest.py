"""What all tests share: how Hypothesis works, and which graphnn is tested."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import graphnn
from graphnn.ops import REGISTRY
from thorough import multiply_examples

# No test may know how fast the machine is.
HOW = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TIMES = 100  # as many examples
settings.register_profile("default", HOW)
# The same draws for the same code, as in Hypothesis's own profile for CI.
settings.register_profile("ci", HOW, database=None, derandomize=True, print_blob=True)
settings.register_profile("thorough", HOW, max_examples=TIMES * HOW.max_examples, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


TESTED = Path(graphnn.__file__).parent


def pytest_report_header() -> str:
    return f"graphnn: {TESTED}"


def pytest_configure(config: pytest.Config) -> None:
    """CI says where graphnn is installed, so that the checkout is not tested by mistake."""
    if config.getoption("--hypothesis-profile") == "thorough":
        multiply_examples(TIMES)
    installed = os.environ.get("GRAPHNN_INSTALLED")
    if installed and not TESTED.is_relative_to(installed):
        pytest.exit(f"'{TESTED}' would be tested, not what is installed in '{installed}'", 4)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without searches for garbage, and leave out of later ones what lasts to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first, so that no worker waits for another at the end."""
    items.sort(key=lambda item: "hostile" not in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Work in an empty folder: Python's children would take the checkout from this one."""
    with chdir(tmp_path_factory.mktemp("elsewhere")):
        yield


@pytest.fixture(scope="module", autouse=True)
def _registry_restored() -> Iterator[None]:
    """What a test registers must leave the registry with it, whatever tests follow."""
    before = dict(REGISTRY)
    yield
    assert before == REGISTRY


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave matplotlib out, as an installation without the extra 'plot' does; it is slow too."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
