"""Estimators for scikit-learn's pipelines, searches and cross-validation.

Needs the extra ``sklearn``. Imports `graphnn.training` and below. Start reading at
``_estimators.py``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
