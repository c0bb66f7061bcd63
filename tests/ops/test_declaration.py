"""A class that declares no op is refused when it is defined, with what to write."""

from __future__ import annotations

import importlib
from typing import Any, Literal

import pytest

import graphnn
from graphnn.ops import REGISTRY, Op, Size, data, initializers, noise, parameter, register
from graphnn.ops import registered as registered_ops
from graphnn.ops.families.activation import Sigmoid
from tables import cases


def planted(annotations: dict[str, Any] | None = None, **namespace: Any) -> type:
    """A class with these annotations and attributes, over those of an op that is fine."""
    own = {
        "__module__": __name__,
        "__annotations__": {"op": Literal["planted"], **(annotations or {})},
        "op": "planted",
        "operands": (data("x", "batch n"),),
        "result": "batch n",
        "forward": lambda self, x: x,
        **namespace,
    }
    return type("Planted", (Op,), {key: value for key, value in own.items() if value != "left out"})


SLOPE = parameter("slope", "n", initializers.Zeros())


@cases(
    """
    id | changes= | message
    a text | {"annotations": {"op": str}}
        | 'op' is not the literal of one name: write op: Literal["planted"] = "planted"
    a text with another name than the class | {"annotations": {"op": str}, "op": "sum_of"}
        | 'op' is not the literal of one name: write op: Literal["sum_of"] = "sum_of"
    a text without a default | {"annotations": {"op": str}, "op": "left out"}
        | 'op' is not the literal of one name: write op: Literal["planted"] = "planted"
    an unknown type | {"annotations": {"op": "Liteal['planted']"}}
        | the type of 'op' has a name that its module does not have: import it there
    two names | {"annotations": {"op": Literal["planted", "other"]}}
        | 'op' is not the literal of one name: write op: Literal["planted"] = "planted"
    no default | {"op": "left out"}
        | 'op' has no such default: write op: Literal["planted"] = "planted"
    no name | {"annotations": {"op": Literal["a b"]}, "op": "a b"}
        | 'a b' is not a name: use letters, digits and '_'
    a word of YAML | {"annotations": {"op": Literal["true"]}, "op": "true"}
        | 'true' is not a text in YAML: give it another name
    no comma | {"operands": data("x", "batch n")}
        | 'operands' is not a tuple of operands: write operands = (data("x", "..."),)
    order | {"operands": (SLOPE, data("x", "batch n")), "forward": lambda self, slope, x: x}
        | 'operands' are not in order: write data first, then parameters, states, noise
    a key of nodes | {"annotations": {"about": str}}
        | the attribute 'about' is a key of every node: give it another name
    twice | {"annotations": {"slope": float}, "operands": (data("x", "batch n"), SLOPE)}
        | 'slope' is an attribute as well: give it another name
    a parameter twice
        | {"operands": (data("x", "batch n"), SLOPE, SLOPE), "forward": lambda self, x, slope,
        other: x}
        | two operands are called 'slope': give one another name
    a fact with a type | {"annotations": {"batchwise": bool}, "batchwise": True}
        | 'batchwise' is a fact, not an attribute: write batchwise = ..., without a type
    what every op has | {"annotations": {"name": str}, "name": "a"}
        | the attribute 'name' has the name of what every op has: give it another name
    a fact that is a text | {"planewise": "yes"} | 'planewise' is 'yes': write True or False
    an operator of ONNX that is a number | {"onnx": 3} | 'onnx' is 3: write a text
    a name elsewhere | {"elsewhere": "dense"} | 'elsewhere' is 'dense': write a tuple
    names elsewhere | {"also_called": ("a",)} | 'also_called' is ('a',): write a mapping
    code of another operand | {"numpy": "{x} + {z}"}
        | 'numpy' has {z}, which is not an operand: write {x}
    code with a brace | {"torch": "{x"}
        | 'torch' is '{x', which cannot be filled in: expected '}' before end of string
    a gradient of another operand | {"numpy_vjp": {"z": "{g}"}}
        | 'numpy_vjp' has 'z', which is not an operand: write x
    a gradient with another operand | {"numpy_vjp": {"x": "{g} * {z.T}"}}
        | 'numpy_vjp['x']' has {z}, which is not an operand: write {x}
    an interval of one number | {"output_interval": 1}
        | 'output_interval' is 1: write (low, high), two numbers, or None
    a default of another type | {"annotations": {"k": int}, "k": "a"}
        | the attribute 'k' has the default 'a', which is not of its type
    a list | {"annotations": {"k": list[int]}, "k": [1]}
        | the attribute 'k' is a list, which can change: write tuple[int, ...]
    no operands stated | {"operands": ()}
        | 'operands' is not stated: write operands = (data("x", "..."),)
    left out first
        | {"operands": (data("x", "batch n", optional=True), data("y", "batch n"))}
        | an operand that may be left out stands before one that may not: write it last
    no kind | {"operands": (data("x", "batch n", kind="integer"),)}
        | 'x' is of kind 'integer': write one of 'float', 'int', 'any'
    an empty domain | {"operands": (data("x", "batch n", domain=(3, 1)),)}
        | 'x' has the domain (3, 1): write (low, high), two numbers
    a start that is a number | {"operands": (data("x", "batch n"), parameter("w", "n", 1.0))}
        | 'w' starts by 1.0: write an initializer, such as Zeros()
    an operand's name | {"operands": (data("my x", "batch n"),)}
        | 'my x' is not the name of an operand: use letters, digits and '_'
    a signature that is no text | {"operands": (data("x", 3),)}
        | 'x' has the signature 3: write size names and numbers with spaces between, and at most
        one '...', such as "batch ... n"
    a result that is no text | {"result": ("batch", "n")}
        | 'result' is ('batch', 'n'), not a signature: write result = "batch n"
    a parameter with a key of nodes
        | {"operands": (data("x", "batch n"), parameter("about", "n", initializers.Zeros()))}
        | 'about' is a key of every node as well: give it another name
    no forward of many | {"operands": (data("x", "batch n", many=True),), "forward": "left out"}
        | it has no 'forward': write def forward(self, *x)
    many | {"operands": (data("x", "batch n", many=True), data("y", "batch n"))}
        | 'x' stands for many inputs: no other data operand may be there
    commas | {"operands": (data("x", "batch, n"),), "result": ""}
        | 'x' has the signature 'batch, n': write size names and numbers with spaces between, and at
        most one '...', such as "batch ... n"
    dots twice | {"operands": (data("x", "... n ..."),), "result": ""}
        | 'x' has the signature '... n ...': write size names and numbers with spaces between, and
        at most one '...', such as "batch ... n"
    an unknown axis | {"result": "batch units"}
        | 'result' has an axis 'units' that nothing determines: name it in the signature of an
        operand, or add an attribute 'units: Size'
    an axis that is no size | {"annotations": {"n": int}, "operands": (data("x", "batch"), SLOPE),
        "result": "batch", "forward": lambda self, x, slope: x}
        | 'n' is an axis of 'slope', but its type is not Size: write n: Size
    no dots | {"result": "left out"} | 'result' has '...', which no operand has: write its axes
    below nothing | {"operands": (data("x", "batch n", kind="int", below="classes"),)}
        | 'x' is below 'classes', which no operand has
    no forward | {"forward": "left out"} | it has no 'forward': write def forward(self, x)
    too few | {"operands": (data("x", "batch n"), SLOPE)}
        | 'forward' does not take x, slope: write def forward(self, x, slope)
    another order | {"operands": (data("x", "batch n"), SLOPE), "forward": lambda self, slope, x: x}
        | 'forward' takes its arguments in another order: write def forward(self, x, slope)
    the cotangent last | {"vjp": lambda self, x, output, cotangent: (cotangent,)}
        | 'vjp' takes its arguments in another order: write def vjp(self, cotangent, output, x)
    vjp | {"vjp": lambda self, cotangent, x: (cotangent,)}
        | 'vjp' does not take cotangent, output, x: write def vjp(self, cotangent, output, x)
    branch | {"branch": lambda self: None} | 'branch' does not take x: write def branch(self, x)
    no noise
        | {"operands": (data("x", "batch n"), noise("mask", "batch n")), "forward": lambda self, x,
        mask: x}
        | it has no 'noise': write def noise(self, rng, shape, dtype)
    """,
    Literal=Literal,
    SLOPE=SLOPE,
    data=data,
    initializers=initializers,
    noise=noise,
    parameter=parameter,
)
@pytest.mark.filterwarnings("ignore:Field name:UserWarning")  # by pydantic, of facts with a type
def test_what_is_wrong_is_said_with_what_to_write(changes, message):
    with pytest.raises(TypeError) as caught:
        planted(**changes)
    assert str(caught.value) == f"the class 'Planted' does not declare an op:\n  {message}"
    assert "planted" not in REGISTRY


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_op_may_be_derived_from(name):
    derived = type("Derived", (REGISTRY[name],), {"__module__": __name__}, register=False)
    assert derived.name == name


@pytest.mark.parametrize(
    ("namespace", "message"),
    [
        ({"slope": 0.5}, "'slope' has no type: write slope: float = 0.5"),
        ({"batch_wise": True}, "'batch_wise' has no type: did you mean 'batchwise'?"),
    ],
)
def test_an_attribute_without_a_type_is_refused_with_what_to_write(namespace, message):
    with pytest.raises(TypeError) as caught:
        planted(**namespace)
    assert str(caught.value) == f"the class 'Planted' does not declare an op:\n  {message}"


def test_a_name_without_a_type_is_refused_with_what_to_write():
    with pytest.raises(TypeError) as caught:
        type("Planted", (Op,), {"__module__": __name__, "op": "planted"})
    assert str(caught.value).endswith(
        '\'op\' has no type: write op: Literal["planted"] = "planted"'
    )


def test_an_unknown_keyword_of_a_class_or_an_operand_is_refused():
    with pytest.raises(TypeError) as caught:

        class Planted(Op, registers=False):
            op: Literal["planted"] = "planted"

    message = (
        "the class 'Planted' has the keyword 'registers': an op takes 'register' and 'replace'"
    )
    assert str(caught.value) == message
    with pytest.raises(TypeError, match="an operand has no fact 'dtype': there are kind, many, "):
        data("k", "n", dtype="int")


def test_all_faults_are_reported_at_once():
    with pytest.raises(TypeError) as caught:
        planted(result="batch m k", forward="left out", vjp=lambda self: None)
    assert str(caught.value).count("\n  ") == 4


def test_all_methods_are_looked_at():
    with pytest.raises(TypeError) as caught:
        planted(forward=lambda self: None, vjp=lambda self: None, branch=lambda self: None)
    assert [line.split("'")[1] for line in str(caught.value).splitlines()[1:]] == [
        "forward",
        "vjp",
        "branch",
    ]


def test_a_sound_class_is_registered():
    sound = planted()
    assert REGISTRY["planted"] is sound
    planted({"m": Size}, result="batch m")
    many = data("x", "batch n", many=True)
    planted(operands=(many,), forward=lambda self, *x: x[0])


def test_a_name_is_not_taken_twice_by_accident():
    with pytest.raises(TypeError) as caught:

        class Mine(Sigmoid):
            pass

    assert str(caught.value) == (
        "there is an op 'sigmoid' already, graphnn.ops.families.activation.Sigmoid: "
        'give this one a name by op: Literal["..."] = "...", '
        "or write class Mine(Sigmoid, replace=True)"
    )
    assert REGISTRY["sigmoid"] is Sigmoid

    class Other(Sigmoid, replace=True):
        def forward(self, x):
            return 0 * x

    assert REGISTRY["sigmoid"] is Other
    net = graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {"x": {"op": "input", "shape": [1]}, "y": {"op": "sigmoid", "inputs": "x"}},
        }
    )
    assert net.run(x=[5])["y"] == [0]


def test_the_same_statement_run_again_replaces_its_class():
    first, second = planted(), planted()
    assert first is not second
    assert REGISTRY["planted"] is second


def test_a_module_may_be_loaded_again(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from typing import Literal\n"
        "from graphnn.ops import Op, data\n"
        "class Mine(Op):\n"
        '    op: Literal["mine"] = "mine"\n'
        '    operands = (data("x", "..."),)\n'
        "    def forward(self, x):\n"
        "        return x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    mine = importlib.import_module("mine")
    before = mine.Mine
    importlib.reload(mine)
    assert REGISTRY["mine"] is mine.Mine is not before


def test_a_class_that_waits_is_there_in_a_block_alone():
    class Waiting(Sigmoid, register=False):
        op: Literal["waiting"] = "waiting"

    class Quiet(Sigmoid, register=False):
        pass

    assert "waiting" not in REGISTRY
    before = dict(REGISTRY)
    with pytest.raises(ZeroDivisionError), registered_ops(Waiting, Quiet):
        assert REGISTRY["waiting"] is Waiting
        assert REGISTRY["sigmoid"] is Quiet
        planted()
        raise ZeroDivisionError
    assert before == REGISTRY
    with pytest.raises(TypeError, match="there is an op 'sigmoid' already"):
        register(Quiet)
    register(Quiet, replace=True)
    assert REGISTRY["sigmoid"] is Quiet


@pytest.mark.parametrize("given", ["relu", None, Op, Sigmoid()])
def test_what_is_no_class_of_an_op_is_not_registered(given):
    message = f"{given!r} is not a class that declares an op"
    with pytest.raises(TypeError) as caught:
        register(given)
    assert str(caught.value) == message
    with pytest.raises(TypeError) as caught, registered_ops(Sigmoid, given):
        pass
    assert str(caught.value) == message


def test_ops_are_equal_by_their_attributes_alone():
    one, same, other = (REGISTRY["constant"](value=value) for value in ((1, 2), (1, 2), (1, 3)))
    assert one.infer_shape() == same.infer_shape() == (2,)  # which computes arrays, and keeps them
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != REGISTRY["input"](shape=(2,))
