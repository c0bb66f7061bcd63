import keras
from keras import layers, ops


def network():
    tower = keras.Sequential(
        [
            keras.Input((105, 105, 1)),
            layers.Conv2D(64, 10, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(128, 7, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(128, 4, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(256, 4, activation="relu"),
            layers.Flatten(),
            layers.Dense(4096, "sigmoid"),
        ]
    )
    left, right = keras.Input((105, 105, 1)), keras.Input((105, 105, 1))
    far = ops.abs(tower(left) - tower(right))
    return keras.Model([left, right], layers.Dense(1, "sigmoid")(far))


LOSS = "binary_crossentropy"
