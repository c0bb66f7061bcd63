"""What is wrong with a file, where, and what to do about it.

A `Diagnostic` is one fault; the errors of graphnn carry diagnostics; `Findings` collects them
while a file is checked. Codes and the pages that explain them lie here, with what renders
diagnostics as text, JSON, SARIF and annotations. Imports nothing of graphnn. Start reading at
``_diagnostic.py``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
