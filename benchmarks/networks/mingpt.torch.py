import torch
from torch import nn
from torch.nn import functional


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.n1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.o = nn.Linear(width, width)
        self.n2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width)
        )

    def forward(self, x):
        parts = self.qkv(self.n1(x)).unflatten(2, (3, self.heads, -1))
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(seen.transpose(1, 2).flatten(2))
        return x + self.mlp(self.n2(x))


class Net(nn.Module):
    def __init__(self, signs=50257, time=1024, width=768, depth=12, heads=12):
        super().__init__()
        self.embedding = nn.Embedding(signs, width)
        self.places = nn.Parameter(0.02 * torch.randn(time, width))
        self.layers = nn.Sequential(*(Layer(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.scores = nn.Linear(width, signs, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, x):
        return self.scores(self.norm(self.layers(self.embedding(x) + self.places)))


def loss(net, x, t):
    return functional.cross_entropy(net(x).flatten(0, 1), t.flatten())
