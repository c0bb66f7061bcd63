"""Checks texts as `languages.py` asks: Keras, from the JSON of its models.

With ``--write`` it prints the three networks as Keras writes them.
"""

import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from keras import layers


def digits():
    """784-50-10."""
    x = keras.Input((784,), name="x")
    z = layers.Dense(50, "sigmoid", name="a1")(x)
    return keras.Model(x, layers.Dense(10, "softmax", name="a2")(z), name="digits")


def cnn():
    """A convolution, a pooling and two affine layers."""
    x = keras.Input((28, 28, 1), name="x")
    c = layers.Conv2D(30, 5, activation="relu", name="c1")(x)
    f = layers.Flatten(name="f")(layers.MaxPooling2D(2, name="p1")(c))
    z = layers.Dense(100, "relu", name="a2")(f)
    return keras.Model(x, layers.Dense(10, "softmax", name="a3")(z), name="cnn")


def residual():
    """One residual block."""

    def convolution(name, inputs, strides=1):
        made = layers.Conv2D(16, 3, strides, "same", use_bias=False, name=f"c{name}")(inputs)
        return layers.BatchNormalization(name=f"n{name}")(made)

    x = keras.Input((28, 28, 1), name="x")
    z = layers.ReLU(name="z0")(convolution("0", x, 2))
    inner = layers.ReLU(name="z1")(convolution("1", z))
    total = layers.Add(name="sum")([convolution("2", inner), z])
    m = layers.GlobalAveragePooling2D(name="m")(layers.ReLU(name="z2")(total))
    return keras.Model(x, layers.Dense(10, "softmax", name="a")(m), name="residual")


if "--write" in sys.argv:
    made = {net.__name__: net().to_json(indent=2) for net in (digits, cnn, residual)}
    json.dump(made, sys.stdout)
else:
    found = []
    for text in json.load(sys.stdin):
        try:
            keras.models.model_from_json(text)
            found.append(["", False])
        except Exception as error:
            # Before what is wrong, Keras often prints the whole configuration.
            said = str(error).rpartition("Exception encountered: ")[2]
            found.append([" ".join(f"{type(error).__name__}: {said}".split()), False])
    json.dump({"version": keras.__version__, "found": found}, sys.stdout)
