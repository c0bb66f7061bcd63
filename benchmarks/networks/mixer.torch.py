from torch import nn
from torch.nn import functional


def perceptron(width, hidden):
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class Mixer(nn.Module):
    def __init__(self, patches, width, tokens, channels):
        super().__init__()
        self.n1 = nn.LayerNorm(width)
        self.mix = perceptron(patches, tokens)
        self.n2 = nn.LayerNorm(width)
        self.each = perceptron(width, channels)

    def forward(self, x):
        x = x + self.mix(self.n1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.each(self.n2(x))


class Net(nn.Module):
    def __init__(self, width=768, tokens=384, channels=3072, depth=12, patches=196):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 16, 16)
        self.layers = nn.Sequential(
            *(Mixer(patches, width, tokens, channels) for _ in range(depth))
        )
        self.norm = nn.LayerNorm(width)
        self.scores = nn.Linear(width, 1000)

    def forward(self, x):
        h = self.layers(self.patches(x).flatten(2).transpose(1, 2))
        return self.scores(self.norm(h).mean(1))


def loss(net, x, t):
    return functional.cross_entropy(net(x), t)
