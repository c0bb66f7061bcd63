from ._networks import networks as networks
