import torch
from torch import nn
from torch.nn import functional


def conv(channels, filters, kernel):
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, filters, kernel, padding=kernel // 2, bias=False),
    )


class Layer(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        self.new = nn.Sequential(conv(channels, 4 * growth, 1), conv(4 * growth, growth, 3))

    def forward(self, x):
        return torch.cat([x, self.new(x)], 1)


class Net(nn.Sequential):
    def __init__(self, growth=32, depths=(6, 12, 24, 16)):
        channels = 2 * growth
        parts = [
            nn.Conv2d(3, channels, 7, 2, 3, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        ]
        for number, depth in enumerate(depths):
            if number:
                parts += [conv(channels, channels // 2, 1), nn.AvgPool2d(2)]
                channels //= 2
            for _ in range(depth):
                parts.append(Layer(channels, growth))
                channels += growth
        parts += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        super().__init__(*parts, nn.Linear(channels, 1000))


def loss(net, x, t):
    return functional.cross_entropy(net(x), t)
