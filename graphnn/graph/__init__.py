"""A `NetworkSpec` and the ops become a `Graph`: bound, connected, scheduled, shaped, checked.

Also what is derived from graphs: lints, the outline of blocks, the comparison of two graphs, and
the JSON Schema of the language. networkx is imported here alone. Imports `graphnn.ops` and below.
Start reading at ``_building.py``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
