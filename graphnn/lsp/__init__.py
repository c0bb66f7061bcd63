"""The language server: what an editor asks about spec files while they are written.

Imports what checks a file, and pygls alone of third parties; nothing imports it but the command
that starts it. Start reading at ``server.py``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
