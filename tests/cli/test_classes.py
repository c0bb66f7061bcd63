"""Names of classes stay with the weights, whatever becomes of the data they were learned from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import graphnn
from graphnn.diagnostics import FileError, TrainingError
from graphnn.execution.weight_files import CHECKPOINT

pytestmark = pytest.mark.usefixtures("no_plots")

# A cat is bright on the left, a dog on the right.
PETS = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 4]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: 2, weight: zeros}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {folder: pets}
  metrics: {accuracy: [y, t]}
  optimizer: {sgd: {learning_rate: 1}}
  epochs: 5
"""
CAT, DOG = [[255, 0], [255, 0]], [[0, 255], [0, 255]]
WEIGHTS = ("--weights", "run/weights.safetensors")


def save(name: str, grey: list) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(grey, np.uint8)).save(name)


@pytest.fixture
def net(here) -> str:
    Path("net.yaml").write_text(PETS)
    save("pets/cat/0.png", CAT)
    save("pets/dog/0.png", DOG)
    graphnn.train("net.yaml", folder="run")
    return "net.yaml"


def reported(call, *weights: str) -> list[list[str]]:
    result = call("predict", "net.yaml", *(weights or WEIGHTS), "cat.png", "dog.png")
    assert (result.code, result.err) == (0, "")
    return [line.split()[:2] for line in result.out.splitlines()[1:]]


@pytest.mark.parametrize("change", ["nothing", "another class first", "none of the data"])
def test_a_class_keeps_its_name(call, net, change):
    save("cat.png", CAT)
    save("dog.png", DOG)
    if change == "another class first":
        save("pets/ant/0.png", DOG)
    elif change == "none of the data":
        shutil.rmtree("pets")
    assert reported(call) == [["cat.png", "cat"], ["dog.png", "dog"]]


@pytest.mark.parametrize("weights", ["run", "run/checkpoint.safetensors"])
def test_a_folder_and_a_checkpoint_are_weights_too(call, net, weights):
    save("cat.png", CAT)
    save("dog.png", DOG)
    shutil.rmtree("pets")
    assert reported(call, "--weights", weights) == [["cat.png", "cat"], ["dog.png", "dog"]]


def test_of_a_checkpoint_the_best_epoch_counts_where_it_is_kept(here):
    rng = np.random.default_rng(0)
    np.savez("rows.npz", x=rng.normal(size=(12, 4)), t=rng.integers(0, 2, 12))
    text = PETS.replace("{folder: pets}", "{npz: rows.npz}").replace("epochs: 5", "epochs: 9")
    Path("net.yaml").write_text(text + "  validation: 6\n  keep: best\n")
    run = graphnn.train("net.yaml", folder="run")
    assert run.best_epoch < 9
    found = graphnn.load("net.yaml")
    found.load_weights(f"run/{CHECKPOINT}")
    np.testing.assert_array_equal(found.parameters["a.weight"], run.network.parameters["a.weight"])


def test_a_folder_without_weights(call, net):
    Path("empty").mkdir()
    assert (
        call("predict", net, "--weights", "empty", "pets/cat/0.png").error
        == "error[no-such-file]: there is no file 'empty/weights.safetensors'\n"
    )


def test_other_images_are_evaluated_when_the_training_data_are_gone(call, net):
    # Of the classes, only the second one is there.
    save("later/dog/0.png", DOG)
    shutil.rmtree("pets")
    data = ("--data", "{folder: later}")
    result = call("evaluate", net, *WEIGHTS, *data, "--format", "json")
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.out)
    assert (found["classes"], found["confusion"]) == (["cat", "dog"], [[0, 0], [0, 1]])


def test_images_of_a_class_that_was_not_learned(call, net):
    save("pets/ant/0.png", DOG)
    assert call("evaluate", net, *WEIGHTS).error == (
        "error[unknown-class]: 'ant' is not a class of input 't' in the training set\n"
        "  --> net.yaml:9:18\n"
        "   |\n"
        " 9 |   data: {folder: pets}\n"
        "   |                  ^^^^\n"
        "   = help: did you mean 'cat'?\n"
    )


def test_a_run_does_not_go_on_with_other_classes(net):
    shutil.move("pets/cat", "pets/zebra")
    with pytest.raises(TrainingError) as caught:
        graphnn.train(net, folder="run", resume=True)
    assert str(caught.value) == (
        "error[different-classes]: 'run/checkpoint.safetensors' has the classes cat, dog "
        "for 't', but the data now have dog, zebra\n"
        "   = help: put the data back as they were, or train again in another folder"
    )


def test_weights_that_name_no_classes_are_not_taken_for_others(call, net):
    graphnn.train(net).network.save("w.npz")
    save("pets/ant/0.png", DOG)
    assert call("predict", net, "--weights", "w.npz", "pets/cat/0.png").error == (
        "error[class-outside]: 't' takes 2 classes, but 'pets' holds 3: ant, cat, dog\n"
        "  --> net.yaml:9:18\n"
        "   |\n"
        " 9 |   data: {folder: pets}\n"
        "   |                  ^^^^\n"
        "   = help: 3 classes need 3 outputs, not 2\n"
    )


def test_fewer_classes_than_the_weights_were_trained_for(call, net):
    # What is left would be named by the first numbers, a dog as a cat.
    graphnn.train(net).network.save("w.npz")
    shutil.rmtree("pets/cat")
    assert call("predict", net, "--weights", "w.npz", "pets/dog/0.png").error == (
        "error[different-classes]: 'y' has 2 classes, but the training data now have 1\n"
        "   = help: the weights.safetensors of a run hold the names of its classes\n"
    )


def test_data_for_an_input_that_the_loss_does_not_need(call, net):
    graphnn.train(net).network.save("w.npz")
    unread = "  u: {op: input, shape: [batch]}\n  v: {op: negative, inputs: u}\ntrain:\n"
    text = PETS.replace("train:\n", unread).replace("{folder: pets}", "{csv: {file: a.csv, u: b}}")
    Path("net.yaml").write_text(text)
    assert call("predict", net, "--weights", "w.npz", "pets/cat/0.png").error == (
        "error[no-such-file]: there is no file 'a.csv'\n"
        "   --> net.yaml:11:22\n"
        "    |\n"
        " 11 |   data: {csv: {file: a.csv, u: b}}\n"
        "    |                      ^^^^^\n\n"
        "error[unknown-input]: the loss 'loss' does not depend on 'u'\n"
        "   --> net.yaml:11:29\n"
        "    |\n"
        " 11 |   data: {csv: {file: a.csv, u: b}}\n"
        "    |                             ^\n"
        "    = help: leave 'u' out, or choose another loss\n"
    )


def test_a_network_remembers_and_saves_the_names(net):
    trained = graphnn.train(net).network
    assert trained.classes == {"t": ("cat", "dog")}
    assert trained.astype("float32").classes == trained.classes
    trained.save("w.safetensors")
    found = graphnn.load(net)
    assert found.classes is None
    found.load_weights("w.safetensors")
    assert found.classes == trained.classes
    Path("again.yaml").write_text(PETS + "weights: {file: w.safetensors}\n")
    assert graphnn.load("again.yaml").classes == trained.classes


def test_classes_without_names_stay_without(call, here):
    np.savez("rows.npz", x=np.eye(4), t=[0, 1, 0, 1])
    Path("net.yaml").write_text(PETS.replace("{folder: pets}", "{npz: rows.npz}"))
    graphnn.train("net.yaml", folder="run")
    Path("net.yaml").write_text(PETS)
    save("pets/cat/0.png", CAT)
    save("pets/dog/0.png", DOG)
    result = call("predict", "net.yaml", *WEIGHTS, "pets/dog/0.png")
    assert result.out.splitlines()[1].split()[:2] == ["pets/dog/0.png", "1"]


def test_arrays_from_python_say_nothing_of_names(net):
    fresh = graphnn.load(net)
    rows = {"x": np.eye(4), "t": [0, 1, 0, 1]}
    assert graphnn.train(fresh, data=rows).network.classes is None
    fresh.load_weights("run")
    assert graphnn.train(fresh, data=rows).network.classes == {"t": ("cat", "dog")}
    assert graphnn.evaluate(fresh, data=rows).names == ("cat", "dog")


def test_a_run_on_the_test_rows_numbers_classes_as_training_did(call, net):
    save("pets/ant/0.png", DOG)
    assert call("run", net, *WEIGHTS).error.startswith(
        "error[unknown-class]: 'ant' is not a class of input 't'"
    )
    shutil.rmtree("pets/ant")
    shutil.rmtree("pets/cat")
    result = call("run", net, *WEIGHTS)
    assert (result.code, result.err) == (0, "")
    # What is left is a dog, still the second class.
    assert "accuracy  1.0000\n" in result.out


def test_names_are_those_of_the_target(call, here):
    # The colour is a one-hot row, and the shape that it predicts has names of its own.
    Path("rows.csv").write_text("x,t\nred,round\nblue,flat\n")
    text = PETS.replace("[batch, 4]", "[batch, 2]").replace("{folder: pets}", "{csv: rows.csv}")
    Path("net.yaml").write_text(text)
    run = graphnn.train("net.yaml", folder="run")
    assert run.network.classes == {"x": ("blue", "red"), "t": ("flat", "round")}
    np.savez("red.npz", x=[[0.0, 1.0]])
    result = call("predict", "net.yaml", *WEIGHTS, "red.npz")
    assert result.out.splitlines()[1].split()[:2] == ["red.npz", "round"]
    assert graphnn.evaluate("net.yaml", weights="run").names == ("flat", "round")


@pytest.mark.parametrize("names", ['{"t": "cat"}', '["t"]', '{"t": [1]}'])
def test_names_that_are_not_sound(net, names):
    arrays = graphnn.storage.archives.read_arrays(Path("run/weights.safetensors"))
    metadata = {"graphnn": f'{{"classes": {names}}}'}
    graphnn.storage.archives.write_arrays(Path("w.safetensors"), arrays, metadata)
    with pytest.raises(FileError) as caught:
        graphnn.load(net).load_weights("w.safetensors")
    assert str(caught.value) == (
        "error[broken-file]: 'w.safetensors' holds no sound names of classes"
    )


def test_what_other_programs_write_beside_weights_is_left(net):
    arrays = graphnn.storage.archives.read_arrays(Path("run/weights.safetensors"))
    for metadata in ({"graphnn": "[" * 10_000}, {"graphnn": "1"}, {"format": "pt"}):
        graphnn.storage.archives.write_arrays(Path("w.safetensors"), arrays, metadata)
        found = graphnn.load(net)
        found.load_weights("w.safetensors")
        assert found.classes is None
