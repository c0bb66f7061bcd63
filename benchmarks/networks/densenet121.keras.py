import keras
from keras import layers


def conv(x, filters, kernel):
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return layers.Conv2D(filters, kernel, padding="same", use_bias=False)(x)


def network(growth=32, depths=(6, 12, 24, 16)):
    x = inputs = keras.Input((224, 224, 3))
    x = layers.ZeroPadding2D(3)(x)
    x = layers.Conv2D(2 * growth, 7, 2, use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for number, depth in enumerate(depths):
        if number:
            x = layers.AveragePooling2D(2)(conv(x, x.shape[-1] // 2, 1))
        for _ in range(depth):
            new = conv(conv(x, 4 * growth, 1), growth, 3)
            x = layers.Concatenate()([x, new])
    x = layers.ReLU()(layers.BatchNormalization()(x))
    m = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(1000, "softmax")(m))


LOSS = "sparse_categorical_crossentropy"
