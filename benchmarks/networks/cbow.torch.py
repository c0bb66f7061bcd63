import torch
from torch import nn
from torch.nn import functional


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.around = nn.Embedding(71291, 200)
        self.middle = nn.Embedding(71291, 200)

    def forward(self, x, asked):
        h = self.around(x).mean(1)
        return torch.einsum("bu,bwu->bw", h, self.middle(asked))


def loss(net, x, asked, t):
    return functional.binary_cross_entropy_with_logits(net(x, asked), t)
