"""Help for tests: Hypothesis strategies and a pytest plugin (extra ``test``).

Imports everything but the two faces, `graphnn.cli` and `graphnn.lsp`. Start reading at
``strategies.py``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
