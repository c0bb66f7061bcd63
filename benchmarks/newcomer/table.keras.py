import keras
import pandas as pd
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(0)
table = pd.read_csv("iris.csv")
x = table.drop(columns="species").to_numpy("float32")
names = sorted(table["species"].unique())
t = table["species"].map(names.index).to_numpy()
train_x, test_x, train_t, test_t = train_test_split(x, t, test_size=0.2, stratify=t, random_state=0)
scale = keras.layers.Normalization()
scale.adapt(train_x)
model = keras.Sequential(
    [
        keras.Input((4,)),
        scale,
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(len(names), activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
stop = keras.callbacks.EarlyStopping(patience=20, restore_best_weights=True)
model.fit(
    train_x,
    train_t,
    epochs=200,
    batch_size=15,
    validation_data=(test_x, test_t),
    callbacks=[stop],
    verbose=0,
)
print("accuracy", model.evaluate(test_x, test_t, verbose=0)[1])
model.save("iris.keras")

model = keras.models.load_model("iris.keras")
new = pd.read_csv("new.csv").drop(columns="species").to_numpy("float32")
found = pd.DataFrame(model.predict(new, verbose=0), columns=names)
found.insert(0, "class", found.idxmax(axis=1))
found.to_csv("found.csv", index=False)
