import keras
from keras import layers, ops


class WithinChannel(layers.Layer):
    def call(self, x):
        near = ops.average_pool(x**2, 3, 1, "same")
        return x * (1 + 5e-5 * near) ** -0.75


def network():
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(32, 5, padding="same"),
            layers.MaxPooling2D(3, 2, "same"),
            layers.ReLU(),
            WithinChannel(),
            layers.Conv2D(32, 5, padding="same", activation="relu"),
            layers.AveragePooling2D(3, 2, "same"),
            WithinChannel(),
            layers.Conv2D(64, 5, padding="same", activation="relu"),
            layers.AveragePooling2D(3, 2, "same"),
            layers.Flatten(),
            layers.Dense(10, "softmax"),
        ]
    )


LOSS = "sparse_categorical_crossentropy"
