import keras
from keras import layers, ops


def stream(x, units):
    return layers.Dense(units)(layers.Dense(512, "relu")(x))


def network(actions=18):
    x = keras.Input((84, 84, 4))
    action = keras.Input((1,), dtype="int32")
    z = layers.Conv2D(32, 8, 4, activation="relu")(x)
    z = layers.Conv2D(64, 4, 2, activation="relu")(z)
    f = layers.Flatten()(layers.Conv2D(64, 3, activation="relu")(z))
    advantage = stream(f, actions)
    q = stream(f, 1) + advantage - ops.mean(advantage, 1, keepdims=True)
    return keras.Model([x, action], ops.take_along_axis(q, action, 1))


LOSS = "huber"
