"""The JSON Schema: it takes every good spec, and refuses the bad ones that it can detect."""

from __future__ import annotations

import copy
import re
from typing import ClassVar, Literal

import jsonschema
import pytest
from pydantic import Field

import graphnn
from graphnn.diagnostics import GraphnnError
from graphnn.ops import REGISTRY, Op, data, registered
from graphnn.ops.initializers import INITIALIZERS
from graphnn.spec import reader
from graphnn.spec.forms import key_names
from graphnn.spec.node_records import NodeSpec
from graphnn.spec.values import plain
from graphnn.training import OPTIMIZERS
from places import BAD_SPECS, ROOT, SPECS

GOOD = sorted(path for path in SPECS.rglob("*.*") if path.suffix in (".yaml", ".json"))
TEMPLATES = sorted((ROOT / "graphnn" / "cli" / "templates").glob("*.yaml"))
# Codes of faults that a schema can detect: every file with one of them is refused.
REFUSED = {
    "bad-allow",
    "bad-array",
    "bad-attribute",
    "bad-initializer",
    "bad-name",
    "bad-parameter",
    "bad-repeat",
    "bad-size",
    "bad-split",
    "bad-range",  # but for one bound against the other
    "batch-is-free",
    "duplicate-choice",
    "duplicate-output",
    "missing-attribute",
    "missing-key",
    "no-nodes",
    "no-outputs",
    "not-numbers",
    "nothing-to-search",
    "op-and-block",
    "unknown-data",
    "unknown-initializer",
    "unknown-key",
    "unknown-metric",
    "unknown-op",
    "unknown-operand",
    "unknown-optimizer",
    "unknown-version",
    "wrong-count",
    "wrong-inputs",
    "wrong-type",
}
# Files whose fault, unlike others of its code, hangs together with something else.
UNLIKE = {
    "not-numbers-file.yaml": "what the file holds",
    "unknown-op-blocks.yaml": "what the file of blocks holds",
    "unknown-operand-stack.yaml": "the block that is used",
    "wrong-inputs-block.yaml": "the block that is used",
}
# Codes of faults that hang together across the file, or with other files.
NOT_REFUSED = {
    code: why
    for why, codes in {
        "the file system": (
            "bad-file-name file-outside no-classes no-such-folder no-such-file not-a-file "
            "not-a-folder unreadable-file unreadable-folder"
        ),
        "names of uses": "bad-share",
        "what the file holds": (
            "broken-file class-outside data-too-large missing-column missing-parameter not-npz "
            "not-an-image pickled-array unknown-array unknown-class wrong-size"
        ),
        "the graph": "cycle cyclic-share",
        "blocks against each other": "cyclic-block too-deep",
        "files of blocks": "cyclic-file",
        "what the file of blocks holds": "duplicate-block",
        "names of nodes and of copies": "duplicate-name",
        "what a name of a size stands for": "free-parameter",
        "the block that is used": "missing-size",
        "inputs and data": "no-batch-axis no-images unknown-input",
        "what a name of a node stands for": "not-an-input",
        "sums over nodes": "over-limit",
        "one row against another": "ragged-array",
        "shapes": "shape-mismatch unknown-shape wrong-shape",
        "copies of blocks": "too-many-nodes",
        "products of sizes": "too-large",
        "inputs and names of sizes": "unbound-size",
        "names of blocks": "unknown-block",
        "suffixes of files": "unknown-format",
        "names of nodes": "unknown-node unknown-parameter",
        "names of sizes and of settings": "unknown-setting",
        "names of sizes": "unknown-size",
        "shapes against each other": "size-conflict",
        "kinds of nodes": "wrong-kind",
    }.items()
    for code in codes.split()
}


@pytest.fixture(scope="module")
def made():
    return graphnn.schema()


def test_defaults_are_those_of_a_network(made):
    train = made["properties"]["train"]["properties"]
    spec = graphnn.loads(
        "{graphnn: 1, nodes: {x: {op: input, shape: [batch, 2]}, y: {op: leaky_relu, inputs: x}},"
        " train: {data: {npz: a.npz}}}"
    ).graph.spec
    for key in ("batch_size", "epochs", "seed", "accumulate"):
        assert train[key]["default"] == getattr(spec.train, key)
    assert made["definitions"]["op-leaky_relu"]["properties"]["slope"]["default"] == 0.01
    assert "default" not in made["properties"]["name"]


def validator(made):
    return jsonschema.Draft7Validator(made)


def test_it_is_a_schema(made):
    jsonschema.Draft7Validator.check_schema(made)
    with pytest.raises(jsonschema.SchemaError):
        jsonschema.Draft7Validator.check_schema({**made, "additionalProperties": "no"})


def reported(made, document):
    return [
        ("/".join(map(str, error.absolute_path)), error.message)
        for error in validator(made).iter_errors(document)
    ]


def bad_documents():
    """Files that can be read, each with the code that it is named after."""
    for path in sorted(BAD_SPECS.iterdir()):
        if path.suffix in (".yaml", ".json"):
            text = path.with_suffix(".expected").read_text("utf-8")
            codes = set(re.findall(r"^error\[([a-z-]+)\]", text, re.MULTILINE))
            named = [code for code in codes if re.fullmatch(f"{code}(-.+)?", path.stem)]
            try:
                document = plain(reader.read_file(path))
            except GraphnnError:
                continue
            if named:
                yield path.name, document, max(named, key=len)


@pytest.mark.parametrize("path", [*GOOD, *TEMPLATES], ids=lambda path: path.name)
def test_takes_good_specs(made, path):
    assert reported(made, plain(reader.read_file(path))) == []


def test_takes_sections_that_are_empty(made):
    nodes = {"x": {"op": "input", "shape": [1]}, "y": {"op": "relu", "inputs": "x"}}
    document = {"graphnn": 1, "sizes": {}, "blocks": {}, "nodes": nodes}
    assert reported(made, document) == []
    graphnn.loads(document)


@pytest.mark.parametrize(
    "name", [name for name, op in REGISTRY.items() if op.cases and not op.internal]
)
def test_takes_the_attributes_of_every_case(made, name):
    for case in REGISTRY[name].cases:
        node = {"op": name, "inputs": ["x"] * len(case.shapes), **case.attributes}
        if not case.shapes:
            del node["inputs"]
        assert reported(made, {"graphnn": 1, "nodes": {"x": node}}) == []


def test_refuses_what_a_schema_can_detect(made):
    check = validator(made)
    shown = [found for found in bad_documents() if found[2] in REFUSED and found[0] not in UNLIKE]
    assert [name for name, document, _ in shown if check.is_valid(document)] == []
    assert len(shown) > 40


def test_every_code_is_decided():
    assert not REFUSED & NOT_REFUSED.keys()
    undecided = {code for _, _, code in bad_documents()} - REFUSED - NOT_REFUSED.keys()
    assert undecided == set(), "say in REFUSED or NOT_REFUSED whether a schema can detect these"


def test_what_it_refuses_is_refused_by_check(made, monkeypatch):
    monkeypatch.chdir(BAD_SPECS)
    check = validator(made)
    for name, document, _ in bad_documents():
        if not check.is_valid(document):
            assert any(found.severity == "error" for found in graphnn.diagnose(name)), name


X = {"op": "input", "shape": ["batch", 2]}


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("definitions/node/properties/op/enum", {"nodes": {"y": {"op": "sigmod"}}}),
        ("additionalProperties", {"nodes": {"x": X}, "trian": {}}),
        (
            "definitions/op-affine/additionalProperties",
            {"nodes": {"y": {"op": "affine", "inputs": "x", "unit": 3}}},
        ),
        ("definitions/op-affine/required", {"nodes": {"y": {"op": "affine"}}}),
        ("definitions/expression/pattern", {"nodes": {"x": {"op": "input", "shape": ["2 ^ 3"]}}}),
        ("properties/train/properties/epochs/minimum", {"nodes": {"x": X}, "train": {"epochs": 0}}),
        ("properties/dtype/enum", {"nodes": {"x": X}, "dtype": "float16"}),
    ],
)
def test_a_schema_that_lost_something_is_caught(made, path, part):
    broken = copy.deepcopy(made)
    place = broken
    *way, last = path.split("/")
    for key in way:
        place = place[key]
    del place[last]
    document = {"graphnn": 1, **part}
    assert reported(made, document)
    assert not reported(broken, document)


@pytest.mark.parametrize("codes", ["unread-node", ["unread-node", "unused-size"]])
def test_warnings_may_be_allowed_one_or_several(made, codes):
    node = {"op": "input", "shape": [1], "allow": codes}
    assert reported(made, {"graphnn": 1, "nodes": {"x": node}, "allow": codes}) == []


# --- what an editor shows


def test_every_key_is_explained(made):
    assert [key for key, value in made["properties"].items() if not value.get("description")] == []
    for name, op in REGISTRY.items():
        if op.internal:
            continue
        properties = made["definitions"][f"op-{name}"]["properties"]
        assert [key for key, value in properties.items() if "description" not in value] == []
        attributes = {key for key in op.model_fields if key != "op"}
        kept = {operand.name for operand in op.parameter_operands()}
        assert properties.keys() == {*key_names(NodeSpec)} | attributes | kept


def test_an_op_as_an_editor_sees_it(made):
    assert made["definitions"]["op-leaky_relu"] == {
        "description": "Leaky rectifier 'y = x' where 'x > 0', else 'slope x'.",
        "type": "object",
        "properties": {
            "op": {
                "const": "leaky_relu",
                "description": "Leaky rectifier 'y = x' where 'x > 0', else 'slope x'.",
            },
            "inputs": {
                "anyOf": [
                    {"$ref": "#/definitions/reference"},
                    {
                        "type": "array",
                        "items": {"$ref": "#/definitions/reference"},
                        "minItems": 1,
                        "maxItems": 1,
                    },
                    {
                        "type": "object",
                        "properties": {"x": {"$ref": "#/definitions/reference"}},
                        "additionalProperties": False,
                        "required": ["x"],
                    },
                ],
                "description": "x",
            },
            "trainable": {
                "type": "boolean",
                "description": "Whether training changes its parameters.",
                "default": True,
            },
            "about": {"type": "string", "description": "A remark, which diagrams can show."},
            "allow": {
                "allOf": [{"$ref": "#/definitions/warnings"}],
                "description": "Codes of warnings to silence.",
            },
            "shape": {
                "type": "array",
                "items": {"$ref": "#/definitions/size"},
                "description": "What its shape must be; of an op that takes a shape, that one.",
            },
            "slope": {"default": 0.01, "type": "number", "description": "Slope below 0."},
        },
        "additionalProperties": False,
        "required": ["op", "inputs"],
    }


@pytest.mark.parametrize(
    ("inputs", "fits"),
    [
        (["x", "x", "x"], True),
        (["x", "x", "x", "n"], True),
        ({"query": "x", "key": "x", "value": "x"}, True),
        ({"query": "x", "key": "x", "value": "x", "lengths": "n"}, True),
        (["x", "x"], False),
        (["x", "x", "x", "n", "n"], False),
        ({"query": "x", "key": "x", "lengths": "n"}, False),
    ],
)
def test_the_last_input_may_be_left_out(made, inputs, fits):
    nodes = {"y": {"op": "attention", "inputs": inputs}}
    document = {"graphnn": 1, "nodes": {"x": {"op": "input", "shape": [1, 2, 3]}, **nodes}}
    assert (reported(made, document) == []) is fits


@pytest.mark.parametrize(
    ("inputs", "fits"),
    [
        ("x", True),
        (["x", "n"], True),
        ({"x": "x", "state": "h"}, True),
        ({"lengths": "n", "state": "h"}, False),
    ],
)
def test_by_name_any_optional_input_may_be_left_out(made, inputs, fits):
    nodes = {"y": {"op": "lstm", "inputs": inputs}}
    document = {"graphnn": 1, "nodes": {"x": {"op": "input", "shape": [1, 2, 3]}, **nodes}}
    assert (reported(made, document) == []) is fits


def test_a_parameter_as_an_editor_sees_it(made):
    assert made["definitions"]["op-affine"]["properties"]["bias"] == {
        "anyOf": [{"$ref": "#/definitions/parameter"}, {"const": False}],
        "description": "Of shape [units]: numbers, an initializer, a file, or another's. "
        "False leaves it out.",
        "default": "zeros",
    }


def test_names_come_with_what_they_are(made):
    op = made["definitions"]["node"]["properties"]["op"]
    assert dict(zip(op["enum"], op["enumDescriptions"], strict=True))["relu"] == (
        "Rectifier 'y = max(x, 0)'."
    )
    assert op["enum"] == [name for name, known in REGISTRY.items() if not known.internal]
    names, options = made["definitions"]["initializer"]["anyOf"]
    assert set(options["properties"]) == set(INITIALIZERS)
    assert set(INITIALIZERS) - set(names["enum"]) == {"constant"}  # which needs its value
    options = made["definitions"]["optimizer"]["anyOf"][1]["properties"]
    assert options.keys() == OPTIMIZERS.keys()
    assert options["sgd"]["properties"]["learning_rate"]["default"] == 0.1


def test_a_new_op_comes_in_by_existing():
    with registered():

        class Tenfold(Op):
            """Ten times, or as often as said."""

            op: Literal["tenfold"] = "tenfold"
            times: int = Field(10, ge=1, description="How often.")
            operands: ClassVar = (data("x", "..."),)

            def forward(self, x):
                return self.times * x

        made = graphnn.schema()
    node = {"op": "tenfold", "inputs": "x", "times": 0}
    document = {"graphnn": 1, "nodes": {"x": {"op": "input", "shape": [2]}, "y": node}}
    assert reported(made, document) == [("nodes/y/times", "0 is less than the minimum of 1")]


def test_messages_name_the_place(made):
    document = {
        "graphnn": 1,
        "nodes": {
            "x": {"op": "input", "shape": ["batch", 2]},
            "y": {"op": "affine", "inputs": "x", "unit": 3},
            "z": {"op": "sigmod", "inputs": "y"},
        },
        "train": {"epochs": 0},
    }
    (unit, sigmod, epochs) = sorted(reported(made, document))
    assert unit == ("nodes/y", "Additional properties are not allowed ('unit' was unexpected)")
    assert sigmod[0] == "nodes/z/op"
    assert sigmod[1].startswith("'sigmod' is not one of ['identity', 'step', 'sigmoid',")
    assert epochs == ("train/epochs", "0 is less than the minimum of 1")
