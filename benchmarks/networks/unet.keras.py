import keras
from keras import layers


def two(x, filters):
    for _ in range(2):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
    return x


def network():
    x = inputs = keras.Input((572, 572, 1))
    kept = []
    for filters in (64, 128, 256, 512):
        x = two(x, filters)
        kept.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = two(x, 1024)
    for filters, margin in ((512, 4), (256, 16), (128, 40), (64, 88)):
        up = layers.Conv2DTranspose(filters, 2, 2)(x)
        crop = layers.Cropping2D(margin)(kept.pop())
        x = two(layers.Concatenate()([crop, up]), filters)
    return keras.Model(inputs, layers.Conv2D(2, 1, activation="softmax")(x))


LOSS = "sparse_categorical_crossentropy"
