import keras
from digits import load
from sklearn.metrics import ConfusionMatrixDisplay

keras.utils.set_random_seed(0)
train_x, train_t, test_x, test_t = load()
model = keras.Sequential(
    [
        keras.Input((784,)),
        keras.layers.Dense(50, activation="sigmoid"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
optimizer = keras.optimizers.SGD(1.0)
model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train_x, train_t, epochs=10, batch_size=100)
print("accuracy", model.evaluate(test_x, test_t, verbose=0)[1])
guesses = model.predict(test_x, verbose=0).argmax(axis=1)
ConfusionMatrixDisplay.from_predictions(test_t, guesses).figure_.savefig("confusion.png")
