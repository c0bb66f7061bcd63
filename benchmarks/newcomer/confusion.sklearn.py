from digits import load
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.neural_network import MLPClassifier

train_x, train_t, test_x, test_t = load()
model = MLPClassifier(
    (50,),
    activation="logistic",
    solver="sgd",
    learning_rate_init=0.5,
    momentum=0,
    batch_size=100,
    max_iter=30,
    tol=0,
    n_iter_no_change=30,
    random_state=0,
)
model.fit(train_x, train_t)
print("accuracy", model.score(test_x, test_t))
ConfusionMatrixDisplay.from_estimator(model, test_x, test_t).figure_.savefig("confusion.png")
