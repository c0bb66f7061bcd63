"""The registry of data sources, filled: importing this module imports every source."""

import pkgutil
from importlib import import_module

from graphnn.training.data import sources
from graphnn.training.data.source import SOURCES as SOURCES

for _source in pkgutil.iter_modules(sources.__path__):
    import_module(f"{sources.__name__}.{_source.name}")
