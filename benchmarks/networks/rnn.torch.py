import torch
from torch import nn
from torch.nn import functional


class Net(nn.Module):
    def __init__(self, words=10000, units=300):
        super().__init__()
        self.units = units
        self.embedding = nn.Embedding(words, units)
        self.recurrent = nn.Linear(units, units, bias=False)
        self.scores = nn.Linear(units, words, bias=False)

    def forward(self, x):
        e = self.embedding(x)
        h = torch.zeros(len(x), self.units)
        states = []
        for step in e.unbind(1):
            h = torch.sigmoid(step + self.recurrent(h))
            states.append(h)
        return self.scores(torch.stack(states, 1))


def loss(net, x, t):
    return functional.cross_entropy(net(x).flatten(0, 1), t.flatten())
