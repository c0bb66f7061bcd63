"""The pytest plugin: ``pytest --graphnn specs/`` makes tests of spec files.

pytest loads this module wherever graphnn is installed, so that it imports next to nothing until
somebody asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest

_SUFFIXES = (".yaml", ".yml", ".json")
_FOLDERS: pytest.StashKey[list[Path]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--graphnn`` and the setting ``graphnn_specs``."""
    group = parser.getgroup("graphnn", "graphnn: spec files as tests")
    group.addoption(
        "--graphnn",
        action="append",
        default=[],
        metavar="PATH",
        help="Test the spec files of this folder, or this file, too: their checks, examples, "
        "gradients, round trips and diagrams. May be repeated.",
    )
    parser.addini(
        "graphnn_specs", "Folders whose spec files are tests, as by --graphnn.", type="paths"
    )

    group.addoption(
        "--graphnn-save-failures",
        metavar="DIR",
        help="Save the network of each test that fails, with its inputs, in a folder in DIR.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Take the folders asked for among what is collected."""
    given = config.getoption("graphnn")
    if "" in given:  # such as an unset variable of a shell
        raise pytest.UsageError("--graphnn: no file or folder is named; write '.' for this one")
    asked = [(config.invocation_params.dir / path).resolve() for path in given]
    kept = [Path(path).resolve() for path in config.getini("graphnn_specs")]
    config.stash[_FOLDERS] = [*asked, *kept]
    if not config.stash[_FOLDERS]:
        return
    for option, paths in {"--graphnn": asked, "graphnn_specs": kept}.items():
        for path in paths:
            if not path.exists():
                raise pytest.UsageError(f"{option}: there is no file or folder '{path}'")
    from graphnn.diagnostics import GraphnnError
    from graphnn.ops.imports import import_project

    try:
        import_project(config.rootpath)
    except GraphnnError as error:
        raise pytest.UsageError(str(error)) from None
    named = config.args_source is config.ArgsSource.ARGS
    places = [_place(config, text) for text in config.args]
    for folder in asked if named else [*asked, *kept]:
        # What is named within the folder, or collects it anyhow, is what is meant.
        if not any(
            folder.is_relative_to(other) or other.is_relative_to(folder) for other in places
        ):
            config.args.append(str(folder))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take every .yaml, .yml and .json file in the folders that is a spec."""
    folders = parent.config.stash.get(_FOLDERS, [])
    if file_path.suffix.lower() not in _SUFFIXES or not any(
        file_path.resolve().is_relative_to(folder) for folder in folders
    ):
        return None
    from graphnn.testing._spec_items import SpecFile, is_spec

    return SpecFile.from_parent(parent, path=file_path) if is_spec(file_path) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Save the network that a test has drawn last, where it fails."""
    report = yield
    folder = item.config.getoption("--graphnn-save-failures")
    if folder is None:
        return report
    from graphnn.testing import NetworkCase

    if call.when == "call" and report.failed and NetworkCase.last is not None:
        place = item.config.invocation_params.dir / folder / re.sub(r"[^\w.-]+", "-", item.nodeid)
        path = NetworkCase.last.save(place)
        report.sections.append(("graphnn", f"saved: graphnn gradcheck {path}"))
    NetworkCase.last = None
    return report


def _place(config: pytest.Config, argument: str) -> Path:
    return (config.invocation_params.dir / argument.partition("::")[0]).resolve()
