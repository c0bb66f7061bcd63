"""Networks for other programs, and those of other programs: ONNX, and code.

``onnx/`` writes and reads ONNX models; onnx, onnxruntime and torch are imported in this room alone,
and where they are used. Imports `graphnn.training` and below. Start reading at ``_export.py``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
