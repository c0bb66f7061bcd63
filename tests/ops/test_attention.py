"""Attention against torch, and what it hides."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import graphnn
from graphnn.ops.families.attention import Attention
from tables import cases


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.oracle
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("heads", [1, 2, 3])
def test_it_is_the_heads_of_torch(heads, causal):
    torch = pytest.importorskip("torch")
    arrays = [drawn(4, 5, 6, seed=seed) for seed in range(3)]
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    # The module, with maps that change nothing, so that only its attention is left.
    module = torch.nn.MultiheadAttention(6, heads, bias=False, batch_first=True).double()
    with torch.no_grad():
        module.in_proj_weight.copy_(torch.eye(6).repeat(3, 1))
        module.out_proj.weight.copy_(torch.eye(6))
    mask = torch.ones(5, 5, dtype=torch.bool).triu(1) if causal else None
    expected, _ = module(*tensors, attn_mask=mask, need_weights=False)
    op = Attention(heads=heads, causal=causal)
    found = op.forward(*arrays)
    assert_allclose(found, expected.detach().numpy(), rtol=0, atol=1e-13)
    cotangent = drawn(*found.shape, seed=3)
    expected.backward(torch.tensor(cotangent))
    for mine, tensor in zip(op.vjp(cotangent, found, *arrays, None)[:3], tensors, strict=True):
        assert_allclose(mine, tensor.grad.numpy(), rtol=0, atol=1e-13)


def test_a_causal_one_looks_at_nothing_after():
    query, key, value = (drawn(2, 5, 4, seed=seed) for seed in range(3))
    op = Attention(causal=True)
    before = op.forward(query, key, value)
    key[:, 3:] += 1
    value[:, 3:] += 1
    after = op.forward(query, key, value)
    np.testing.assert_array_equal(after[:, :3], before[:, :3])
    assert (after[:, 3:] != before[:, 3:]).all()


@pytest.mark.parametrize("causal", [False, True])
def test_lengths_hide_what_pads_a_row(causal):
    query, key, value = (drawn(3, 4, 2, seed=seed) for seed in range(3))
    op = Attention(causal=causal)
    found = op.forward(query, key, value, np.array([2, 4, 9]))
    for row, length in enumerate([2, 4, 4]):
        own = slice(row, row + 1)
        # Of the shorter row alone; a causal query beyond its end sees all of it.
        scores = query[row] @ key[row, :length].T / np.sqrt(2)
        if causal:
            scores[np.arange(length) > np.arange(4)[:, None]] = -np.inf
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        assert_allclose(found[own][0], shares @ value[row, :length], rtol=1e-13)


def test_a_row_of_no_length_gives_zeros_and_takes_no_gradient():
    arrays = [drawn(2, 3, 2, seed=seed) for seed in range(3)]
    lengths = np.array([0, 2])
    op = Attention()
    found = op.forward(*arrays, lengths)
    assert not found[0].any()
    by = op.vjp(drawn(2, 3, 2, seed=4), found, *arrays, lengths)
    assert by[3] is None
    assert not any(each[0].any() for each in by[:3])
    assert not any(each[1, 2].any() for each in by[1:3])  # the key that the length hides


SPEC = """
graphnn: 1
sizes: {time: free}
nodes:
  x: {op: input, shape: [batch, time, 6]}
  few: {op: input, shape: [batch, 2, 6]}
  n: {op: input, shape: [batch], dtype: int}
"""


@cases("""
    node | code | message | help
    {op: attention, inputs: [x, x, x], heads: 4} | shape-mismatch
        | shapes do not fit at 'y': 'query' has shape [batch, time, 6], but 6 features cannot be cut
        into 4 heads
        |
    {op: attention, inputs: [few, x, x], causal: true} | shape-mismatch
        | shapes do not fit at 'y': 'key' has shape [batch, time, 6], but 'query' has 2 places, and
        'causal' takes as many keys
        |
    {op: attention, inputs: [x, x]} | wrong-inputs
        | attention takes 3 to 4 inputs (query, key, value, lengths), but 'y' has 2 |
    {op: attention, inputs: {query: x, key: x, lengths: n}} | wrong-inputs
        | 'y' is missing its 'value' | attention takes query, key, value, lengths
    {op: attention, inputs: [x, x, x, x]} | wrong-kind
        | attention takes whole numbers, but 'x' holds real numbers | declare 'x' with 'dtype: int'
""")
def test_what_does_not_fit_is_reported(node, code, message, help):
    found = [
        each
        for each in graphnn.diagnose_text(f"{SPEC}  y: {node}\n")
        if each.code not in ("unused-node", "unused-input")
    ]
    assert [(each.code, each.message, each.help) for each in found] == [(code, message, help)]


@pytest.mark.parametrize("given", ["[x, x, x]", "[x, x, x, n]", "{query: x, value: x, key: x}"])
def test_lengths_may_be_left_out_of_a_spec(given):
    net = graphnn.loads(f"{SPEC}  y: {{op: attention, inputs: {given}, heads: 2}}\n")
    x = drawn(2, 3, 6)
    lengths = np.array([1, 3])
    rows = {"x": x, "n": lengths} if "n]" in given else {"x": x}
    expected = Attention(heads=2).forward(x, x, x, rows.get("n"))
    np.testing.assert_array_equal(net.run(rows, outputs=["y"])["y"], expected)
