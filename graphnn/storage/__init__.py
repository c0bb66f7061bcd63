"""Files: opened inside their folder, read within limits, written whole or not at all.

Archives of arrays (.npz, .safetensors), the leases of workers that share a folder, and interrupts
deferred while something is written. Imports `graphnn.diagnostics` alone. Start reading at
``files.py``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
