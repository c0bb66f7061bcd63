from torch import nn
from torch.nn import functional


class WithinChannel(nn.Module):
    def forward(self, x):
        near = functional.avg_pool2d(x**2, 3, 1, 1)
        return x * (1 + 5e-5 * near) ** -0.75


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 32, 5, padding=2),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.ReLU(),
            WithinChannel(),
            nn.Conv2d(32, 32, 5, padding=2),
            nn.ReLU(),
            nn.AvgPool2d(3, 2, ceil_mode=True),
            WithinChannel(),
            nn.Conv2d(32, 64, 5, padding=2),
            nn.ReLU(),
            nn.AvgPool2d(3, 2, ceil_mode=True),
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, 10),
        )


def loss(net, x, t):
    return functional.cross_entropy(net(x), t)
