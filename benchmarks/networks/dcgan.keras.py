import keras
from keras import layers


def grow(filters):
    return [
        layers.Conv2DTranspose(filters, 4, 2, "same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
    ]


def shrink(filters):
    return [
        layers.Conv2D(filters, 4, 2, "same", use_bias=False),
        layers.BatchNormalization(),
        layers.LeakyReLU(0.2),
    ]


def network(code=100, width=64):
    generator = keras.Sequential(
        [
            keras.Input((1, 1, code)),
            layers.Conv2DTranspose(8 * width, 4, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            *grow(4 * width),
            *grow(2 * width),
            *grow(width),
            layers.Conv2DTranspose(3, 4, 2, "same", use_bias=False, activation="tanh"),
        ]
    )
    critic = keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            layers.Conv2D(width, 4, 2, "same", use_bias=False),
            layers.LeakyReLU(0.2),
            *shrink(2 * width),
            *shrink(4 * width),
            *shrink(8 * width),
            layers.Conv2D(1, 4, use_bias=False, activation="sigmoid"),
            layers.Flatten(),
        ]
    )
    noise, real = keras.Input((1, 1, code)), keras.Input((64, 64, 3))
    return keras.Model([noise, real], [critic(real), critic(generator(noise))])


LOSS = ["binary_crossentropy", "binary_crossentropy"]
