from ._estimators import Classifier as Classifier
from ._estimators import Regressor as Regressor
