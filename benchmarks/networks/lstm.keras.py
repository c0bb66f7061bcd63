import keras
from keras import layers


def network(words=10000, units=650, time=35):
    x = keras.Input((time,), dtype="int32")
    h = layers.Dropout(0.5)(layers.Embedding(words, units)(x))
    for _ in range(2):
        h = layers.Dropout(0.5)(layers.LSTM(units, return_sequences=True)(h))
    return keras.Model(x, layers.Dense(words, "softmax")(h))


LOSS = "sparse_categorical_crossentropy"
