"""The language is described once: a key that is added to the table is known everywhere."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys

import pytest

from graphnn.spec import (
    block_records as blocks,
)
from graphnn.spec import (
    drawing_records as drawing,
)
from graphnn.spec import (
    example_records as examples,
)
from graphnn.spec import forms, model
from graphnn.spec import (
    node_records as nodes,
)
from graphnn.spec import (
    search_records as search,
)
from graphnn.spec import (
    training_records as training,
)
from graphnn.spec.forms import key_names
from graphnn.spec.vocabulary import NO_NAMES
from places import ROOT

PACKAGE = ROOT / "graphnn"
NEXT = "    validation: Value | None = key(\n"
PLANTED = '    warmth: int = key(forms.whole(2), "How warm it is kept.", 3)\n'
ASKED = """
import importlib, json, sys
from pathlib import Path
import graphnn
from graphnn.lsp import queries
from graphnn.lsp.document import Document

sys.path.insert(0, {docs!r})
SPEC = "graphnn: 1\\nnodes: {{w: {{op: parameter, shape: [1]}}, l: {{op: sum, inputs: w}}}}\\n"
read = lambda text, **settings: graphnn.loads(SPEC + text, settings).graph.spec.train.warmth
document = Document(SPEC + "train: {{warmth: 5}}\\n", Path("a.yaml"))
place = document.text.index("warmth")
typed = Document(document.text.replace("warmth: 5", ""), Path("a.yaml"))
try:
    read("train: {{warmth: 1}}")
except graphnn.SpecError as error:
    refused = error.diagnostics[0].message
try:
    read("train: {{warmt: 4}}")
except graphnn.SpecError as error:
    misspelt = error.diagnostics[0].help
importlib.import_module("generate_tables").write(Path("tables"))
rows = Path("tables/train.md").read_text().splitlines()
print(json.dumps({{
    "read": [read("train: {{warmth: 5}}"), read("train: {{}}"), read("train: {{}}", warmth=7)],
    "refused": refused,
    "misspelt": misspelt,
    "schema": graphnn.schema()["properties"]["train"]["properties"]["warmth"],
    "completed": [o.detail for o in queries.complete(typed, place)[0] if o.label == "warmth"],
    "hover": queries.hover(document, place)[0],
    "reference": [row for row in rows if "warmth" in row],
}}))
"""


@pytest.mark.slow
def test_a_key_that_is_planted_in_the_table_is_known_everywhere(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "graphnn", ignore=shutil.ignore_patterns("__pycache__"))
    table = tmp_path / "graphnn" / "spec" / "training_records.py"
    text = table.read_text("utf-8")
    assert text.count(NEXT) == 1
    table.write_text(text.replace(NEXT, PLANTED + NEXT), "utf-8")
    asked = ASKED.format(docs=str(ROOT / "docs"))
    found = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout) == {
        "read": [5, 3, 7],
        "refused": "'warmth' must be a whole number of at least 2, not 1",
        "misspelt": "did you mean 'warmth'?",
        "schema": {
            "type": "integer",
            "minimum": 2,
            "exclusiveMaximum": 2**63,
            "description": "How warm it is kept.",
            "default": 3,
        },
        "completed": ["How warm it is kept."],
        "hover": "`warmth`: How warm it is kept.\n\nby default `3`",
        "reference": ["| `warmth` | `3` | How warm it is kept. |"],
    }


MODULES = (model, blocks, drawing, examples, nodes, search, training)
SECTIONS = {
    name: {*key_names(record)}
    for module in MODULES
    for name, record in vars(module).items()
    if isinstance(record, type)
    and hasattr(record, "__dataclass_fields__")
    and len(key_names(record)) > 2
    and not issubclass(record, examples.PropertySpec)  # whose keys are words such as 'input'
} | {"SearchKind": {*search.RANGES}}


def lists_of_keys(source: str) -> list[str]:
    """Sections of which a literal in a module holds most of the keys."""
    words = {*re.findall(r"\w+", source)}
    found: list[str] = []
    if not any(_most(keys, words) for keys in SECTIONS.values()):  # parsing takes long
        return found
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            # What is made of each of several keys is their use.
            plain = all(isinstance(value, ast.Constant) for value in node.values)
            parts = [key for key in node.keys if key is not None and plain]
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            parts = node.elts
        else:
            continue
        texts = {part.value for part in parts if isinstance(part, ast.Constant)}
        found += [name for name, keys in SECTIONS.items() if _most(keys, texts)]
    return found


def _most(keys: set[str], words: set[object]) -> bool:
    return len(keys & words) > len(keys) / 2


@pytest.mark.slow
def test_no_other_module_holds_a_list_of_the_keys_of_a_section():
    tables = {PACKAGE / "spec" / "model.py", *(PACKAGE / "spec").glob("*_records.py")}
    others = {*PACKAGE.rglob("*.py")} - tables
    found = {str(path): lists_of_keys(path.read_text("utf-8")) for path in others}
    assert {name: keys for name, keys in found.items() if keys} == {}


@pytest.mark.parametrize(
    "planted",
    [
        'KEYS = ("metric", "direction", "sampler")',
        'KEYS = {"inputs": 1, "trainable": 2, "about": 3, "allow": 4}',
        'for key in ["uniform", "choice"]: pass',
    ],
)
def test_a_list_that_is_planted_is_found(planted):
    assert lists_of_keys(planted)


def test_every_section_is_looked_for():
    assert SECTIONS.keys() == {
        "NetworkSpec",
        "NodeSpec",
        "BlockCallSpec",
        "BlockSpec",
        "ExampleSpec",
        "TrainSpec",
        "DrawSpec",
        "SearchSpec",
        "SearchKind",
        "WeightsSpec",
    }


def test_a_setting_is_known_whatever_has_been_imported(tmp_path):
    spec = "graphnn: 1\nnodes: {w: {op: parameter, shape: [1]}, l: {op: sum, inputs: w}}\ntrain: {}"
    code = (
        f"import graphnn; net = graphnn.loads({spec!r}, {{'learning_rate': 0.5}});"
        "print(net.graph.spec.document.get('train'))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert found.stdout == (
        "Map({'optimizer': Map({'sgd': Map({'learning_rate': Scalar(0.5)})})})\n"
    )


def test_what_stands_at_a_path():
    def names(*path: str | int) -> str:
        found = forms.at(model.SPEC, path, NO_NAMES)
        return "" if found is None else found.names

    assert names("train", "loss", 0) == "node"
    assert names("train", "metrics", "accuracy", "inputs", 1) == "node"
    assert names("train", "early_stopping", "metric") == names("search", "metric") == "measure"
    assert names("blocks", "b", "nodes", "a", "weight", "share") == "parameter"
    assert names("nodes", "a", "units") == names("nodes", "a", "repeat") == "size"
    assert names("examples", 0, "inputs", "x", "file") == "file"
    assert names("nodes", "a", "inputs", "file") == "node"
    assert names("train", "epochs") == names("nobody", "knows") == ""
