import keras
from keras import layers, ops


class Norm(layers.Layer):
    def call(self, x):
        square = ops.pad(x**2, [[0, 0], [0, 0], [0, 0], [2, 2]])
        channels = x.shape[-1]
        total = sum(square[..., n : n + channels] for n in range(5))
        return x / (1 + 1e-4 / 5 * total) ** 0.75


def conv(x, filters, kernel):
    return layers.Conv2D(filters, kernel, padding="same", activation="relu")(x)


def inception(x, one, before3, three, before5, five, pooled):
    a = conv(x, one, 1)
    b = conv(conv(x, before3, 1), three, 3)
    c = conv(conv(x, before5, 1), five, 5)
    d = conv(layers.MaxPooling2D(3, 1, "same")(x), pooled, 1)
    return layers.Concatenate()([a, b, c, d])


def down(x):
    return layers.MaxPooling2D(3, 2, "same")(x)


def network():
    inputs = keras.Input((224, 224, 3))
    x = layers.ZeroPadding2D(3)(inputs)
    x = Norm()(down(layers.Conv2D(64, 7, 2, activation="relu")(x)))
    x = down(Norm()(conv(conv(x, 64, 1), 192, 3)))
    x = inception(x, 64, 96, 128, 16, 32, 32)
    x = down(inception(x, 128, 128, 192, 32, 96, 64))
    x = inception(x, 192, 96, 208, 16, 48, 64)
    x = inception(x, 160, 112, 224, 24, 64, 64)
    x = inception(x, 128, 128, 256, 24, 64, 64)
    x = inception(x, 112, 144, 288, 32, 64, 64)
    x = down(inception(x, 256, 160, 320, 32, 128, 128))
    x = inception(x, 256, 160, 320, 32, 128, 128)
    x = inception(x, 384, 192, 384, 48, 128, 128)
    x = layers.Dropout(0.4)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(1000, "softmax")(x))


LOSS = "sparse_categorical_crossentropy"
