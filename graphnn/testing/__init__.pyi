from ._networks import NetworkCase as NetworkCase
from ._networks import networks as networks
from .laws.checks import OpLaw as OpLaw
from .laws.checks import check_op as check_op
from .laws.checks import op_laws as op_laws
from .laws.requirements import BrokenLaw as BrokenLaw
