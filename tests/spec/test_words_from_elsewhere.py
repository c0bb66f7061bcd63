"""Keys by names from other libraries: answered with the key here, before spelling is asked."""

from __future__ import annotations

import pytest

import graphnn
from graphnn.spec import forms
from graphnn.spec.block_records import BlockSpec
from graphnn.spec.example_records import ExampleSpec
from graphnn.spec.model import NetworkSpec, WeightsSpec
from graphnn.spec.node_records import BlockCallSpec, NodeSpec
from graphnn.spec.search_records import RANGES, SearchedSpec, SearchSpec
from graphnn.spec.training_records import EarlyStoppingSpec, TrainSpec

RECORDS = [
    *(BlockCallSpec, BlockSpec, EarlyStoppingSpec, ExampleSpec, NetworkSpec, NodeSpec, SearchSpec),
    *(TrainSpec, WeightsSpec),
]
NODES = """graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch], dtype: int}
  y: {op: affine, inputs: x, units: 2}
  p: {op: softmax, inputs: y}
  loss: {op: cross_entropy, inputs: [p, t]}
"""


TRAIN = f"its keys are {', '.join(forms.key_names(TrainSpec))}"
PADDED = "zeros pad it; for others add a node before it: {op: pad, mode: reflect, ...}"


def help_with(text: str, code: str = "unknown-key") -> str:
    (found,) = (each for each in graphnn.diagnose_text(text) if each.code == code)
    return found.help


@pytest.mark.parametrize(
    ("word", "help"),
    [
        *((w, "did you mean 'epochs'?") for w in ("num_epochs", "maxEpochs", "epoch", "max-steps")),
        *((w, "did you mean 'batch_size'?") for w in ("batchsize", "batch", "minibatch", "bs")),
        *((w, "did you mean 'loss'?") for w in ("loss_fn", "criterion", "objective")),
        *((w, "did you mean 'optimizer'?") for w in ("optim", "optimiser", "solver")),
        *((w, "did you mean 'validation'?") for w in ("val_split", "validation_split", "dev")),
        *((w, "did you mean 'seed'?") for w in ("random_state", "random-seed")),
        ("gradient_accumulation_steps", "did you mean 'accumulate'?"),
        ("transforms", "did you mean 'augment'?"),
        *(
            (w, "it goes under 'optimizer': {sgd: {learning_rate: ...}}")
            for w in ("lr", "learning-rate", "learning_rate", "eta")
        ),
        ("lr_scheduler", "it goes under 'optimizer': {sgd: {schedule: ...}}"),
        ("patience", "it goes under 'early_stopping': {patience: ...}"),
        ("shuffle", "rows are shuffled anew in each epoch; 'seed' says how"),
        ("device", "it computes on the CPU: leave it out"),
        ("epchs", "did you mean 'epochs'?"),
        ("keep: last, keeep", TRAIN),
    ],
)
def test_train(word, help):
    assert help_with(f"{NODES}train: {{loss: loss, {word}: 1}}\n") == help


@pytest.mark.parametrize(
    ("op", "word", "help"),
    [
        ("affine", "out_features", "did you mean 'units'?"),
        ("affine", "in_features", "it follows from what the node reads: leave it out"),
        ("affine", "activation", "add a node that reads it: {op: relu, inputs: ...}"),
        ("affine", "kernel_initializer", "did you mean 'weight'?"),
        ("affine", "use_bias", "did you mean 'bias'?"),
        ("conv2d", "kernel_size", "did you mean 'kernel'?"),
        ("conv2d", "out_channels", "did you mean 'filters'?"),
        ("conv2d", "bias_term", "did you mean 'bias'?"),
        ("relu", "description", "did you mean 'about'?"),
        ("relu", "name", "the key of a node is its name: leave it out"),
        ("relu", "frozen", "write 'trainable: false'"),
        ("affine", "unit", "did you mean 'units'?"),
        ("affine", "units: 2, unit", "'graphnn ops affine' lists them"),  # not one that is in use
        ("conv2d", "filters: 1, kernel: 1, padding_mode", PADDED),  # and not taken for 'padding'
    ],
)
def test_nodes(op, word, help):
    assert help_with(f"{NODES}  z: {{op: {op}, inputs: x, {word}: 1}}\n") == help


@pytest.mark.parametrize("word", ["input", "from", "bottom", "src"])
def test_inputs_of_a_node(word):
    found = graphnn.diagnose_text(f"{NODES}  z: {{op: relu, {word}: x}}\n")
    errors = [(each.code, each.help) for each in found if each.severity == "error"]
    assert errors == [("unknown-key", "did you mean 'inputs'?")]


@pytest.mark.parametrize(
    ("word", "meant"), [("type", "op"), ("kind", "op"), ("class_name", "op"), ("template", "block")]
)
def test_the_op_of_a_node(word, meant):
    text = f"{NODES}  z: {{{word}: relu, inputs: x}}\n"
    assert help_with(text, "missing-key") == f"did you mean '{meant}'?"


@pytest.mark.parametrize(
    ("word", "help"),
    [
        ("layers", "did you mean 'nodes'?"),
        ("constants", "did you mean 'sizes'?"),
        ("precision", "did you mean 'dtype'?"),
        ("training", "did you mean 'train'?"),
        ("sweep", "did you mean 'search'?"),
        ("state_dict", "did you mean 'weights'?"),
        ("inputs", "each input is a node: {op: input, shape: [batch, ...]}"),
    ],
)
def test_sections(word, help):
    assert help_with(f"{NODES}{word}: 1\n") == help


def test_sections_of_sections():
    block = "blocks: {b: {args: n, inputs: p, nodes: {q: {op: relu, inputs: p}}, output: q}}\n"
    assert help_with(NODES + block) == "did you mean 'sizes'?"
    block = "blocks: {b: {inputs: p, nodes: {q: {op: relu, inputs: p}}, output: q}}\n"
    of_a_use = "it goes where the block is used: {block: NAME, inputs: ..., KEY: ...}"
    for key in ("repeat: 2", "unstack: p", "stack: q", "share: true", "trainable: false"):
        assert help_with(NODES + block.replace("output:", f"{key}, output:")) == of_a_use
    used = f"{NODES}  z: {{block: b, inputs: x, times: 2}}\n{block}"
    assert help_with(used) == "did you mean 'repeat'?"
    assert help_with(f"{NODES}weights: {{path: w.npz}}\n") == "did you mean 'file'?"
    stop = f"{NODES}train: {{loss: loss, early_stopping: {{patience: 2, monitor: loss}}}}\n"
    assert help_with(stop) == "did you mean 'metric'?"
    example = f"{NODES}examples: [{{inputs: {{x: [[1, 2, 3]]}}, expected: {{p: {{sum: 1}}}}}}]\n"
    assert help_with(example) == "did you mean 'outputs'?"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_word_stands_for_one_key(record):
    keys, absent = forms.elsewhere(record, "keys"), forms.elsewhere(record, "absent")
    assert keys.keys() <= set(forms.key_names(record))
    words = [word for table in (keys, absent) for each in table.values() for word in each.split()]
    own = [forms.bare(name) for name in forms.key_names(record)]
    every = [*words, *own]
    assert len(every) == len(set(every))
    assert all(word == forms.bare(word) for word in words)


def test_a_word_stands_for_one_way_to_search():
    keys = forms.elsewhere(SearchedSpec, "keys")
    assert keys.keys() == set(RANGES)
    words = [word for each in keys.values() for word in each.split()]
    every = [*words, *map(forms.bare, RANGES)]
    assert len(every) == len(set(every))
    assert all(word == forms.bare(word) for word in words)
