import keras
from keras import layers


def perceptron(x, hidden):
    return layers.Dense(x.shape[-1])(layers.Dense(hidden, "gelu")(x))


def mixer(x, tokens, channels):
    turn = layers.Permute((2, 1))(layers.LayerNormalization(epsilon=1e-5)(x))
    x = x + layers.Permute((2, 1))(perceptron(turn, tokens))
    return x + perceptron(layers.LayerNormalization(epsilon=1e-5)(x), channels)


def network(width=768, tokens=384, channels=3072, depth=12):
    x = keras.Input((224, 224, 3))
    h = layers.Reshape((-1, width))(layers.Conv2D(width, 16, 16)(x))
    for _ in range(depth):
        h = mixer(h, tokens, channels)
    n = layers.LayerNormalization(epsilon=1e-5)(h)
    m = layers.GlobalAveragePooling1D()(n)
    return keras.Model(x, layers.Dense(1000, "softmax")(m))


LOSS = "sparse_categorical_crossentropy"
