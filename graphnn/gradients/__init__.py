"""Gradients, two independent ways, and the comparison of the two.

``_backprop.py`` is the reverse pass; ``numerical/`` moves parameters and looks at the loss, and
sees neither backprop nor a concrete op; ``_check.py`` compares, ``_report.py`` says how.
Imports `graphnn.execution` and below. Start reading at ``_backprop.py``, then
``numerical/engine/README.md``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
