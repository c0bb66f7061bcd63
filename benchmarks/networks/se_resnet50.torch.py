from torch import nn
from torch.nn import functional


def conv(channels, filters, kernel, stride=1):
    return nn.Sequential(
        nn.Conv2d(channels, filters, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(filters),
    )


class Excite(nn.Module):
    def __init__(self, filters):
        super().__init__()
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(filters, filters // 16),
            nn.ReLU(),
            nn.Linear(filters // 16, filters),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return x * self.scale(x)[:, :, None, None]


class Residual(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        filters = 4 * width
        self.branch = nn.Sequential(
            conv(channels, width, 1, stride),
            nn.ReLU(),
            conv(width, width, 3),
            nn.ReLU(),
            conv(width, filters, 1),
            Excite(filters),
        )
        same = channels == filters
        self.across = nn.Identity() if same else conv(channels, filters, 1, stride)

    def forward(self, x):
        return functional.relu(self.branch(x) + self.across(x))


class Net(nn.Sequential):
    def __init__(self):
        parts = [conv(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        channels = 64
        for width, depth in ((64, 3), (128, 4), (256, 6), (512, 3)):
            for number in range(depth):
                stride = 2 if number == 0 and width > 64 else 1
                parts.append(Residual(channels, width, stride))
                channels = 4 * width
        super().__init__(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def loss(net, x, t):
    return functional.cross_entropy(net(x), t)
