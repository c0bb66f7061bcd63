from ._networks import NetworkCase as NetworkCase
from ._networks import networks as networks
