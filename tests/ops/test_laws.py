"""Every law holds for every op of the registry, and every law catches the fault it is for."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import settings

from drawn_cases import PLANTED, QUICK
from graphnn.ops import REGISTRY, Case, Op, Passage, data
from graphnn.ops.families import arithmetic
from graphnn.ops.families.activation import Relu, Sigmoid, Softmax
from graphnn.ops.families.arithmetic import Absolute, Add, Divide, Exp, Log, Power, Sqrt
from graphnn.ops.families.convolution import Conv2d
from graphnn.ops.families.convolution_transposed import ConvTranspose2d
from graphnn.ops.families.linear import Affine
from graphnn.ops.families.loss_classes import CrossEntropy
from graphnn.ops.families.normalization import BatchNorm, BatchNormTraining, DropoutTraining
from graphnn.ops.families.pooling import MaxPool
from graphnn.ops.families.recurrent import Lstm
from graphnn.ops.families.shape import Flatten
from graphnn.ops.families.source import Constant, Input
from graphnn.testing import check_op
from graphnn.testing.laws.checks import LAWS, OpLaw, law_by_law
from variants import variants

RUNNABLE = [name for name, op_class in REGISTRY.items() if op_class.forward is not Op.forward]


@pytest.mark.parametrize("examples", [5, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", RUNNABLE)
def test_every_law_holds(name, examples):
    check_op(REGISTRY[name], settings=settings(QUICK, max_examples=examples))


FACTS = ["entries_along_axes_go_where_stated", "parameters_move_channels_as_stated"]


@pytest.mark.parametrize("laws", [FACTS, pytest.param([*LAWS], marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", RUNNABLE)
def test_laws_hold_in_every_variant(name, laws):
    check = law_by_law(REGISTRY[name], laws)
    for case in variants(REGISTRY[name]):
        check(case)


def test_the_input_serialises_and_has_the_shape_it_states():
    OpLaw(REGISTRY["input"], "serialises")(QUICK)
    assert Input(shape=(2, 3)).infer((), {}).result == (2, 3)


def test_only_the_input_has_no_forward():
    assert set(REGISTRY) - set(RUNNABLE) == {"input"}


def test_names_are_those_of_the_language():
    language = """
        input constant parameter affine matmul identity step sigmoid tanh relu leaky_relu elu selu
        gelu erf softplus softmax log_softmax silu mish softsign hard_sigmoid hard_swish prelu
        sin cos embedding gather one_hot argmax cumulative_sum expand einsum
        add subtract multiply divide negative power exp log sqrt
        absolute maximum minimum clip cast where floor_divide remainder
        equal not_equal less less_equal greater greater_equal
        reshape flatten transpose concat slice select stack
        sum mean max
        mean_squared_error sum_squared_error cross_entropy binary_cross_entropy
        absolute_error huber hinge multiclass_hinge kl_divergence cosine_similarity cosine_distance
        rms_norm group_norm instance_norm local_response_norm
        batch_norm layer_norm standardize impute dropout
        attention rnn lstm gru noise
        conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
        upsample pad max_pool average_pool global_average_pool
    """
    assert {name for name, op in REGISTRY.items() if not op.internal} == set(language.split())


@pytest.mark.parametrize("name", REGISTRY)
def test_names_from_elsewhere_stand_for_attributes(name):
    op = REGISTRY[name]
    own = {*op.model_fields, *(operand.name for operand in op.operands)}
    assert set(op.also_called.values()) <= own
    assert not own & op.also_called.keys()


@pytest.mark.parametrize("name", REGISTRY)
def test_documents_itself(name):
    op_class = REGISTRY[name]
    summary = op_class.__doc__.splitlines()[0]
    assert summary.endswith(".")
    assert len(summary) <= 100
    for key, info in op_class.model_fields.items():
        assert key == "op" or info.description, key
    for operand, (other, fused) in op_class.fusions.items():
        assert operand in [data.name for data in op_class.data_operands()]
        assert other in REGISTRY
        assert REGISTRY[fused].internal
        assert len(REGISTRY[fused].operands) == len(op_class.operands)


def assert_caught(op_class, law):
    assert REGISTRY[op_class.name] is op_class
    with pytest.raises(AssertionError):
        OpLaw(op_class, law)(PLANTED)


def test_catches_a_wrong_vjp():
    class Planted(Sigmoid, replace=True):
        def vjp(self, cotangent, output, x):
            return (cotangent * output,)

    assert_caught(Planted, "vjp_is_the_gradient")


def test_catches_one_wrong_entry():
    class Planted(Sigmoid, replace=True):
        def vjp(self, cotangent, output, x):
            (found,) = super().vjp(cotangent, output, x)
            found = np.array(found)
            found.ravel()[-1:] *= 1.001
            return (found,)

    assert_caught(Planted, "vjp_is_the_gradient")


def test_catches_a_softmax_whose_backward_is_zero():
    class Planted(Softmax, replace=True):
        def vjp(self, cotangent, output, x):
            return (np.zeros_like(x),)

    assert_caught(Planted, "vjp_is_the_gradient")


@pytest.mark.parametrize("op_class", [Divide, Exp, Log, Power, Sqrt])
def test_catches_zero_times_infinity(op_class, monkeypatch):
    monkeypatch.setattr(arithmetic, "_settled", lambda product, cotangent: product)
    with pytest.raises(AssertionError):
        OpLaw(op_class, "zero_cotangents_give_zeros")(PLANTED)


def test_catches_a_cotangent_of_whole_numbers():
    class Planted(CrossEntropy, replace=True):
        def vjp(self, cotangent, output, prediction, target):
            (found, _) = super().vjp(cotangent, output, prediction, target)
            return found, np.zeros(1)

    assert_caught(Planted, "vjp_is_the_gradient")


def test_catches_not_a_number_above_a_threshold():
    class Planted(Relu, replace=True):
        def forward(self, x):
            return np.where(x > 2.5, np.nan, np.maximum(x, 0))

    assert_caught(Planted, "results_are_finite")


@pytest.mark.parametrize("instead", [None, 0.0])
def test_catches_a_dropped_bias_gradient(instead):
    class Planted(Affine, replace=True):
        def vjp(self, cotangent, output, x, weight, bias):
            by_x, by_weight, by_bias = super().vjp(cotangent, output, x, weight, bias)
            dropped = None if instead is None or by_bias is None else by_bias * instead
            return by_x, by_weight, dropped

    assert_caught(Planted, "vjp_is_the_gradient")


def test_catches_a_cotangent_not_summed_over_stretched_axes():
    class Planted(Add, replace=True):
        def vjp(self, cotangent, output, a, b):
            return cotangent, cotangent

    assert_caught(Planted, "vjp_is_the_gradient")


def test_catches_a_wrong_result_signature():
    class Planted(Affine, replace=True):
        result = "... n"

    assert_caught(Planted, "inferred_shape_is_computed")


def test_catches_a_wrong_kind():
    class Planted(Constant, replace=True):
        def infer_kind(self, *kinds):
            return "float"

    assert_caught(Planted, "inferred_shape_is_computed")


def test_catches_a_shape_that_forgets_the_free_size():
    class Planted(Relu, replace=True):
        def infer_shape(self, *shapes):
            return tuple(size if isinstance(size, int) else 1 for size in shapes[0])

    assert_caught(Planted, "symbolic_shape_is_computed")


def test_catches_a_false_claim_to_keep_rows_apart():
    class Planted(Op):
        op: Literal["planted"] = "planted"

        operands = (data("x", "batch ..."),)
        result = "batch ..."
        batchwise = True

        def forward(self, x):
            return x - x.mean(axis=0)

    assert_caught(Planted, "rows_alone_are_rows_together")


def test_catches_an_out_that_is_ignored():
    class Planted(Relu, replace=True):
        def forward(self, x, *, out=None):
            return np.maximum(x, 0)

    assert_caught(Planted, "out_is_written")


def test_catches_a_writing_that_remembers_values():
    class Planted(Relu):
        op: Literal["planted"] = "planted"

        def writing(self, out, x):
            return lambda _: np.maximum(x, 0, out=out)

    assert_caught(Planted, "out_is_written")


def test_a_forward_of_its_own_replaces_the_writing_that_is_inherited():
    class Doubled(Relu, register=False):
        op: Literal["doubled"] = "doubled"

        def forward(self, x, *, out=None):
            return np.multiply(x, 2, out=out)

    x = np.array([-1.0, 3.0])
    np.testing.assert_array_equal(Doubled().writing(None, x)(x), [-2, 6])


def test_catches_a_result_written_over_what_is_still_read():
    class Planted(Softmax, replace=True):
        def forward(self, x, *, out=None):
            y = np.exp(x, out=out)
            y /= np.exp(x).sum(axis=-1, keepdims=True)
            return y

    assert_caught(Planted, "out_is_written")


def test_catches_float64_from_float32():
    class Planted(Relu, replace=True):
        def forward(self, x):
            return np.maximum(x, np.float64(0))

    assert_caught(Planted, "float32_stays_float32")


def test_catches_a_modified_input():
    class Planted(Relu, replace=True):
        def forward(self, x):
            return np.maximum(x, 0, out=x)

    assert_caught(Planted, "nothing_is_modified")


def test_catches_a_modified_cotangent():
    class Planted(Relu, replace=True):
        def vjp(self, cotangent, output, x):
            cotangent *= output > 0
            return (cotangent,)

    assert_caught(Planted, "nothing_is_modified")


def test_catches_a_view_that_is_not_declared():
    class Planted(Relu, replace=True):
        def forward(self, x):
            return x

    assert_caught(Planted, "memory_is_shared_only_by_views")


def test_catches_a_modulus_that_is_called_analytic():
    class Planted(Absolute, replace=True):
        def continued(self, x):
            return np.absolute(x).astype(x.dtype)

    assert_caught(Planted, "continuation_is_analytic")


def test_catches_a_continuation_that_drops_imaginary_parts_of_zero():
    class Planted(REGISTRY["step"], replace=True):
        def continued(self, x):
            return self.forward(x.real)

    assert_caught(Planted, "continuation_is_analytic")


def test_catches_a_conjugate_that_is_called_analytic():
    class Planted(Op):
        op: Literal["planted"] = "planted"

        operands = (data("x", "n"),)
        result = ""
        analytic = True

        def forward(self, x):
            return np.vdot(x, x)

        def vjp(self, cotangent, output, x):
            return (2 * cotangent * x,)

    assert_caught(Planted, "continuation_is_analytic")


def test_catches_an_attribute_that_is_lost_on_the_way():
    class Planted(Op):
        op: Literal["planted"] = "planted"
        slope: float

        operands = (data("x", "..."),)
        cases = (Case({"slope": 0.1}, [(2,)]),)

        def forward(self, x):
            return self.slope * x

        def model_dump(self, **options):
            return {"op": "planted", "slope": 0.0}

    assert_caught(Planted, "serialises")


def test_catches_unwanted_cotangents_that_matter():
    class Planted(Affine, replace=True):
        def vjp(self, cotangent, output, x, weight, bias, *, wanted=(True, True, True)):
            found = super().vjp(cotangent, output, x, weight, bias)
            return tuple(None if each is None else each * all(wanted) for each in found)

    assert_caught(Planted, "unwanted_cotangents_change_nothing")


def test_catches_statistics_of_the_batch_taken_for_constants():
    class Planted(BatchNormTraining, replace=True):
        def vjp(self, cotangent, output, x, gain, shift, mean, variance):
            found = super().vjp(cotangent, output, x, gain, shift, mean, variance)
            axes = (0, *range(2, x.ndim))
            scale = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + self.epsilon)
            if gain is not None:
                scale = scale * gain.reshape(scale.shape)
            return (cotangent * scale, *found[1:])

    assert_caught(Planted, "vjp_is_the_gradient")


def test_catches_a_dropped_entry_that_still_has_a_gradient():
    class Planted(DropoutTraining, replace=True):
        def vjp(self, cotangent, output, x, mask):
            return cotangent, None

    assert_caught(Planted, "vjp_is_the_gradient")


@pytest.mark.parametrize(
    "change",
    [
        lambda found, given: {**found, "running_mean": found["running_mean"][None]},
        lambda found, given: {"running_mean": found["running_mean"]},
        lambda found, given: {**found, "running_mean": given},
        lambda found, given: {**found, "running_mean": given.__iadd__(1)},
    ],
    ids=["shape", "one", "alias", "in place"],
)
def test_catches_a_state_replaced_by_something_else(change):
    class Planted(BatchNormTraining, replace=True):
        def update(self, output, *arrays):
            return change(super().update(output, *arrays), arrays[3])

    assert_caught(Planted, "states_are_replaced_by_their_like")


def test_catches_a_training_op_that_takes_something_else():
    class Planted(BatchNorm, replace=True):
        def in_training(self):
            return DropoutTraining()

    assert_caught(Planted, "training_takes_the_same")


def test_catches_a_state_that_turns_to_float64():
    class Planted(BatchNormTraining, replace=True):
        def update(self, output, *arrays):
            found = super().update(output, *arrays)
            return {name: new.astype(np.float64) for name, new in found.items()}

    assert_caught(Planted, "float32_stays_float32")


def test_catches_a_false_claim_that_entries_stay_in_place():
    class Planted(Softmax, replace=True):
        channelwise = True

    assert_caught(Planted, "entries_in_place_depend_on_their_own")


def test_catches_a_false_claim_that_planes_stay_apart():
    class Planted(MaxPool, replace=True):
        def forward(self, x, *, out=None, saved=None):
            return super().forward(x, saved=saved) + x.sum(
                axis=tuple(range(1, x.ndim)), keepdims=True
            )

    assert_caught(Planted, "planes_depend_on_their_own")


FALSE_PASSAGES = {
    "softmax": lambda axis: Passage(axis),
    "cumulative_sum": lambda axis: Passage(axis, -1, 0, False),
    "max": lambda axis: Passage(None, 0, 0, False),
    "lstm": lambda axis: Passage(axis, -math.inf, -1, False) if axis == 1 else None,
    "slice": lambda axis: Passage(axis, 1, 1, False),
    "conv2d": lambda axis: Passage(axis, 0, 1, False) if axis == 3 else None,
    "layer_norm": lambda axis: Passage(axis, -math.inf, math.inf, True),
    "concat": lambda axis: Passage(axis, 0, 0, False),
    "attention": lambda axis: Passage(axis, -math.inf, 0, False) if axis == 1 else None,
}


@pytest.mark.parametrize("name", FALSE_PASSAGES)
def test_catches_a_false_claim_of_where_entries_go(name, monkeypatch):
    said = FALSE_PASSAGES[name]
    monkeypatch.setattr(REGISTRY[name], "passage", lambda self, tracked: said(tracked.axis))
    assert_caught(REGISTRY[name], "entries_along_axes_go_where_stated")


def test_catches_a_false_claim_that_rows_keep_their_order():
    class Planted(Flatten, replace=True):
        def forward(self, x):
            return super().forward(x)[:, ::-1]

    assert_caught(Planted, "rows_keep_their_entries")


@pytest.mark.parametrize(
    "name", [name for name in RUNNABLE if REGISTRY[name].output_interval is not None]
)
def test_catches_an_interval_that_leaves_out_results(name, monkeypatch):
    op_class = REGISTRY[name]
    low, high = op_class.output_interval
    middle = (max(low, -1.0) + min(high, 2.0)) / 2
    for part in ((low, middle), (middle, high)):
        monkeypatch.setattr(op_class, "output_interval", part)
        with pytest.raises(AssertionError):
            OpLaw(op_class, "results_lie_in_the_interval")(PLANTED)


@pytest.mark.parametrize("op_class", [Affine, Conv2d, ConvTranspose2d])
def test_catches_a_wrong_response_of_one_entry(op_class):
    class Planted(op_class, replace=True):
        def response(self, operand, *arrays):
            found = super().response(operand, *arrays)
            if found is not None and operand == "weight" and found.size:
                found = np.array(found)
                found.ravel()[-1] += 0.01
            return found

    assert_caught(Planted, "parameters_move_channels_as_stated")


@pytest.mark.parametrize("op_class", [Affine, Lstm])
def test_catches_a_wrong_result_of_one_move(op_class):
    class Planted(op_class, replace=True):
        def moved(self, operand, entries, *arrays):
            found = super().moved(operand, entries, *arrays)
            if found is not None:
                found[entries == entries.max()] *= 1 + 1e-6
            return found

    assert_caught(Planted, "results_of_many_moves_are_as_stated")


@pytest.mark.parametrize("op_class", [Affine, Conv2d])
def test_catches_a_wrong_spread(op_class):
    class Planted(op_class, replace=True):
        def spread(self, change, channels, count, *arrays):
            found = super().spread(change, channels[::-1], count, *arrays)
            return None if found is None else found * 1.001

    assert_caught(Planted, "moved_blocks_spread_as_stated")


LAW_OF = {
    "batchwise": "rows_alone_are_rows_together",
    "rows_apart": "rows_alone_are_rows_together",
    "channelwise": "entries_in_place_depend_on_their_own",
    "planewise": "planes_depend_on_their_own",
    "commutative": "operands_change_places",
    "reorders": "rows_keep_their_entries",
    "within_inputs": "results_lie_within_the_inputs",
    "keeps_entries": "entries_are_kept",
    "sums_to_one": "results_add_up_to_one",
    "takes_missing": "missing_values_are_taken",
}
# What is so without being stated, so that stating it is no fault.
TRUE = {
    ("commutative", "dropout_training"),
    ("commutative", "absolute_error"),
    ("commutative", "cosine_distance"),
    ("commutative", "hinge"),
    ("commutative", "huber"),
    ("commutative", "mean_squared_error"),
    ("commutative", "sum_squared_error"),
    ("planewise", "batch_norm"),
    ("planewise", "batch_norm_training"),
    ("planewise", "upsample"),
    ("reorders", "dropout"),
    ("reorders", "identity"),
    ("takes_missing", "argmax"),
    ("takes_missing", "noise"),
    ("takes_missing", "noise_training"),
    ("within_inputs", "dropout"),
    ("within_inputs", "flatten"),
    ("within_inputs", "gelu"),
    ("within_inputs", "hard_swish"),
    ("within_inputs", "identity"),
    ("within_inputs", "mish"),
    ("within_inputs", "relu"),
    ("within_inputs", "reshape"),
    ("within_inputs", "silu"),
    ("within_inputs", "softsign"),
    ("within_inputs", "tanh"),
    ("within_inputs", "transpose"),
}


SHARE = 3  # one in so many is tried by default


def unstated():
    """Facts that an op does not state, or restricts to some shapes."""
    for name in RUNNABLE:
        op_class = REGISTRY[name]
        for fact in LAW_OF if op_class.data_operands() else ():
            restricted = op_class.rows_apart is not Op.rows_apart
            if restricted if fact == "rows_apart" else not getattr(op_class, fact):
                yield fact, name


@pytest.mark.parametrize(
    ("fact", "name"),
    [
        pytest.param(*each, marks=[pytest.mark.slow] if number % SHARE else [])
        for number, each in enumerate(unstated())
    ],
)
def test_catches_every_fact_that_is_stated_falsely(fact, name, monkeypatch):
    def everywhere(self, *shapes):
        return any(self.has_rows(*shapes))

    op_class = REGISTRY[name]
    monkeypatch.setattr(op_class, fact, everywhere if fact == "rows_apart" else True)
    law = OpLaw(op_class, LAW_OF[fact])
    if (fact, name) in TRUE:
        law(QUICK)
        return
    # The op itself may refuse what the law does with it.
    with pytest.raises((AssertionError, ValueError, IndexError)):
        law(settings(PLANTED, max_examples=200))
