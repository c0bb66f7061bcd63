import keras
from keras import layers


def conv(x, filters, kernel, stride=1):
    x = layers.ZeroPadding2D(kernel // 2)(x)
    x = layers.Conv2D(filters, kernel, stride, use_bias=False)(x)
    return layers.BatchNormalization()(x)


def excite(x, filters):
    m = layers.GlobalAveragePooling2D(keepdims=True)(x)
    z = layers.Dense(filters // 16, "relu")(m)
    return x * layers.Dense(filters, "sigmoid")(z)


def residual(x, width, stride):
    filters = 4 * width
    b = layers.ReLU()(conv(x, width, 1, stride))
    b = layers.ReLU()(conv(b, width, 3))
    b = excite(conv(b, filters, 1), filters)
    across = x if x.shape[-1] == filters else conv(x, filters, 1, stride)
    return layers.ReLU()(b + across)


def network():
    inputs = keras.Input((224, 224, 3))
    x = layers.ReLU()(conv(inputs, 64, 7, 2))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for width, depth in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for number in range(depth):
            x = residual(x, width, 2 if number == 0 and width > 64 else 1)
    m = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(1000, "softmax")(m))


LOSS = "sparse_categorical_crossentropy"
