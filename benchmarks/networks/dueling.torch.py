from torch import nn
from torch.nn import functional


def stream(units):
    return nn.Sequential(nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, units))


class Net(nn.Module):
    def __init__(self, actions=18):
        super().__init__()
        self.screen = nn.Sequential(
            nn.Conv2d(4, 32, 8, 4),
            nn.ReLU(),
            nn.Conv2d(32, 64, 4, 2),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.value = stream(1)
        self.advantage = stream(actions)

    def forward(self, x):
        f = self.screen(x)
        advantage = self.advantage(f)
        return self.value(f) + advantage - advantage.mean(1, keepdim=True)


def loss(net, x, action, t):
    return functional.huber_loss(net(x).gather(1, action), t)
