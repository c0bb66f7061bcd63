import keras
from keras import layers


def conv(x, filters, kernel):
    x = layers.Conv2D(filters, kernel, padding="same", use_bias=False)(x)
    return layers.LeakyReLU(0.1)(layers.BatchNormalization()(x))


def network():
    x = inputs = keras.Input((416, 416, 3))
    for filters in (16, 32, 64, 128):
        x = layers.MaxPooling2D(2)(conv(x, filters, 3))
    c5 = conv(x, 256, 3)
    x = conv(layers.MaxPooling2D(2)(c5), 512, 3)
    x = conv(layers.MaxPooling2D(2, 1, "same")(x), 1024, 3)
    c8 = conv(x, 256, 1)
    coarse = layers.Conv2D(255, 1, activation="sigmoid")(conv(c8, 512, 3))
    up = layers.UpSampling2D(2)(conv(c8, 128, 1))
    both = layers.Concatenate()([up, c5])
    fine = layers.Conv2D(255, 1, activation="sigmoid")(conv(both, 256, 3))
    return keras.Model(inputs, [coarse, fine])


LOSS = ["binary_crossentropy", "binary_crossentropy"]
