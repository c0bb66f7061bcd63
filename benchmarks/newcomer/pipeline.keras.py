import keras
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def network(X, y):
    model = keras.Sequential(
        [
            keras.Input((X.shape[1],)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(y.shape[1], activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy")
    return model


keras.utils.set_random_seed(0)
x, t = load_iris(return_X_y=True)
model = make_pipeline(StandardScaler(), keras.wrappers.SKLearnClassifier(network))
# Keywords of fit that the wrapper is made with are lost in its copies.
fit = {"sklearnclassifier__epochs": 50, "sklearnclassifier__verbose": 0}
print("accuracy", cross_val_score(model, x, t, cv=5, params=fit).mean())
