"""Hypothesis strategies: cases of an op, networks with inputs for them, and texts of specs."""

from graphnn.testing._strategies.attributes import attributes as attributes
from graphnn.testing._strategies.batches import batches as batches
from graphnn.testing._strategies.cases import MARGIN as MARGIN
from graphnn.testing._strategies.cases import OpCase as OpCase
from graphnn.testing._strategies.cases import op_cases as op_cases
from graphnn.testing._strategies.network_case import NetworkCase as NetworkCase
from graphnn.testing._strategies.networks import networks as networks
from graphnn.testing._strategies.texts import EquivalentSpecs as EquivalentSpecs
from graphnn.testing._strategies.texts import InvalidSpec as InvalidSpec
from graphnn.testing._strategies.texts import equivalent_specs as equivalent_specs
from graphnn.testing._strategies.texts import invalid_specs as invalid_specs
from graphnn.testing._strategies.texts import specs as specs
