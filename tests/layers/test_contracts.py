"""The import contracts of pyproject.toml catch what they are for: planted imports break them."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from places import ROOT

pytest.importorskip("importlinter")
pytestmark = pytest.mark.slow

LAYERS = "Imports point one way"
LIBRARIES = "Each third-party library has its one room"
NUMERICAL = "The numerical gradient sees neither backpropagation nor a concrete op"
FACES = "The faces see no internals of training"
GRADIENTS = "The two gradients are independent"
# A module, the import planted in it, and the contract that must break for it.
PLANTS = [
    ("diagnostics/_excerpts.py", "graphnn.storage", LAYERS),
    ("spec/sizes.py", "graphnn.ops", LAYERS),
    ("execution/_plan.py", "graphnn.drawing", LAYERS),
    ("drawing/_draw.py", "graphnn.gradients", LAYERS),
    ("testing/strategies.py", "graphnn.cli", LAYERS),
    ("training/runs/run.py", "graphnn.lsp", LAYERS),
    ("spec/blocks/expansion.py", "yaml", LIBRARIES),
    ("graph/lints.py", "networkx", LIBRARIES),
    ("execution/_examples.py", "networkx", LIBRARIES),
    ("training/runs/evaluation.py", "matplotlib", LIBRARIES),
    ("training/checking/check.py", "typer", LIBRARIES),
    ("drawing/diagram/writers/dot.py", "matplotlib", LIBRARIES),
    ("drawing/diagram/scene.py", "fontTools", LIBRARIES),
    ("drawing/diagram/writers/svg.py", "fpdf", LIBRARIES),
    ("drawing/diagram/writers/tikz.py", "pypdfium2", LIBRARIES),
    ("execution/network.py", "hypothesis", LIBRARIES),
    ("training/fitting/loop.py", "optuna", LIBRARIES),
    ("training/fitting/loop.py", "tqdm", LIBRARIES),
    ("training/runs/run.py", "graphnn.interchange", LAYERS),
    ("ops/_op.py", "onnx", LIBRARIES),
    ("execution/network.py", "torch", LIBRARIES),
    ("cli/commands/export.py", "onnxruntime", LIBRARIES),
    ("lsp/server.py", "rich", LIBRARIES),
    ("training/runs/run.py", "sklearn", LIBRARIES),
    ("testing/strategies.py", "graphnn.sklearn", LAYERS),
    ("gradients/numerical/engine/probes.py", "graphnn.gradients._backprop", NUMERICAL),
    ("gradients/numerical/loop.py", "graphnn.gradients._check", NUMERICAL),
    ("gradients/numerical/engine/route.py", "graphnn.ops.families.activation", NUMERICAL),
    ("cli/commands/train.py", "graphnn.training.fitting.loop", FACES),
    ("lsp/document.py", "graphnn.training.data.dataset", FACES),
    ("gradients/_backprop.py", "graphnn.gradients.numerical.api", GRADIENTS),
]


def lint(folder: Path) -> str:
    """What import-linter says of the package in `folder`."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(folder), "COLUMNS": "200"},
        timeout=1800,
    )
    return done.stdout


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is said of a copy of the package with every plant in it, and a room of its own."""
    folder = tmp_path_factory.mktemp("planted")
    shutil.copytree(ROOT / "graphnn", folder / "graphnn", ignore=shutil.ignore_patterns("*.npz"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, module, _ in PLANTS:
        with (folder / "graphnn" / name).open("a", encoding="utf-8") as file:
            file.write(f"\n\ndef planted():\n    import {module}\n")
    (folder / "graphnn" / "extras.py").write_text('"""A room that no layer names."""\n')
    return lint(folder)


def broken(said: str, contract: str) -> str:
    """The part about a broken contract."""
    found = re.search(rf"^{re.escape(contract)}\n-+\n(.*?)(?=^[^\n]+\n-+\n|\Z)", said, re.S | re.M)
    return found[1] if found else ""


@pytest.mark.parametrize(("name", "module", "contract"), PLANTS)
def test_a_planted_import_breaks_its_contract(said: str, name: str, module: str, contract: str):
    importer = "graphnn." + name.removesuffix(".py").replace("/", ".")
    assert f"{importer} -> {module} (l." in broken(said, contract)


def test_a_new_room_needs_a_layer(said: str):
    assert "graphnn.extras" in said


def foreign_imports(path: Path) -> Iterator[str]:
    """Modules of other rooms that a module imports."""
    room = path.relative_to(ROOT / "graphnn").parts[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        else:
            continue
        for module in found:
            parts = module.split(".")
            if parts[0] == "graphnn" and len(parts) > 2 and parts[1] != room:
                yield module


def private(module: str) -> bool:
    """Whether other rooms may not import it: it has an underscore, or lies in a subpackage."""
    _, room, *rest = module.split(".")
    package = ROOT / "graphnn" / room / rest[0]
    return any(part.startswith("_") for part in rest) or package.is_dir()


def test_rooms_import_each_other_by_their_faces():
    found = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in sorted((ROOT / "graphnn").rglob("*.py"))
        for module in foreign_imports(path)
        if private(module)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("graphnn.spec.flow", False),
        ("graphnn.spec.sizes", False),
        ("graphnn.spec.sizes.show", False),
        ("graphnn.spec._nodes", True),
        ("graphnn.spec.blocks.expansion", True),
        ("graphnn.training.fitting", True),
    ],
)
def test_what_is_private(module: str, expected: bool):
    assert private(module) == expected


def test_the_rooms_are_at_most_fourteen():
    rooms = [
        path
        for path in (ROOT / "graphnn").iterdir()
        if path.name not in ("__pycache__", "py.typed", "__init__.pyi")
    ]
    assert len([room for room in rooms if room.is_dir()]) <= 14
    for room in rooms:
        if room.is_dir():
            text = ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8")))
            assert text is not None
            assert len(text.split("\n\n")) == 2, room
            assert "Start reading at" in text.replace("\n", " "), room
            assert "Imports" in text, room
