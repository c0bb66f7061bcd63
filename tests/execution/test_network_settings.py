"""Settings: named sizes and values of ``train`` replaced before a spec is built."""

from __future__ import annotations

import pytest

import graphnn
from graphnn.diagnostics import SpecError, UsageError
from graphnn.spec import reader
from graphnn.spec.settings import override
from graphnn.spec.values import Scalar, plain
from graphnn.training import VOCABULARY
from tables import cases

TEXT = """
graphnn: 1
name: net
sizes: {hidden: 4, time: free}
nodes:
  x: {op: input, shape: [batch, 3]}
  y: {op: affine, inputs: x, units: hidden}
train:
  data: {csv: {file: a.csv, x: [u, v], epochs: 3}}
  optimizer: {sgd: {learning_rate: 0.1, decay: {rate: 1}}}
  metrics: {rate: y}
  epochs: 5
  batch_size: 10
"""


def put(settings, text=TEXT):
    return plain(override(reader.read(text), settings, VOCABULARY))


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("hidden", 50, ("sizes", "hidden")),
        ("time", 9, ("sizes", "time")),
        ("dtype", "float32", ("dtype",)),
        ("name", "other", ("name",)),
        ("epochs", 7, ("train", "epochs")),
        ("seed", 3, ("train", "seed")),
        ("gradient", "numerical", ("train", "gradient")),
        ("train.epochs", 7, ("train", "epochs")),
        ("learning_rate", 0.5, ("train", "optimizer", "sgd", "learning_rate")),
        ("sgd.learning_rate", 0.5, ("train", "optimizer", "sgd", "learning_rate")),
        ("optimizer.sgd.learning_rate", 0.5, ("train", "optimizer", "sgd", "learning_rate")),
        ("train.optimizer.sgd.learning_rate", 0.5, ("train", "optimizer", "sgd", "learning_rate")),
        ("decay", False, ("train", "optimizer", "sgd", "decay")),
        ("decay.rate", 2, ("train", "optimizer", "sgd", "decay", "rate")),
        ("optimizer", {"adam": {}}, ("train", "optimizer")),
        ("csv.epochs", 4, ("train", "data", "csv", "epochs")),
        ("metrics", {}, ("train", "metrics")),
        ("y.units", 7, ("nodes", "y", "units")),
        ("y.weight", "he", ("nodes", "y", "weight")),
        ("nodes.y.bias", False, ("nodes", "y", "bias")),
        ("y.weight.normal.std", 0.5, ("nodes", "y", "weight", "normal", "std")),
        ("hidden", None, ("sizes", "hidden")),
    ],
)
def test_what_a_setting_replaces(name, value, path):
    before, after = put({}), put({name: value})
    inner = after
    for key in path:
        inner = inner[key]
    assert inner == value
    # Nothing else has changed.
    for key in path[:-1]:
        before, after = before.setdefault(key, {}), after[key]
    before[path[-1]] = value
    assert before == after


SHORT = """
graphnn: 1
nodes: {x: {op: input, shape: [batch]}}
train:
  optimizer: adam
  metrics: {top_k_accuracy: [y, t]}
  data: {npz: a.npz}
"""


@cases("""
    name | train=
    learning_rate | {"optimizer": {"adam": {"learning_rate": 9}}}
    beta1 | {"optimizer": {"adam": {"beta1": 9}}}
    adam.beta1 | {"optimizer": {"adam": {"beta1": 9}}}
    optimizer.sgd.weight_decay | {"optimizer": {"sgd": {"weight_decay": 9}}}
    warm_up | {"optimizer": {"adam": {"schedule": {"constant": {"warm_up": 9}}}}}
    schedule | {"optimizer": {"adam": {"schedule": 9}}}
    schedule.step.every | {"optimizer": {"adam": {"schedule": {"step": {"every": 9}}}}}
    augment.rotate | {"augment": {"rotate": 9}}
    rotate | {"augment": {"rotate": 9}}
    patience | {"early_stopping": {"patience": 9}}
    train.early_stopping.metric | {"early_stopping": {"metric": 9}}
    metrics.top_k_accuracy.k | {"metrics": {"top_k_accuracy": {"inputs": ["y", "t"], "k": 9}}}
    data.csv.file | {"data": {"csv": {"file": 9}}}
    validation | {"validation": 9}
""")
def test_what_the_file_does_not_write(name, train):
    before, after = put({}, SHORT), put({name: 9}, SHORT)
    assert after == before | {"train": before["train"] | train}


def test_options_of_what_is_written_come_first():
    text = SHORT.replace("adam", "{momentum: {schedule: cosine}}", 1)
    found = put({"momentum": 0.8, "floor": 0.5, "warm_up": 2, "shift": 1, "zoom": 0.1}, text)
    options = {"momentum": 0.8, "schedule": {"cosine": {"floor": 0.5, "warm_up": 2}}}
    assert found["train"]["optimizer"] == {"momentum": options}
    assert found["train"]["augment"] == {"shift": 1, "zoom": 0.1}


def test_another_choice_takes_the_place_of_the_one_written():
    settings = {"optimizer.adam.learning_rate": 0.01, "optimizer.adam.beta1": 0.8}
    found = put(settings)
    assert found["train"]["optimizer"] == {"adam": {"learning_rate": 0.01, "beta1": 0.8}}
    assert put({"beta2": 0.9, "learning_rate": 3} | {}, SHORT)["train"]["optimizer"] == {
        "adam": {"beta2": 0.9, "learning_rate": 3}
    }


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("optimizer.sgd.beta1", ["bad-optimizer"]),
        ("sgd.beta1", ["bad-optimizer"]),
        ("optimizer.sdg.learning_rate", ["unknown-optimizer"]),
        ("augment.turn", ["bad-augment"]),
        ("early_stopping.patiense", ["unknown-key"]),
        ("epochs.often", ["wrong-type"]),
    ],
)
def test_what_the_language_does_not_allow_is_reported_by_who_reads_it(name, codes, tmp_path):
    text = TEXT.replace(", decay: {rate: 1}", "").replace("metrics: {rate: y}", "loss: y")
    text = text.replace(
        "{csv: {file: a.csv, x: [u, v], epochs: 3}}", "{csv: a.csv}\n  validation: 5"
    )
    (tmp_path / "net.yaml").write_text(text)
    path, value = tmp_path / "net.yaml", located_text(name)
    found = graphnn.diagnose(path, {name: value})
    assert [each.code for each in found if each.severity == "error"] == codes
    assert next(each for each in found if each.severity == "error").span.source.name == "--set"


def located_text(name):
    """The value 5, as the command line reads it."""
    return reader.read(f"{name}: 5", name="--set").get(name)


BLOCKS = """
graphnn: 1
blocks:
  dense:
    inputs: [x]
    sizes: [units]
    nodes:
      a: {op: affine, inputs: x, units: units}
      drop: {op: dropout, inputs: a, rate: 0.4}
    output: drop
nodes:
  x: {op: input, shape: [batch, 3]}
  h: {block: dense, inputs: x, units: 4, repeat: 2}
  optimizer: {op: dropout, inputs: h, rate: 0.5}
train: {optimizer: sgd, epochs: 3}
"""


@pytest.mark.parametrize("name", ["dense.drop.rate", "blocks.dense.drop.rate"])
def test_a_node_of_a_block(name):
    before, after = put({}, BLOCKS), put({name: 0.1}, BLOCKS)
    before["blocks"]["dense"]["nodes"]["drop"]["rate"] = 0.1
    assert before == after
    net = graphnn.loads(BLOCKS.replace("train: {optimizer: sgd, epochs: 3}\n", ""), {name: 0.1})
    assert [net.graph.nodes[f"h.{n}.drop"].op.rate for n in (1, 2)] == [0.1, 0.1]


def test_a_use_of_a_block_and_a_node_called_like_a_key_of_train():
    after = put({"h.units": 5, "h.repeat": 3, "optimizer.rate": 0.1}, BLOCKS)
    assert after["nodes"]["h"] == {"block": "dense", "inputs": "x", "units": 5, "repeat": 3}
    assert after["nodes"]["optimizer"] == {"op": "dropout", "inputs": "h", "rate": 0.1}
    assert after["train"] == {"optimizer": "sgd", "epochs": 3}


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("h.drop.rate", "'h' is a use of the block 'dense': set dense.drop.rate, for all uses"),
        ("h.2.drop.rate", "'h' is a use of the block 'dense': set dense.drop.rate, for all uses"),
        ("hh.units", "did you mean 'h.units'?"),
        ("dence.drop.rate", "did you mean 'dense.drop.rate'?"),
        ("dense.dorp.rate", "did you mean 'dense.drop.rate'?"),
        ("dense.rate", "the nodes of the block 'dense' are a, drop"),
        ("rate", "say of which node: optimizer.rate"),
    ],
)
def test_a_node_that_is_not_reached(name, help):
    assert refused({name: 1}, BLOCKS) == (
        f"error[unknown-setting]: the setting '{name}' {NOTHING}\n   = help: {help}"
    )


# The same network, with its block in a file.
APART = BLOCKS[: BLOCKS.index("  dense:")].replace("blocks:", "blocks: {file: dense.yaml}")
APART += BLOCKS[BLOCKS.index("nodes:\n  x") :]
LIBRARY = BLOCKS[: BLOCKS.index("nodes:\n  x")]
UNTRAINED = APART[: APART.index("train:")]


@pytest.mark.parametrize("name", ["dense.drop.rate", "blocks.dense.drop.rate"])
def test_a_node_of_a_block_from_a_file(name, tmp_path):
    (tmp_path / "dense.yaml").write_text(LIBRARY)
    (tmp_path / "net.yaml").write_text(UNTRAINED)
    net = graphnn.load(tmp_path / "net.yaml", {name: 0.1, "h.repeat": 3})
    assert [net.graph.nodes[f"h.{n}.drop"].op.rate for n in (1, 2, 3)] == [0.1] * 3
    assert graphnn.diagnose(tmp_path / "net.yaml", {name: 0.1}) == ()
    (found,) = graphnn.diagnose(tmp_path / "net.yaml", {name: 2})
    assert str(found) == (
        "error[bad-attribute]: the 'rate' of 'drop' must be less than 1, not 2\n"
        "   = help: 'rate': probability that an entry is dropped in training\n"
    )


def test_a_node_of_a_block_without_nodes():
    text = "graphnn: 1\nblocks: {dense: {nodes: {}}}\nnodes: {x: {op: input, shape: [batch]}}\n"
    assert refused({"dense.drop.rate": 1}, text) == (
        f"error[unknown-setting]: the setting 'dense.drop.rate' {NOTHING}"
    )


def test_a_use_of_a_block_from_a_file_is_reported_as_one_of_the_spec_itself(tmp_path):
    (tmp_path / "dense.yaml").write_text(LIBRARY)
    (tmp_path / "net.yaml").write_text(UNTRAINED)
    with pytest.raises(UsageError) as caught:
        graphnn.load(tmp_path / "net.yaml", {"h.drop.rate": 1})
    assert str(caught.value) == (
        f"error[unknown-setting]: the setting 'h.drop.rate' {NOTHING}\n"
        "   = help: 'h' is a use of the block 'dense': set dense.drop.rate, for all uses"
    )


def test_a_block_of_a_file_that_is_not_there_is_not_a_misspelt_setting(tmp_path):
    (tmp_path / "net.yaml").write_text(UNTRAINED)
    settings = {"dense.drop.rate": 0.1}
    with pytest.raises(SpecError) as caught:
        graphnn.load(tmp_path / "net.yaml", settings)
    assert caught.value.diagnostics == graphnn.diagnose(tmp_path / "net.yaml", settings)
    (found,) = caught.value.diagnostics
    missing = tmp_path / "dense.yaml"
    assert (found.code, found.message) == ("no-such-file", f"there is no file '{missing}'")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("metrics", ("train", "metrics")),
        ("batch_size", ("train", "batch_size")),
        ("learning_rate", ("train", "optimizer", "sgd", "learning_rate")),
        ("y.units", ("nodes", "y", "units")),
        ("name", ("name",)),
    ],
)
def test_null_takes_out_what_is_written(name, path):
    before, after = put({}), put({name: None})
    inner = before
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    assert before == after


@pytest.mark.parametrize("name", ["validation", "augment", "y.weight", "weight_decay", "zoom"])
def test_null_takes_out_nothing_where_nothing_is_written(name):
    assert put({name: None}) == put({})


@pytest.mark.parametrize(
    ("names", "help"),
    [
        (["optimizer.adam.learning_rate", "optimizer.sgd.learning_rate"], ""),
        (["optimizer.adam.beta1", "optimizer.sgd"], ""),
        (["epochs", "train.epochs"], ""),
        (["data.npz", "data.csv.file"], ""),
        (["learning_rate", "optimizer"], ", or put 'optimizer' first"),
        (["y.weight.he", "y.weight"], ", or put 'y.weight' first"),
    ],
)
def test_settings_that_exclude_each_other(names, help):
    assert refused(dict.fromkeys(names, 1)) == (
        f"error[conflicting-settings]: the settings '{names[0]}' and '{names[1]}' "
        f"exclude each other\n   = help: leave one of the two out{help}"
    )


def test_an_option_of_another_choice_than_the_one_set():
    settings = {"optimizer": {"adam": {"beta1": 0.8}}, "optimizer.sgd.learning_rate": 1}
    assert refused(settings).startswith("error[conflicting-settings]: ")
    settings = {"optimizer": {"adam": {"beta1": 0.8}}, "learning_rate": 1}
    assert put(settings)["train"]["optimizer"] == {"adam": {"beta1": 0.8, "learning_rate": 1}}
    settings = {"optimizer": "adam", "optimizer.adam.beta1": 0.5, "beta2": 0.5}
    assert put(settings)["train"]["optimizer"] == {"adam": {"beta1": 0.5, "beta2": 0.5}}


def test_several_settings_and_the_order_of_keys():
    found = put({"hidden": 9, "epochs": 1, "seed": 2})
    assert list(found) == ["graphnn", "name", "sizes", "nodes", "train"]
    assert list(found["sizes"].items()) == [("hidden", 9), ("time", "free")]
    assert list(found["train"]) == ["data", "optimizer", "metrics", "epochs", "batch_size", "seed"]
    found = put({"hidden": 9, "optimizer": "adam"})
    assert (found["sizes"]["hidden"], found["train"]["optimizer"]) == (9, "adam")


def test_the_document_itself_stays():
    document = reader.read(TEXT)
    changed = override(document, {"hidden": 9})
    assert plain(document) == put({})
    assert changed.get("sizes").span == document.get("sizes").span


def test_located_values_keep_their_places():
    value = Scalar(9)
    assert override(reader.read(TEXT), {"hidden": value}).get("sizes").get("hidden") is value


def refused(settings, text=TEXT):
    with pytest.raises(UsageError) as caught:
        put(settings, text)
    return str(caught.value)


NOTHING = "is neither a size of the spec nor a value of its 'train' or of a node"


@cases(
    r"""
    name= | text
    "hiden"
        | error[unknown-setting]: the setting 'hiden' $NOTHING\n   = help: did you mean 'hidden'?
    "epoch"
        | error[unknown-setting]: the setting 'epoch' $NOTHING\n   = help: did you mean 'epochs'?
    "lerning_rate"
        | error[unknown-setting]: the setting 'lerning_rate' $NOTHING
        \n   = help: did you mean 'learning_rate'?
    "padding" | error[unknown-setting]: the setting 'padding' $NOTHING
    "beta1"
        | error[unknown-setting]: the setting 'beta1' $NOTHING
        \n   = help: it goes with another choice: optimizer.adam.beta1, optimizer.adamw.beta1
    "every"
        | error[unknown-setting]: the setting 'every' $NOTHING
        \n   = help: it goes with another choice: optimizer.sgd.schedule.step.every
    "" | error[unknown-setting]: the setting '' $NOTHING
    "y" | error[unknown-setting]: the setting 'y' $NOTHING
    "yyy.units"
        | error[unknown-setting]: the setting 'yyy.units' $NOTHING
        \n   = help: did you mean 'y.units'?
    "early_stoping.patience"
        | error[unknown-setting]: the setting 'early_stoping.patience' $NOTHING
        \n   = help: did you mean 'early_stopping.patience'?
    "lr"
        | error[unknown-setting]: the setting 'lr' $NOTHING
        \n   = help: did you mean 'learning_rate'?
    "bs" | error[unknown-setting]: the setting 'bs' $NOTHING\n   = help: did you mean 'batch_size'?
    "rate"
        | error[unknown-setting]: the setting 'rate' could mean several things
        \n   = help: say which: train.metrics.rate, train.optimizer.sgd.decay.rate
    """,
    NOTHING=NOTHING,
)
def test_settings_that_lead_nowhere(name, text):
    assert refused({name: 1}) == text


def test_without_train_there_is_nothing_to_set_in_it():
    text = "{graphnn: 1, nodes: {x: {op: input, shape: [batch]}}}"
    assert refused({"epochs": 1}, text) == (
        f"error[unknown-setting]: the setting 'epochs' {NOTHING}"
    )
    assert refused({"hidden": 1}, "{graphnn: 1, sizes: 3, train: 5}") == (
        f"error[unknown-setting]: the setting 'hidden' {NOTHING}"
    )


# --- in a network


def test_a_network_of_another_size():
    net = graphnn.loads(TEXT, {"hidden": 6, "epochs": 2, "dtype": "float32", "name": "wide"})
    assert net.parameters["y.weight"].shape == (3, 6)
    assert net.graph.spec.train.epochs == 2
    assert repr(net) == "<wide: 2 nodes, 24 parameters>"
    assert net.dtype == "float32"


def test_a_size_set_free():
    net = graphnn.loads(
        "graphnn: 1\nsizes: {n: 3}\nnodes:\n"
        "  x: {op: input, shape: [n]}\n  y: {op: relu, inputs: x}\n",
        {"n": "free"},
    )
    assert net.run(x=[1.0, -1])["y"].tolist() == [1, 0]


def test_a_setting_that_is_no_size():
    with pytest.raises(SpecError) as caught:
        graphnn.loads(TEXT, {"hidden": "ten"})
    assert str(caught.value) == (
        "error[wrong-type]: "
        "the size 'hidden' must be a whole number from 1 to 2**40, or free, not 'ten'"
    )


@pytest.mark.parametrize("written", ["sgdd", "{sgdd: {learning_rate: 0.1}}"])
def test_an_option_of_a_choice_that_is_not_there(written):
    text = (
        "graphnn: 1\nnodes:\n  w: {op: parameter, shape: [2]}\n  s: {op: sum, inputs: w}\n"
        f"train: {{loss: s, optimizer: {written}}}\n"
    )
    (found,) = graphnn.diagnose_text(text, {"learning_rate": 1})
    assert found.message == "there is no optimizer 'sgdd'"
    assert (found.span.line, found.span.column) == (5, 29 if written[0] == "s" else 30)
