"""What a spec or a command line may name is on the pages about them."""

from __future__ import annotations

import importlib
import re
import tomllib

import pytest
import typer

from graphnn.cli.app import application
from graphnn.interchange.onnx.table import FOLDED, alike, rules
from graphnn.ops.initializers import INITIALIZERS
from graphnn.spec.forms import key_names
from graphnn.spec.training_records import TrainSpec
from graphnn.training import METRICS, OPTIMIZERS, SCHEDULES, SOURCES, Augmentation
from places import ROOT

LANGUAGE = (ROOT / "docs" / "spec-language.md").read_text()


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    place = tmp_path_factory.mktemp("tables")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        importlib.import_module("generate_tables").write(place)
    return place


def test_every_section_of_the_language_is_on_the_page(tables):
    sections = importlib.import_module("generate_tables").SECTIONS
    for name, keys in sections.items():
        assert f"```{{include}} tables/{name}.md\n" in LANGUAGE, name
        rows = (tables / f"{name}.md").read_text().splitlines()[2:]
        assert [row.split("`")[1] for row in rows] == [key.name for key in keys]


def test_rows_of_a_section_state_keys_and_what_goes_without_saying(tables):
    rows = (tables / "train.md").read_text().splitlines()
    assert rows[0] == "| key | left out | |"
    assert [row.split("`")[1] for row in rows[2:]] == list(key_names(TrainSpec))
    assert "| `batch_size` | `100` | Rows a step. |" in rows
    assert "| `rows` | all | How many of the remaining rows to train on, from the first. |" in rows
    assert "| `trainable` | `true` |" in (tables / "node.md").read_text()
    assert "by the names that `--set` takes. |" in (tables / "spec.md").read_text()
    assert (
        "| `patience` | an error | Epochs without a better value before it stops. |"
        in (tables / "early-stopping.md").read_text()
    )


def test_every_onnx_operator_that_is_read_is_in_the_table(tables):
    rows = (tables / "onnx.md").read_text().splitlines()[2:]
    names = [row.split("`")[1] for row in rows]
    assert names == sorted({*rules(), *alike(), *FOLDED})
    assert all(row.endswith(". |") for row in rows)
    page = (ROOT / "docs" / "files" / "onnx.md").read_text()
    assert "```{include} ../tables/onnx.md\n" in page


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


def test_every_command_has_a_section_with_its_options(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    importlib.import_module("generate_commands").write(tmp_path)
    page = (tmp_path / "commands.md").read_text()
    found = typer.main.get_command(application()).commands
    for name, command in found.items():
        section = page.partition(f"\n## graphnn {name}\n")[2].partition("\n## ")[0]
        options = {option for each in command.params for option in each.opts if option[0] == "-"}
        shown = set(re.findall(r"^`(--[a-z-]+)|, `(-[a-z])`", section, flags=re.MULTILINE))
        assert {a or b for a, b in shown} == options - {"--import", "-h", "--help"}, name
    assert "```text\ngraphnn check [OPTIONS] FILE...\n```\n" in page
    assert (
        "`--output FOLDER`, `-o`\n: Folder for weights, history and pictures. By default runs/ and "
        "the spec's name, with a number if that is in use.\n"
    ) in page
    assert ": The column of `--data` to predict, not the last one.\n" in page
    assert "```{include} tables/commands.md\n" in (ROOT / "docs" / "commands.md").read_text()


def test_extras_that_are_named_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    places = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    places += [*(ROOT / "graphnn").rglob("*.py"), *(ROOT / "graphnn").rglob("*.md")]
    named = {
        extra
        for place in places
        for extras in re.findall(r"'(?:graphnn|\.)\[([a-z,]+)\]'", place.read_text())
        for extra in extras.split(",")
    }
    assert named >= {"plot", "search", "sklearn", "onnx", "lsp", "preview", "test"}
    assert named - set(project["optional-dependencies"]) == set()


def test_every_command_is_shown_at_work():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    commands = [command.name for command in application().registered_commands]
    assert len(commands) >= 10
    for name in commands:
        assert re.search(rf"^ *\$ .*graphnn {name}\b", text, flags=re.MULTILINE), name
