"""Diagrams of networks, and pictures of data, training and gradients.

``diagram/`` draws graphs by Graphviz, ``plots/`` the rest by matplotlib, imported there alone.
Imports `graphnn.execution` and below. Start reading at ``_draw.py``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
