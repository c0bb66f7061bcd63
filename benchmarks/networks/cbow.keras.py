import keras
from keras import layers, ops


def network(words=71291, units=200):
    x = keras.Input((16,), dtype="int32")
    asked = keras.Input((26,), dtype="int32")
    h = ops.mean(layers.Embedding(words, units)(x), 1)
    o = layers.Embedding(words, units)(asked)
    y = ops.sigmoid(ops.einsum("bu,bwu->bw", h, o))
    return keras.Model([x, asked], y)


LOSS = "binary_crossentropy"
