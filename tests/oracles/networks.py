"""The architectures in torch.nn, with PyTorch's parameter names and default initialisation."""

import math
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional as F


def mlp(shape, classes, hidden=(128,)):
    widths = [math.prod(shape), *hidden]
    layers = [nn.Flatten()]
    for fan_in, fan_out in zip(widths, widths[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], classes))


class Cnn(nn.Module):
    """Three 3x3 convolutions (strides 1, 2, 2; width, 2 width, 4 width), each with batch norm and ReLU."""

    def __init__(self, channels, classes, width=32):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(2 * width)
        self.conv3 = nn.Conv2d(2 * width, 4 * width, 3, 2, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(4 * width, classes)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.relu(self.bn3(self.conv3(x)))
        return self.fc(x.mean((2, 3)))


def cnn(shape, classes, width=32):
    return Cnn(shape[0], classes, width)


def sat_cnn(shape, classes):
    """1x28x28 only. Convolution weights He normal over the fan-out; biases and the head by default."""
    network = nn.Sequential(
        nn.Conv2d(shape[0], 64, 8, 2, 3), nn.ReLU(),
        nn.Conv2d(64, 128, 6, 2, 3), nn.ReLU(),
        nn.Conv2d(128, 128, 5, 1, 0), nn.ReLU(),
        nn.Flatten(), nn.Linear(2048, classes),
    )
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return network


class BasicBlock(nn.Module):
    """conv, BN, ReLU, conv, BN, plus shortcut, ReLU."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if stride != 1 or channels != width:
            projection = nn.Conv2d(channels, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(width))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)


class PreActivationBlock(nn.Module):
    """a = ReLU(BN(x)); conv(ReLU(BN(conv(a)))) plus x, or plus conv1x1(a) where the shape changes."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1 or channels != width:
            self.downsample = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False))

    def forward(self, x):
        a = self.relu(self.bn1(x))
        shortcut = x if self.downsample is None else self.downsample(a)
        return self.conv2(self.relu(self.bn2(self.conv1(a)))) + shortcut


def stage(block, channels, width, count, stride):
    first = block(channels, width, stride)
    return nn.Sequential(first, *[block(width, width, 1) for _ in range(count - 1)])


class Resnet18(nn.Module):
    """torchvision's ResNet-18 with the CIFAR stem: 3x3 convolution, no pooling."""

    def __init__(self, channels, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.layer1 = stage(BasicBlock, 64, 64, 2, 1)
        self.layer2 = stage(BasicBlock, 64, 128, 2, 2)
        self.layer3 = stage(BasicBlock, 128, 256, 2, 2)
        self.layer4 = stage(BasicBlock, 256, 512, 2, 2)
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class PreactResnet20(nn.Module):
    """Widths 16-32-64, three pre-activation blocks each, 1x1 shortcuts, final BN and ReLU."""

    def __init__(self, channels, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        self.layer1 = stage(PreActivationBlock, 16, 16, 3, 1)
        self.layer2 = stage(PreActivationBlock, 16, 32, 3, 2)
        self.layer3 = stage(PreActivationBlock, 32, 64, 3, 2)
        self.bn = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.fc(self.relu(self.bn(x)).mean((2, 3)))


def resnet18(shape, classes):
    return Resnet18(shape[0], classes)


def preact_resnet20(shape, classes):
    return PreactResnet20(shape[0], classes)


ARCHITECTURES = {f.__name__: f for f in (mlp, cnn, sat_cnn, resnet18, preact_resnet20)}


GREY = {"mean": [0.5], "std": [0.25]}
CIFAR = {"mean": [0.4914, 0.4822, 0.4465], "std": [0.2470, 0.2435, 0.2616]}


def normalized(x, mean, std):
    """(x - mean) / std per channel; carries no weights and stands before the first layer."""
    channel = (1, -1, 1, 1)
    mean = torch.as_tensor(mean, dtype=x.dtype).view(channel)
    return (x - mean) / torch.as_tensor(std, dtype=x.dtype).view(channel)


def per_sample_loss(logits, y):
    return F.cross_entropy(logits, y, reduction="none")


def losses_at(network, x, y, normalize):
    """Per-sample cross-entropy of the pixels `x`."""
    return per_sample_loss(network(normalized(x, **normalize)), y)


@contextmanager
def frozen_statistics(network):
    """Puts every buffer back afterwards."""
    buffers = [b.clone() for b in network.buffers()]
    yield
    with torch.no_grad():
        for now, before in zip(network.buffers(), buffers):
            now.copy_(before)


def running_statistics(network):
    """Name -> running mean or variance, without the counters."""
    return {n: b for n, b in network.named_buffers() if not n.endswith("num_batches_tracked")}


def add_options(parser):
    """Command-line options of the architectures that have any."""
    parser.add_argument("--hidden", default="128", help="mlp: widths, as in 32,16")
    parser.add_argument("--width", type=int, default=32, help="cnn: channels of the first stage")


def from_options(arguments, shape, classes):
    options = {
        "mlp": {"hidden": [int(w) for w in arguments.hidden.split(",")]},
        "cnn": {"width": arguments.width},
    }
    architecture = arguments.architecture
    return ARCHITECTURES[architecture](shape, classes, **options.get(architecture, {}))
