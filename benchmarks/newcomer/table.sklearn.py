import joblib
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

table = pd.read_csv("iris.csv")
x, t = table.drop(columns="species"), table["species"]
train_x, test_x, train_t, test_t = train_test_split(x, t, test_size=0.2, stratify=t, random_state=0)
model = make_pipeline(StandardScaler(), MLPClassifier((16,), max_iter=1000, random_state=0))
model.fit(train_x, train_t)
print("accuracy", model.score(test_x, test_t))
joblib.dump(model, "iris.joblib")

model = joblib.load("iris.joblib")
new = pd.read_csv("new.csv")
found = pd.DataFrame(model.predict_proba(new[train_x.columns]), columns=model.classes_)
found.insert(0, "class", model.predict(new[train_x.columns]))
found.to_csv("found.csv", index=False)
