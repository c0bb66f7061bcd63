"""Ops: one class states operands, attributes, shapes, values and the reverse pass.

``families/`` holds the ops, found by being there; ``kernels/`` the array code that several share;
``initializers.py`` first values of parameters. Imports `graphnn.spec` and below. Start reading at
``_op.py``, then ``families/linear.py``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
