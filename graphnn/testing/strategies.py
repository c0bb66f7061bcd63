"""Hypothesis strategies: cases of an op, networks with inputs, and texts of specs."""

from graphnn.testing._strategies.attributes import attributes as attributes
from graphnn.testing._strategies.cases import MARGIN as MARGIN
from graphnn.testing._strategies.cases import OpCase as OpCase
from graphnn.testing._strategies.cases import op_cases as op_cases
