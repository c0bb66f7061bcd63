from torch import nn
from torch.nn import functional


class Net(nn.Module):
    def __init__(self, words=10000, units=650):
        super().__init__()
        self.embedding = nn.Embedding(words, units)
        self.drop = nn.Dropout(0.5)
        self.lstm = nn.LSTM(units, units, 2, batch_first=True, dropout=0.5)
        self.scores = nn.Linear(units, words)

    def forward(self, x):
        h, _ = self.lstm(self.drop(self.embedding(x)))
        return self.scores(self.drop(h))


def loss(net, x, t):
    return functional.cross_entropy(net(x).flatten(0, 1), t.flatten())
