"""Over networks drawn from the whole registry: the engine is the loop, and backprop is right."""

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

import graphnn
from gradient_laws import assert_engine_is_loop
from graphnn.ops import REGISTRY
from graphnn.testing import networks

TAKING_DATA = sorted(
    name for name, op in REGISTRY.items() if op.data_operands() and not op.internal
)
FACTS = ("batchwise", "channelwise", "planewise", "reorders")


def networks_of(*ops, nodes=4, **how):
    """Decorates a law of a network in a mode with a step, None for the default."""

    def decorate(law):
        @settings(**how)
        @given(
            networks(("affine", *ops), nodes=nodes),
            st.sampled_from(["run", "train"]),
            st.sampled_from([None, 1e-2, 1e-3, 1e-4]),
            st.sampled_from(["float64", "float32"]),
        )
        def run(case, mode, step, dtype):
            network = graphnn.loads({**case.document, "dtype": dtype})
            assume(is_finite(network, case.inputs))
            law(network, case.inputs, mode=mode, step=step)

        return run

    return decorate


def is_finite(network, inputs):
    """Whether a pass can be run: the logarithm of what is drawn need not be a number."""
    try:
        network.loss(inputs)
    except graphnn.RunError:
        return False
    return True


@pytest.mark.parametrize("examples", [2, pytest.param(25, marks=pytest.mark.slow)])
@pytest.mark.parametrize("op", TAKING_DATA)
def test_the_loop_the_engine_and_backprop_agree(op, examples):
    @networks_of(op, max_examples=examples)
    def law(network, inputs, **how):
        plain, exact = network.astype(network.dtype), network.astype("float64")
        loop = assert_engine_is_loop(network, inputs, **how)
        with pytest.MonkeyPatch.context() as patch:  # facts that are missing cost speed only
            for op_class in REGISTRY.values():
                for fact in FACTS:
                    patch.setattr(op_class, fact, False)
            assert_engine_is_loop(plain, inputs, loop, **how)
        if exact.parameters:
            report = graphnn.check_gradients(exact, inputs)
            assert report, str(report)

    law()


# Facts that are false of an op, and what specs call it; laws of ops catch the others as well.
FALSE = [
    ("batchwise", "batch_norm_training", "batch_norm"),
    *(
        pytest.param("channelwise", op, op, marks=pytest.mark.slow)
        for op in ("softmax", "transpose", "flatten")
    ),
    ("planewise", "affine", "affine"),
]


@pytest.mark.parametrize(("fact", "planted", "op"), FALSE)
def test_a_false_fact_is_caught(fact, planted, op, monkeypatch):
    monkeypatch.setattr(REGISTRY[planted], fact, True)
    how = {"phases": [Phase.generate], "database": None, "report_multiple_bugs": False}
    law = networks_of(op, nodes=6, max_examples=300, derandomize=True, **how)(assert_engine_is_loop)
    # What does not fit into the place of rows is an error as well.
    with pytest.raises((AssertionError, ValueError, IndexError)):
        law()


# Facts that are true of the op, though it does not state them.
TRUE = [
    ("planewise", "batch_norm"),
    ("planewise", "upsample"),
    ("reorders", "dropout"),
    ("reorders", "identity"),
]


@pytest.mark.parametrize(("fact", "op"), TRUE)
def test_a_true_fact_changes_nothing(fact, op, monkeypatch):
    monkeypatch.setattr(REGISTRY[op], fact, True)
    networks_of(op, max_examples=8)(assert_engine_is_loop)()
