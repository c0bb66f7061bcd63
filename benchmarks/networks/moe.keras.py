import keras
from keras import layers, ops


def expert(x, width, hidden):
    z = layers.Dense(hidden, "relu", use_bias=False)(x)
    return layers.Dense(width, use_bias=False)(z)


def network(words=10000, width=512, hidden=1024, time=20):
    inputs = keras.Input((time,), dtype="int32")
    x = layers.Embedding(words, width)(inputs)
    x = x + layers.LSTM(width, return_sequences=True)(x)
    gates = layers.Dense(4, "softmax", use_bias=False)(x)
    every = ops.stack([expert(x, width, hidden) for _ in range(4)], 2)
    x = x + ops.sigmoid(ops.einsum("bte,bted->btd", gates, every))
    x = x + layers.LSTM(width, return_sequences=True)(x)
    return keras.Model(inputs, layers.Dense(words, "softmax")(x))


LOSS = "sparse_categorical_crossentropy"
