import keras
from keras import layers, ops


class Gate(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.parts = [layers.Dense(units, use_bias=False) for _ in range(3)]

    def build(self, shapes):
        for part, shape in zip(self.parts, shapes, strict=True):
            part.build(shape)

    def call(self, inputs):
        w, u, v = (part(x) for part, x in zip(self.parts, inputs, strict=True))
        return w + u + v


def network(words=30000, embedded=620, units=1000, maxout=500, asked=20, told=20):
    def dense(size):
        return layers.Dense(size, use_bias=False)

    x = keras.Input((asked,), dtype="int32")
    before = keras.Input((told,), dtype="int32")
    encoder = layers.GRU(units, use_bias=False, return_sequences=True)
    states = layers.Bidirectional(encoder)(layers.Embedding(words, embedded)(x))
    keys = dense(units)(states)
    s = ops.tanh(dense(units)(states[:, 0, units:]))
    query, energy = dense(units), dense(1)
    reset, update, new, out = Gate(units), Gate(units), Gate(units), Gate(2 * maxout)
    target = layers.Embedding(words, embedded)(before)
    rows = []
    for step in range(told):
        y = target[:, step]
        e = energy(ops.tanh(ops.expand_dims(query(s), 1) + keys))
        c = ops.sum(ops.softmax(e, 1) * states, 1)
        rows.append(ops.max(ops.reshape(out([y, s, c]), (-1, maxout, 2)), 2))
        r = ops.sigmoid(reset([y, s, c]))
        z = ops.sigmoid(update([y, s, c]))
        s = s + z * (ops.tanh(new([y, r * s, c])) - s)
    scores = layers.Dense(words, "softmax", use_bias=False)(ops.stack(rows, 1))
    return keras.Model([x, before], scores)


LOSS = "sparse_categorical_crossentropy"
