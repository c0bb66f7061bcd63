import torch
from torch import nn
from torch.nn import functional


class Gate(nn.Module):
    def __init__(self, embedded, width, units):
        super().__init__()
        self.w = nn.Linear(embedded, units, bias=False)
        self.u = nn.Linear(width, units, bias=False)
        self.v = nn.Linear(2 * width, units, bias=False)

    def forward(self, y, s, c):
        return self.w(y) + self.u(s) + self.v(c)


class Net(nn.Module):
    def __init__(self, words=30000, embedded=620, units=1000, maxout=500):
        super().__init__()
        self.source = nn.Embedding(words, embedded)
        self.target = nn.Embedding(words, embedded)
        self.encoder = nn.GRU(embedded, units, batch_first=True, bidirectional=True, bias=False)
        self.keys = nn.Linear(2 * units, units, bias=False)
        self.start = nn.Linear(units, units, bias=False)
        self.query = nn.Linear(units, units, bias=False)
        self.energy = nn.Linear(units, 1, bias=False)
        self.reset = Gate(embedded, units, units)
        self.update = Gate(embedded, units, units)
        self.new = Gate(embedded, units, units)
        self.out = Gate(embedded, units, 2 * maxout)
        self.scores = nn.Linear(maxout, words, bias=False)
        self.units = units

    def forward(self, x, before):
        states, _ = self.encoder(self.source(x))
        keys = self.keys(states)
        s = torch.tanh(self.start(states[:, 0, self.units :]))
        told = []
        for y in self.target(before).unbind(1):
            e = self.energy(torch.tanh(self.query(s)[:, None] + keys))
            c = (torch.softmax(e, 1) * states).sum(1)
            told.append(self.out(y, s, c).unflatten(1, (-1, 2)).amax(2))
            r = torch.sigmoid(self.reset(y, s, c))
            z = torch.sigmoid(self.update(y, s, c))
            s = s + z * (torch.tanh(self.new(y, r * s, c)) - s)
        return self.scores(torch.stack(told, 1))


def loss(net, x, before, t):
    return functional.cross_entropy(net(x, before).flatten(0, 1), t.flatten())
