"""What a spec or a command line may name is on the pages about them."""

from __future__ import annotations

import importlib
import re

import pytest

from docs_pages import ROOT
from graphnn.cli.app import app
from graphnn.ops.initializers import INITIALIZERS
from graphnn.spec import BLOCK_KEYS, NODE_KEYS, SEARCH_KEYS, USE_KEYS
from graphnn.spec.build import TOP_KEYS
from graphnn.spec.model import SEARCH_KINDS, TRAIN_KEYS
from graphnn.training import METRICS, OPTIMIZERS, SCHEDULES, SOURCES, Augmentation

LANGUAGE = (ROOT / "docs" / "spec-language.md").read_text()


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    place = tmp_path_factory.mktemp("tables")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        importlib.import_module("generate_tables").write(place)
    return place


@pytest.mark.parametrize(
    "key", [*TOP_KEYS, *TRAIN_KEYS, *NODE_KEYS, *USE_KEYS, *BLOCK_KEYS, *SEARCH_KEYS, *SEARCH_KINDS]
)
def test_key_is_described(key):
    assert f"`{key}`" in LANGUAGE


@pytest.mark.parametrize("kind", SOURCES)
def test_kind_of_data_is_described(kind):
    page = (ROOT / "docs" / "data.md").read_text()
    assert f"\n## {kind}\n" in page


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("initializers", INITIALIZERS),
        ("optimizers", OPTIMIZERS),
        ("schedules", SCHEDULES),
        ("metrics", METRICS),
        ("augment", Augmentation.options()),
    ],
)
def test_table_has_a_row_for_each(tables, table, names):
    rows = (tables / f"{table}.md").read_text().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(names)
    assert [row for row in rows if row.endswith("|  |")] == []
    assert f"```{{include}} tables/{table}.md\n" in LANGUAGE


def test_rows_state_options_and_defaults(tables):
    rows = (tables / "initializers.md").read_text()
    assert "| `uniform` | `low` -0.05, `high` 0.05 | Uniform between `low` and `high`. |" in rows
    assert "| `constant` | `value` | All `value`. |" in rows


def test_every_command_is_shown_at_work():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    commands = [command.name for command in app.registered_commands]
    assert len(commands) >= 10
    for name in commands:
        assert re.search(rf"^ *\$ .*graphnn {name}\b", text, flags=re.MULTILINE), name
