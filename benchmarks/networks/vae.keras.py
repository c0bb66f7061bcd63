import keras
from keras import layers, ops


class Drawn(layers.Layer):
    def __init__(self):
        super().__init__()
        self.seed = keras.random.SeedGenerator()

    def call(self, mean, log_variance):
        divergence = mean**2 + ops.exp(log_variance) - log_variance - 1
        self.add_loss(ops.mean(ops.sum(divergence, 1)) / 2)
        return mean + ops.exp(log_variance / 2) * keras.random.normal(
            ops.shape(mean), seed=self.seed
        )


def network(pixels=784, hidden=500, code=20):
    x = keras.Input((pixels,))
    e = layers.Dense(hidden, "tanh")(x)
    z = Drawn()(layers.Dense(code)(e), layers.Dense(code)(e))
    d = layers.Dense(hidden, "tanh")(z)
    return keras.Model(x, layers.Dense(pixels, "sigmoid")(d))


def reconstruction(x, y):
    return 784 * keras.losses.binary_crossentropy(x, y)


LOSS = reconstruction
