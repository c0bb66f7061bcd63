from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from graphnn.sklearn import Classifier

x, t = load_iris(return_X_y=True)
model = make_pipeline(StandardScaler(), Classifier(hidden=(16,), epochs=50, random_state=0))
print("accuracy", cross_val_score(model, x, t, cv=5).mean())
