"""Training: data, the loop, runs in folders, evaluation, prediction and searches.

``data/`` reads rows, a module a source; ``fitting/`` holds the loop and what it is made of;
``runs/`` and ``studies/`` keep runs and searches in folders; ``checking/`` reports what is wrong
with a file as a whole. Imports `graphnn.drawing`, `graphnn.gradients` and below. Start reading at
``fitting/loop.py``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
