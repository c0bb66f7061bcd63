import keras
from keras import layers, ops


class Cell(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.state_size = units
        self.recurrent = layers.Dense(units, use_bias=False)

    def build(self, shape):
        self.recurrent.build((None, self.state_size))

    def call(self, x, states):
        h = ops.sigmoid(x + self.recurrent(states[0]))
        return h, [h]


def network(words=10000, units=300, time=35):
    x = keras.Input((time,), dtype="int32")
    e = layers.Embedding(words, units)(x)
    h = layers.RNN(Cell(units), return_sequences=True)(e)
    return keras.Model(x, layers.Dense(words, "softmax", use_bias=False)(h))


LOSS = "sparse_categorical_crossentropy"
