"""A convolution by 3x3 filters in vector instructions, compiled by numba; for a comparison alone.

A block of filters times a run of columns stays in registers while all entries of the filters pass.
Arrays are [channels, height, width, images], the images padded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray
from winograd import Layer

Array = NDArray[Any]
FILTERS, VECTORS = 8, 3  # of a block: 24 of the 32 registers of AVX-512
LANES = 16
FLOAT, INT = ir.FloatType(), ir.IntType(64)
VECTOR = ir.VectorType(FLOAT, LANES)


def _spread(builder: Any, number: Any) -> Any:
    """A vector of one number."""
    unset = ir.Constant(VECTOR, ir.Undefined)
    first = builder.insert_element(unset, number, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, unset, zeros)


def _generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """``out[k, q] = bias[k] + sum over i of weight[i, k] x[offsets[i] + q]``."""
    x, weight, out, count, offsets, step, bias = arguments
    x, weight, out, bias = (
        builder.inttoptr(address, FLOAT.as_pointer()) for address in (x, weight, out, bias)
    )
    offsets = builder.inttoptr(offsets, INT.as_pointer())
    multiply_add = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3), f"llvm.fma.v{LANES}f32"
    )
    start = [_spread(builder, builder.load(builder.gep(bias, [INT(k)]))) for k in range(FILTERS)]
    before = builder.block
    body, end = builder.append_basic_block("body"), builder.append_basic_block("end")
    builder.branch(body)
    builder.position_at_end(body)
    index = builder.phi(INT)
    index.add_incoming(INT(0), before)
    sums = [[builder.phi(VECTOR) for _ in range(VECTORS)] for _ in range(FILTERS)]
    place = builder.gep(x, [builder.load(builder.gep(offsets, [index]))])
    read = []
    for vector in range(VECTORS):
        pointer = builder.bitcast(builder.gep(place, [INT(vector * LANES)]), VECTOR.as_pointer())
        read.append(builder.load(pointer))
        read[-1].align = 4
    factors = builder.gep(weight, [builder.mul(index, INT(FILTERS))])
    following = builder.add(index, INT(1))
    index.add_incoming(following, body)
    for k, row in enumerate(sums):
        factor = _spread(builder, builder.load(builder.gep(factors, [INT(k)])))
        for vector, total in enumerate(row):
            total.add_incoming(start[k], before)
            total.add_incoming(builder.call(multiply_add, [factor, read[vector], total]), body)
    builder.cbranch(builder.icmp_signed("<", following, count), body, end)
    builder.position_at_end(end)
    for k, row in enumerate(sums):
        line = builder.gep(out, [builder.mul(step, INT(k))])
        for vector, total in enumerate(row):
            last = total.incomings[1][0]
            pointer = builder.gep(line, [INT(vector * LANES)])
            builder.store(last, builder.bitcast(pointer, VECTOR.as_pointer())).align = 4
    return context.get_dummy_value()


@intrinsic
def _block(
    typing: Any, x: Any, weight: Any, out: Any, count: Any, offsets: Any, step: Any, bias: Any
) -> Any:
    return types.void(x, weight, out, count, offsets, step, bias), _generate


@numba.njit  # type: ignore[untyped-decorator]
def _convolve(x: Array, weight: Array, bias: Array, out: Array, offsets: Array) -> None:
    filters, height, width, images = out.shape
    count, run, columns = len(offsets), LANES * VECTORS, width * images
    for row in range(height):
        line = row * x.shape[2] * images
        for start in range(0, columns, run):
            column = min(start, columns - run)
            for k in range(0, filters, FILTERS):
                _block(
                    x.ctypes.data + 4 * (line + column),
                    weight.ctypes.data + 4 * k * count,
                    out.ctypes.data + 4 * ((k * height + row) * columns + column),
                    count,
                    offsets.ctypes.data,
                    height * columns,
                    bias.ctypes.data + 4 * k,
                )


def compiled(layer: Layer, weight: Array) -> Callable[..., None]:
    """All products and sums of a layer in one compiled function."""
    size = layer.side + 2 * layer.padding
    padded = np.zeros((layer.channels, size, size, layer.images), "f")
    inner = padded[:, layer.padding : size - layer.padding, layer.padding : size - layer.padding]
    offsets = np.ravel_multi_index(
        np.indices((3, 3, layer.channels))[[2, 0, 1]].reshape(3, -1), padded.shape[:3]
    )
    blocks = weight.transpose(2, 3, 1, 0).reshape(offsets.size, -1, FILTERS).transpose(1, 0, 2)
    blocks, bias = np.ascontiguousarray(blocks), np.zeros(layer.filters, "f")

    def convolve(x: Array, out: Array) -> None:
        inner[...] = x
        _convolve(padded, blocks, bias, out, offsets * layer.images)

    return convolve
