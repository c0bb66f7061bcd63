import torch
from torch import nn
from torch.nn import functional


class Net(nn.Module):
    def __init__(self, pixels=784, hidden=500, code=20):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.Tanh())
        self.mean = nn.Linear(hidden, code)
        self.log_variance = nn.Linear(hidden, code)
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.Tanh(), nn.Linear(hidden, pixels))

    def forward(self, x):
        e = self.encoder(x)
        mean, log_variance = self.mean(e), self.log_variance(e)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        return self.decoder(z), mean, log_variance


def loss(net, x):
    y, mean, log_variance = net(x)
    reconstruction = functional.binary_cross_entropy_with_logits(y, x, reduction="sum")
    divergence = (mean**2 + log_variance.exp() - log_variance - 1).sum() / 2
    return (reconstruction + divergence) / len(x)
