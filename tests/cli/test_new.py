"""``graphnn new``."""

from __future__ import annotations

from pathlib import Path

import pytest

import graphnn

TEMPLATES = ("mnist", "gate", "descent", "blocks")


def test_a_starter_file(call):
    assert call("new", "digits").output == "wrote 'digits.yaml'\nnext: graphnn show digits.yaml\n"
    assert graphnn.load("digits.yaml").graph.spec.name == "digits"


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_is_clean_tests_and_draws(call, template):
    assert call("new", "net.yml", "--template", template).code == 0
    assert call("check", "net.yml").out == "net.yml: fine\n"
    result = call("test", "net.yml")
    assert (result.code, result.out.rpartition(": ")[2]) == (0, "all ok\n")
    assert call("draw", "net.yml", "-o", "net.dot").code == 0


@pytest.mark.parametrize("template", ["mnist", "descent", "blocks"])
def test_templates_train(call, template, no_plots):
    call("new", "net", "--template", template)
    result = call("train", "net.yaml", "--set", "epochs=1")
    assert (result.code, result.out.startswith("epoch 1 of 1\n")) == (0, True)


def test_nothing_is_written_over(call):
    Path("net.yaml").write_text("mine")
    assert call("new", "net").error == (
        "error[file-exists]: 'net.yaml' is there already\n"
        "   = help: give another name, or remove the file\n"
    )
    assert Path("net.yaml").read_text() == "mine"


@pytest.mark.parametrize("name", ["a: b #c", 'it\'s "quoted"', "naïve", "no", "1e3", "ta\tb"])
def test_a_name_that_yaml_would_take_for_something_else(call, name):
    assert call("new", name).code == 0
    found = graphnn.load(f"{name}.yaml").graph.spec.name
    assert found == name.replace("\t", " ")


def test_a_folder_that_is_not_there(call):
    assert (
        call("new", "nosuch/net").error
        == "error[no-such-folder]: there is no folder 'nosuch' to write into\n"
    )


def test_a_template_that_is_not_there(call):
    assert call("new", "net", "--template", "gpt").code == 2
    assert not Path("net.yaml").exists()


def test_from_data(call):
    Path("iris.csv").write_text("petal,kind\n" + "1.4,setosa\n4.7,versicolor\n" * 6)
    assert (
        call("new", "iris", "--data", "iris.csv").output
        == "wrote 'iris.yaml'\nnext: graphnn train iris.yaml\n"
    )
    assert (
        call("new", "my iris", "--data", "iris.csv").output
        == "wrote 'my iris.yaml'\nnext: graphnn train 'my iris.yaml'\n"
    )
    assert Path("iris.yaml").read_text() == graphnn.draft("iris.csv", name="iris")
    assert call("check", "iris.yaml").out == "iris.yaml: fine\n"


def test_a_target_without_data(call):
    assert (
        call("new", "iris", "--target", "kind").usage_error
        == "error[bad-option]: --target names a column of --data\n"
    )
    assert not Path("iris.yaml").exists()
