"""The written form of every op computes what the op does, in NumPy and in torch."""

from __future__ import annotations

import inspect
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings

from graphnn.interchange.code import images, sequences, textbook, torch_sequences
from graphnn.interchange.code.functions import functions_of
from graphnn.ops import REGISTRY, Op
from graphnn.ops.code import CodeForm
from graphnn.spec.sizes import free
from graphnn.testing.strategies import op_cases
from variants import opened, variants

COPIED = [textbook, images, sequences, torch_sequences]
WRITTEN = sorted(name for name, op in REGISTRY.items() if not op.code_absent)


AXES = "torch normalizes along the last axes alone, of known sizes"
# What torch lacks of the variants.
REFUSED = {
    "average_pool": ["its windows are dilated, which torch has for maxima alone"],
    "conv_transpose1d": ["what it cuts off both sides differs"] * 2,
    "layer_norm": [AXES] * 6,
    "local_response_norm": ["torch normalizes images and sequences, not rows of features"],
    "rms_norm": [AXES] * 6,
}


def form_of(case) -> tuple[CodeForm, dict]:
    """The form of an op at a case, and the arrays by the names in it."""
    names = tuple(None if a is None else f"v{n}" for n, a in enumerate(case.arrays))
    with np.errstate(all="ignore"):
        output = np.asarray(case.op.forward(*case.arrays))
    form = CodeForm(
        names,
        tuple(None if a is None else a.shape for a in case.arrays),
        tuple(
            None if a is None else "float" if a.dtype.kind == "f" else "int" for a in case.arrays
        ),
        "y",
        output.shape,
        "g",
    )
    known = {name: a for name, a in zip(names, case.arrays, strict=True) if name}
    return form, {**known, "y": output}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
def test_numpy_computes_the_op_and_its_gradient(name):
    settings(max_examples=200, deadline=None)(given(op_cases(REGISTRY[name]))(numpy_agrees))()


@pytest.mark.parametrize("name", WRITTEN)
def test_numpy_does_in_every_variant(name):
    for case in variants(REGISTRY[name]):
        numpy_agrees(case)
        for shapes, shape in opened(case):
            with suppress(NotImplementedError):
                form, known = form_of(case)
                form_agrees(case, replace(form, shapes=shapes, shape=shape), known)


def numpy_agrees(case):
    form_agrees(case, *form_of(case))


def form_agrees(case, form, known):
    space = {**vars(textbook), **vars(images), **vars(sequences), **known}
    output = known["y"]
    g = np.random.default_rng(0).normal(size=output.shape)
    with np.errstate(all="ignore"):
        found = eval(case.op.to_numpy(form), space)
        close(found, output, 1e-12)
        assert np.asarray(found).dtype.kind == output.dtype.kind
        if output.dtype.kind == "i":
            return  # which has no cotangent
        space["g"] = g
        parts = case.op.to_numpy_vjp(form)
        expected = case.op.vjp(g, output, *case.arrays)
        for part, right in zip(parts, expected, strict=False):
            assert (part is None) == (right is None), (part, parts)
            if part is not None:
                close(eval(part, space), right, 1e-10)


@pytest.mark.parametrize("name", ["matmul", "cosine_distance"])
def test_code_for_matrices_has_nothing_that_others_alone_need(name):
    for case in variants(REGISTRY[name]):
        if all(array is None or array.ndim == 2 for array in case.arrays):
            form, _ = form_of(case)
            for text in (case.op.to_numpy(form), *case.op.to_numpy_vjp(form)):
                assert "reshape" not in (text or "")
                assert "swapaxes" not in (text or "")


def close(found, expected, limit):
    assert np.shape(found) == np.shape(expected)
    size = np.abs(expected).max(initial=0.0) if np.size(expected) else 0.0
    np.testing.assert_allclose(found, expected, rtol=limit, atol=limit * max(size, 1.0))


def test_every_op_is_written_or_says_why_not():
    for op in REGISTRY.values():
        written = op.numpy or op.to_numpy is not Op.to_numpy
        assert bool(op.code_absent) != bool(written), op.name


@pytest.mark.oracle
@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("examples", [6, pytest.param(100, marks=pytest.mark.slow)])
def test_torch_computes_the_op_and_its_gradient(name, examples):
    torch = pytest.importorskip("torch")
    space = torch_space(torch)

    @settings(max_examples=examples, deadline=None)
    @given(op_cases(REGISTRY[name]))
    def law(case):
        with suppress(NotImplementedError):
            torch_agrees(torch, space, case)

    law()


@pytest.mark.parametrize("name", WRITTEN)
def test_what_torch_lacks_of_the_variants_is_known(name):
    """Without torch: whatever is not refused has a form, which it reads in other tests."""
    refused = []
    for case in variants(REGISTRY[name]):
        form, _ = form_of(case)
        try:
            layer = case.op.to_torch_layer(form)
            text = "" if layer else case.op.to_torch(form)
            compile(layer or text, name, "eval")
            case.op.torch_given(form)
        except NotImplementedError as reason:
            refused.append(str(reason))
    assert refused == REFUSED.get(name, [])


def of(name, shapes, shape, kinds=None, **attributes):
    """An op, and the form of it for a network that leaves sizes open."""
    names = tuple(f"v{n}" for n in range(len(shapes)))
    kinds = kinds or ("float",) * len(shapes)
    op = REGISTRY[name].model_validate(attributes, context={"batch": free("batch")})
    return op, CodeForm(names, shapes, kinds, "y", shape, "g")


@pytest.mark.parametrize(
    ("kernel", "stride", "given", "padding"),
    [
        # Torch pads unevenly too, but with a warning, and refuses steps.
        (2, 1, "F.pad(v0, (0, 1))", ""),
        (3, 1, "v0", ", padding='same'"),
        (3, 2, "F.pad(v0, (0, 1))", ""),
        (1, 1, "v0", ", padding='same'"),
    ],
)
def test_what_torch_cannot_pad_alike_is_padded_before(kernel, stride, given, padding):
    shapes = (free("batch"), 2, 4), (5, 2, kernel), (5,)
    shape = free("batch"), 5, 4 // stride
    attributes = {"filters": 5, "kernel": [kernel], "stride": [stride], "padding": "same"}
    op, form = of("conv1d", shapes, shape, **attributes)
    assert op.torch_given(form) == [given]
    layer = op.to_torch_layer(form)
    assert layer.startswith(f"nn.Conv1d(2, 5, {kernel}")
    assert ("padding" in layer) is bool(padding)


@pytest.mark.parametrize(
    ("shape", "layer"),
    [
        ((2, 3, 4), "nn.InstanceNorm1d(3"),
        ((2, 3, 4, 1), "nn.InstanceNorm2d(3"),
        ((2, 3, 1, 1, 4), "nn.InstanceNorm3d(3"),
        ((2, 3, 1, 1, 1), "torch needs more than one number of a channel"),
        ((2, 3, 4, 1, 1, 1), "torch has at most three axes after the channels"),
    ],
)
def test_torch_normalizes_each_channel_along_three_axes_at_most(shape, layer):
    op, form = of("instance_norm", (shape, (3,), (3,)), shape)
    if layer.startswith("nn."):
        assert op.to_torch_layer(form).startswith(layer)
    else:
        with pytest.raises(NotImplementedError, match=f"^{layer}$"):
            op.to_torch_layer(form)


@pytest.mark.parametrize(
    ("kinds", "dtype", "layer", "text"),
    [
        (("int",), "float", "nn.Buffer(torch.zeros(0), persistent=False)", "v0.to(self.y)"),
        (("float",), "float", "", "v0"),
        (("int",), "int", "", "v0.long()"),
        (("float",), "int", "", "v0.long()"),
    ],
)
def test_a_cast_to_real_numbers_takes_those_of_the_module(kinds, dtype, layer, text):
    op, form = of("cast", ((2, 3),), (2, 3), kinds, dtype=dtype)
    assert op.to_torch_layer(form) == layer
    assert op.to_torch(replace(form, names=(*form.names, "self.y")) if layer else form) == text


@pytest.mark.parametrize(
    ("start", "stop", "index"),
    [
        (1, None, "1:"),
        ("batch - 2", None, "v0.shape[0] - 2:"),
        ("batch - 2", "batch - 1", "v0.shape[0] - 2:v0.shape[0] - 1"),
        (0, "batch - 1", ":v0.shape[0] - 1"),
    ],
)
def test_a_stretch_is_written_without_brackets_around_its_ends(start, stop, index):
    batch = free("batch")
    op, form = of("slice", ((batch, 3),), (batch - 2, 3), axis=0, start=start, stop=stop)
    assert op.to_numpy(form) == f"v0[{index}]"


@pytest.mark.oracle
@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
def test_torch_does_in_every_variant(name):
    torch = pytest.importorskip("torch")
    space, refused = torch_space(torch), []
    for case in variants(REGISTRY[name]):
        try:
            torch_agrees(torch, space, case)
        except NotImplementedError as reason:
            refused.append(str(reason))
        for shapes, shape in opened(case):
            with suppress(NotImplementedError):
                torch_agrees(torch, space, case, shapes=shapes, shape=shape)
    assert refused == REFUSED.get(name, [])


def torch_space(torch):
    """What written code in torch reads."""
    space = {"np": np, "torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    for text in functions_of(torch_sequences).values():
        exec(inspect.getsource(text), space)
    return space


def assert_as_many_products(case, output, counted):
    """Torch counts as many multiply-adds as the op states."""
    shapes = [None if each is None else each.shape for each in case.arrays]
    stated = case.op.multiply_adds(output.shape, *shapes)
    operands = zip(case.op.operands, case.arrays, strict=False)
    if any(operand.name == "lengths" and array is not None for operand, array in operands):
        assert counted <= stated  # the written code leaves out steps behind the end of a row
    elif case.op.name == "attention":
        assert counted in (0, stated)  # torch does not count those of its fused kernel
    elif case.op.name != "einsum":  # torch multiplies its operands in another order
        assert counted == stated


def torch_agrees(torch, space, case, **open_sizes):
    flop_counter = import_module("torch.utils.flop_counter")
    form, known = form_of(case)
    form = replace(form, **open_sizes)
    output = known.pop("y")
    tensors = {key: torch.from_numpy(np.array(a)) for key, a in known.items()}
    for tensor in tensors.values():
        tensor.requires_grad_(tensor.is_floating_point())
    space = {**space, **tensors, "self": torch.nn.Module().eval()}
    layer = case.op.to_torch_layer(form)
    text = "" if layer else case.op.to_torch(form)
    case.op.torch_given(form)
    names = [*form.names]
    with flop_counter.FlopCounterMode(display=False) as counter:
        if layer:
            found, kept = through(torch, eval(layer, space), case, form, tensors, space)
        else:
            found, kept = eval(text, space), {}
    close(found.detach().numpy(), output, 1e-12)
    assert found.detach().numpy().dtype.kind == output.dtype.kind
    assert_as_many_products(case, output, counter.get_total_flops() / 2)
    if not found.requires_grad:
        return
    g = np.random.default_rng(0).normal(size=output.shape)
    found.backward(torch.from_numpy(np.asarray(g)))
    with np.errstate(all="ignore"):
        expected = case.op.vjp(g, output, *case.arrays)
    for own, right in zip(names, expected, strict=False):
        if right is not None:
            grad = kept[own]() if own in kept else tensors[own].grad
            close(np.zeros_like(right) if grad is None else grad.numpy(), right, 1e-10)


def through(torch, module, case, form, tensors, space):
    """The value of a layer with the parameters of a case, and where their gradients are."""
    names = form.names
    roles = [*case.roles]
    kept, known = {}, set()
    operands = [each for each in case.op.operands if each.role != "data"]
    count = len(names) - len(operands)
    if isinstance(module, torch.nn.Parameter | torch.nn.Buffer):
        if "data" in roles:  # it holds nothing but the dtype
            form = replace(form, names=(*names, "module"))
            return eval(case.op.to_torch(form), {**space, "module": module.double()}), kept
        if names:
            module.data = tensors[names[0]].detach().clone()
            kept[names[0]] = lambda: module.grad
        return module * 1, kept
    module.double().eval()
    if case.op.torch:
        own = list(names)
        for place, operand in enumerate(operands, count):
            if names[place] is not None:
                target = module[operand.name]
                target.data = tensors[names[place]].detach().clone()
                kept[names[place]] = lambda target=target: target.grad
                own[place] = f'module["{operand.name}"]'
        form = replace(form, names=tuple(own))
        return eval(case.op.to_torch(form), {**space, "module": module}), kept
    for own, operand in zip(names[count:], operands, strict=True):
        if own is None or operand.role == "noise":
            continue
        target = getattr(module, case.op.torch_names.get(operand.name, operand.name))
        known.add(id(target))
        turned = isinstance(module, torch.nn.Linear) and operand.name == "weight"
        value = tensors[own].detach()
        target.data = (value.T if turned else value).clone()
        kept[own] = lambda target=target, turned=turned: target.grad.T if turned else target.grad
    assert len(roles) == len(names)
    assert {*map(id, module.parameters())} <= known  # it has none that the network lacks
    given = case.op.torch_given(form)
    return module(*(eval(text, {**space, **tensors}) for text in given)), kept


def test_the_last_open_size_of_a_reshape_is_left_to_numpy():
    batch, time = free("batch"), free("time")
    form = CodeForm(("v",), ((batch, time, 2, 3),), ("float",), "y", (time, 6, batch))
    assert form.target(form.shape) == "v.shape[1], 6, -1"


def test_a_wrong_form_is_found(monkeypatch):
    monkeypatch.setattr(REGISTRY["tanh"], "numpy_vjp", {"x": "{g} * (1 - {y})"})
    with pytest.raises(AssertionError):
        test_numpy_does_in_every_variant("tanh")


@pytest.mark.parametrize("module", COPIED, ids=lambda module: module.__name__.rpartition(".")[2])
def test_what_is_copied_is_formatted_as_written_code_is(module):
    command = ["ruff", "format", "--diff", "--isolated", "--no-cache", module.__file__]
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
