"""``graphnn show``."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def test_a_network_as_tables(call, line):
    assert call("show", line).output == (
        "line\n"
        "\n"
        "node  op                  inputs  shape       parameters\n"
        "x     input                       [batch, 2]\n"
        "t     input                       [batch, 1]\n"
        "a     affine              x       [batch, 1]  weight, bias\n"
        "loss  mean_squared_error  a, t    [batch]\n"
        "\n"
        "parameter  shape   entries  starts as\n"
        "a.weight   [2, 1]        2  numbers of the spec\n"
        "a.bias     [1]           1  numbers of the spec\n"
        "total                    3\n"
        "\n"
        "sizes        features = 2\n"
        "free sizes   batch\n"
        "outputs      a\n"
        "losses       loss\n"
        "computes in  float64\n"
        "examples     1\n"
    )


def test_every_kind_of_parameter_and_the_training(call):
    np.savez("w.npz", w=np.ones((2, 3)))
    np.savez("all.npz", **{"b.bias": np.zeros(3)})
    Path("net.yaml").write_text(
        "graphnn: 1\n"
        "description: all of it\n"
        "dtype: float32\n"
        "weights: {file: all.npz, partial: true}\n"
        "sizes: {time: free}\n"
        "nodes:\n"
        "  x: {op: input, shape: [batch, 2]}\n"
        "  k: {op: input, shape: [batch, time], dtype: int}\n"
        "  a: {op: affine, inputs: x, units: 1200, weight: {normal: {std: 0.5}}, bias: false,"
        " trainable: false}\n"
        "  b: {op: affine, inputs: x, weight: {file: w.npz, key: w}, bias: he}\n"
        "  c: {op: affine, inputs: x, weight: {share: b.weight}}\n"
        "  d: {op: leaky_relu, inputs: c, slope: 0.2}\n"
        "  e: {op: mean, inputs: b, axis: 1}\n"
        "outputs: [a, d, e, k]\n"
        "train: {loss: e, batch_size: 1000, epochs: 1, data: {npz: {file: w.npz, x: w}}}\n"
    )
    assert call("show", "net.yaml").output == (
        "net.yaml\n"
        "all of it\n"
        "\n"
        "node  op                    inputs  shape              parameters\n"
        "x     input                         [batch, 2]\n"
        "k     input                         [batch, time] int\n"
        "a     affine                x       [batch, 1200]      weight, no bias\n"
        "b     affine                x       [batch, 3]         weight, bias\n"
        "c     affine                x       [batch, 3]         weight = b.weight, bias\n"
        "d     leaky_relu slope=0.2  c       [batch, 3]\n"
        "e     mean axis=1           b       [batch]\n"
        "\n"
        "parameter  shape      entries  starts as\n"
        "a.weight   [2, 1200]    2,400  normal(std=0.5), not trained\n"
        "b.weight   [2, 3]           6  file w.npz\n"
        "b.bias     [3]              3  he\n"
        "c.bias     [3]              3  zeros\n"
        "total                   2,412\n"
        "\n"
        "free sizes   batch, time\n"
        "outputs      a, d, e, k\n"
        "losses       e\n"
        "computes in  float32\n"
        "weights      file all.npz\n"
        "training     sgd, 1 epoch in batches of 1,000, data: npz\n"
    )


def test_states_are_distinguished_from_parameters(call):
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 3]}\n"
        "  y: {op: batch_norm, inputs: x, trainable: false}\n"
    )
    result = call("show", "net.yaml")
    assert result.code == 0
    assert (
        "parameter           shape  entries  starts as\n"
        "y.gain              [3]          3  ones, not trained\n"
        "y.shift             [3]          3  zeros, not trained\n"
        "y.running_mean      [3]          3  zeros, a state\n"
        "y.running_variance  [3]          3  ones, a state\n"
        "total                            6\n"
        "total of states                  6\n"
    ) in result.out


def test_nothing_is_cut_where_nobody_looks(call):
    name = "n" * 100
    inputs = "".join(f"  {name[:-1]}{i}: {{op: input, shape: [batch]}}\n" for i in range(9))
    names = ", ".join(f"{name[:-1]}{i}" for i in range(9))
    Path("net.yaml").write_text(
        f"graphnn: 1\nnodes:\n{inputs}  y: {{op: concat, inputs: [{names}], axis: 0}}\n"
    )
    result = call("show", "net.yaml")
    assert result.code == 0
    assert f"  {names}  [9*batch]\n" in result.out


def test_a_network_without_parameters_or_losses(call):
    Path("net.yaml").write_text("graphnn: 1\nnodes: {x: {op: input, shape: []}}\n")
    result = call("show", "net.yaml")
    assert result.code == 0
    assert result.out == (
        "net.yaml\n"
        "\n"
        "node  op     inputs  shape  parameters\n"
        "x     input          []\n"
        "\n"
        "free sizes   batch\n"
        "outputs      x\n"
        "losses       none\n"
        "computes in  float64\n"
    )


def test_attributes_that_are_lists(call):
    Path("net.yaml").write_text(
        "graphnn: 1\n"
        "sizes: {k: 3}\n"
        "nodes:\n"
        "  x: {op: input, shape: [batch, 1, 9, 9]}\n"
        "  c: {op: conv2d, inputs: x, filters: 2, kernel: [k, 2], stride: 2, padding: [1, 0]}\n"
        "  u: {op: upsample, inputs: c, factor: [2, 3]}\n"
        "  p: {op: pad, inputs: u, padding: [0, 1, 2, 3], value: 0.5}\n"
        "  f: {op: reshape, inputs: p, shape: [batch, 374]}\n"
    )
    result = call("show", "net.yaml")
    assert result.code == 0
    ops = [line.split("  ")[2].strip() for line in result.out.splitlines()[3:8]]
    assert ops == [
        "input",
        "conv2d kernel=[k, 2] stride=2 padding=[1, 0]",
        "upsample factor=[2, 3]",
        "pad padding=[0, 1, 2, 3] value=0.5",
        "reshape",
    ]
