"""The language: text to `NetworkSpec` and back.

``reading/`` turns text into located values, ``build.py`` values into records (``*_records.py``),
``blocks/`` expands blocks, ``writing/`` formats and converts. Knows no NumPy, no networkx and no
op. Imports `graphnn.diagnostics` and `graphnn.storage`. Start reading at ``reader.py``, then
``model.py``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
