import keras
from keras import layers, ops


class Places(layers.Layer):
    def build(self, shape):
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.places = self.add_weight(shape=shape[1:], initializer=start)

    def call(self, x):
        return x + self.places


def layer(x, width, heads):
    n1 = layers.LayerNormalization(epsilon=1e-5)(x)
    attend = layers.MultiHeadAttention(heads, width // heads)
    x = x + attend(n1, n1, use_causal_mask=True)
    n2 = layers.LayerNormalization(epsilon=1e-5)(x)
    z = ops.gelu(layers.Dense(4 * width)(n2), approximate=True)
    return x + layers.Dense(width)(z)


def network(signs=50257, time=1024, width=768, depth=12, heads=12):
    x = keras.Input((time,), dtype="int32")
    start = keras.initializers.RandomNormal(stddev=0.02)
    h = Places()(layers.Embedding(signs, width, start)(x))
    for _ in range(depth):
        h = layer(h, width, heads)
    n = layers.LayerNormalization(epsilon=1e-5)(h)
    return keras.Model(x, layers.Dense(signs, "softmax", use_bias=False)(n))


LOSS = "sparse_categorical_crossentropy"
