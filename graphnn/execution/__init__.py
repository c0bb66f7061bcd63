"""A `Graph` runs: `Plan`, `Executor`, and `Network`, the object that users hold.

Examples of a spec and files of weights are read here too. Imports `graphnn.graph` and below.
Start reading at ``_plan.py``, then ``_executor.py``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
