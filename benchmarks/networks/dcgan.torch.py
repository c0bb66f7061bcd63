from torch import nn
from torch.nn import functional


def grow(channels, filters):
    return nn.Sequential(
        nn.ConvTranspose2d(channels, filters, 4, 2, 1, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
    )


def shrink(channels, filters):
    return nn.Sequential(
        nn.Conv2d(channels, filters, 4, 2, 1, bias=False),
        nn.BatchNorm2d(filters),
        nn.LeakyReLU(0.2),
    )


class Net(nn.Module):
    def __init__(self, code=100, width=64):
        super().__init__()
        self.generator = nn.Sequential(
            nn.ConvTranspose2d(code, 8 * width, 4, bias=False),
            nn.BatchNorm2d(8 * width),
            nn.ReLU(),
            grow(8 * width, 4 * width),
            grow(4 * width, 2 * width),
            grow(2 * width, width),
            nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False),
            nn.Tanh(),
        )
        self.critic = nn.Sequential(
            nn.Conv2d(3, width, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2),
            shrink(width, 2 * width),
            shrink(2 * width, 4 * width),
            shrink(4 * width, 8 * width),
            nn.Conv2d(8 * width, 1, 4, bias=False),
            nn.Flatten(),
            nn.Sigmoid(),
        )

    def forward(self, code, real):
        return self.critic(real), self.critic(self.generator(code))


def loss(net, code, real, yes, no):
    right, wrong = net(code, real)
    cost = functional.binary_cross_entropy
    return cost(right, yes) + cost(wrong, no)
