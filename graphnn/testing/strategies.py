"""Hypothesis strategies: cases of an op, and networks with inputs for them."""

from graphnn.testing._strategies.attributes import attributes as attributes
from graphnn.testing._strategies.cases import MARGIN as MARGIN
from graphnn.testing._strategies.cases import OpCase as OpCase
from graphnn.testing._strategies.cases import op_cases as op_cases
from graphnn.testing._strategies.network_case import NetworkCase as NetworkCase
from graphnn.testing._strategies.networks import networks as networks
