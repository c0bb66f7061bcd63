from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional


def two(channels, filters):
    return nn.Sequential(
        nn.Conv2d(channels, filters, 3), nn.ReLU(), nn.Conv2d(filters, filters, 3), nn.ReLU()
    )


class Up(nn.Module):
    def __init__(self, filters, margin):
        super().__init__()
        self.margin = margin
        self.up = nn.ConvTranspose2d(2 * filters, filters, 2, 2)
        self.two = two(2 * filters, filters)

    def forward(self, x, across):
        m = self.margin
        return self.two(torch.cat([across[:, :, m:-m, m:-m], self.up(x)], 1))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [1, 64, 128, 256, 512, 1024]
        self.down = nn.ModuleList(two(a, b) for a, b in pairwise(widths))
        self.up = nn.ModuleList([Up(512, 4), Up(256, 16), Up(128, 40), Up(64, 88)])
        self.scores = nn.Conv2d(64, 2, 1)

    def forward(self, x):
        kept = []
        for down in self.down:
            x = down(x)
            kept.append(x)
            x = functional.max_pool2d(x, 2)
        x = kept.pop()
        for up in self.up:
            x = up(x, kept.pop())
        return self.scores(x)


def loss(net, x, t):
    return functional.cross_entropy(net(x), t)
