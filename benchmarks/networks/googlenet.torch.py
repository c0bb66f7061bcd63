import torch
from torch import nn
from torch.nn import functional


def conv(channels, filters, kernel):
    return nn.Sequential(nn.Conv2d(channels, filters, kernel, padding=kernel // 2), nn.ReLU())


class Inception(nn.Module):
    def __init__(self, channels, one, before3, three, before5, five, pooled):
        super().__init__()
        self.parts = nn.ModuleList(
            [
                conv(channels, one, 1),
                nn.Sequential(conv(channels, before3, 1), conv(before3, three, 3)),
                nn.Sequential(conv(channels, before5, 1), conv(before5, five, 5)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(channels, pooled, 1)),
            ]
        )

    def forward(self, x):
        return torch.cat([part(x) for part in self.parts], 1)


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 64, 7, 2, 3),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.LocalResponseNorm(5),
            conv(64, 64, 1),
            conv(64, 192, 3),
            nn.LocalResponseNorm(5),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Inception(192, 64, 96, 128, 16, 32, 32),
            Inception(256, 128, 128, 192, 32, 96, 64),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Inception(480, 192, 96, 208, 16, 48, 64),
            Inception(512, 160, 112, 224, 24, 64, 64),
            Inception(512, 128, 128, 256, 24, 64, 64),
            Inception(512, 112, 144, 288, 32, 64, 64),
            Inception(528, 256, 160, 320, 32, 128, 128),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Inception(832, 256, 160, 320, 32, 128, 128),
            Inception(832, 384, 192, 384, 48, 128, 128),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.4),
            nn.Linear(1024, 1000),
        )


def loss(net, x, t):
    return functional.cross_entropy(net(x), t)
