import torch
from torch import nn
from torch.nn import functional


def expert(width, hidden):
    return nn.Sequential(
        nn.Linear(width, hidden, bias=False), nn.ReLU(), nn.Linear(hidden, width, bias=False)
    )


class Net(nn.Module):
    def __init__(self, words=10000, width=512, hidden=1024):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.first = nn.LSTM(width, width, batch_first=True)
        self.gates = nn.Linear(width, 4, bias=False)
        self.experts = nn.ModuleList(expert(width, hidden) for _ in range(4))
        self.second = nn.LSTM(width, width, batch_first=True)
        self.scores = nn.Linear(width, words)

    def forward(self, x):
        x = self.embedding(x)
        x = x + self.first(x)[0]
        gates = torch.softmax(self.gates(x), 2)
        every = torch.stack([each(x) for each in self.experts], 2)
        x = x + torch.sigmoid(torch.einsum("bte,bted->btd", gates, every))
        return self.scores(x + self.second(x)[0])


def loss(net, x, t):
    return functional.cross_entropy(net(x).flatten(0, 1), t.flatten())
