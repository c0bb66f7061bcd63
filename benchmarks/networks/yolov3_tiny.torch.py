import torch
from torch import nn
from torch.nn import functional


def conv(channels, filters, kernel):
    return nn.Sequential(
        nn.Conv2d(channels, filters, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(filters),
        nn.LeakyReLU(0.1),
    )


def down(channels, filters):
    return nn.Sequential(conv(channels, filters, 3), nn.MaxPool2d(2))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(
            down(3, 16), down(16, 32), down(32, 64), down(64, 128), conv(128, 256, 3)
        )
        self.middle = nn.Sequential(
            nn.MaxPool2d(2),
            conv(256, 512, 3),
            nn.ReplicationPad2d((0, 1, 0, 1)),
            nn.MaxPool2d(2, 1),
            conv(512, 1024, 3),
            conv(1024, 256, 1),
        )
        self.coarse = nn.Sequential(conv(256, 512, 3), nn.Conv2d(512, 255, 1))
        self.up = nn.Sequential(conv(256, 128, 1), nn.Upsample(scale_factor=2))
        self.fine = nn.Sequential(conv(384, 256, 3), nn.Conv2d(256, 255, 1))

    def forward(self, x):
        c5 = self.first(x)
        c8 = self.middle(c5)
        return self.coarse(c8), self.fine(torch.cat([self.up(c8), c5], 1))


def loss(net, x, t1, t2):
    coarse, fine = net(x)
    cost = functional.binary_cross_entropy_with_logits
    return cost(coarse, t1) + cost(fine, t2)
