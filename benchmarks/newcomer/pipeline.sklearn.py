from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

x, t = load_iris(return_X_y=True)
model = make_pipeline(StandardScaler(), MLPClassifier((16,), max_iter=1000, random_state=0))
print("accuracy", cross_val_score(model, x, t, cv=5).mean())
