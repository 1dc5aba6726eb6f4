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


class Bottleneck(nn.Module):
    """1x1, 3x3 with the stride (v1.5), 1x1 to four times the width; batch norm after each, ReLU between."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1 or channels != 4 * width:
            projection = nn.Conv2d(channels, 4 * width, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(4 * width))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + shortcut)


def he_fan_out(network):
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


class Resnet(nn.Module):
    """torchvision's, or with the CIFAR stem: 3x3 convolution, no pooling, default initialisation."""

    def __init__(self, channels, classes, block, depths, stem):
        super().__init__()
        large = stem == "imagenet"
        kernel, stride, padding = (7, 2, 3) if large else (3, 1, 1)
        self.conv1 = nn.Conv2d(channels, 64, kernel, stride, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if large else nn.Identity()
        wider = 4 if block is Bottleneck else 1
        channels = 64
        for index, depth in enumerate(depths):
            width = 64 << index
            blocks = [block(channels, width, 1 if index == 0 else 2)]
            blocks += [block(wider * width, width, 1) for _ in range(depth - 1)]
            setattr(self, f"layer{index + 1}", nn.Sequential(*blocks))
            channels = wider * width
        self.fc = nn.Linear(channels, classes)
        self.he_fan_out = large
        if large:
            he_fan_out(self)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class PreactResnet18(nn.Module):
    """Widths 64 to 512, two pre-activation blocks each, 1x1 shortcuts; BN and ReLU at the end where `final_bn`."""

    def __init__(self, channels, classes, final_bn):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 3, 1, 1, bias=False)
        self.layer1 = stage(PreActivationBlock, 64, 64, 2, 1)
        self.layer2 = stage(PreActivationBlock, 64, 128, 2, 2)
        self.layer3 = stage(PreActivationBlock, 128, 256, 2, 2)
        self.layer4 = stage(PreActivationBlock, 256, 512, 2, 2)
        if final_bn:
            self.bn = nn.BatchNorm2d(512)
        self.relu = nn.ReLU()
        self.final_bn = final_bn
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.conv1(x)))))
        if self.final_bn:
            x = self.relu(self.bn(x))
        return self.fc(x.mean((2, 3)))


class WideBlock(nn.Module):
    """As `PreActivationBlock`, with the shortcut under another name."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.relu = nn.ReLU()
        self.convShortcut = None
        if channels != width:
            self.convShortcut = nn.Conv2d(channels, width, 1, stride, bias=False)

    def forward(self, x):
        a = self.relu(self.bn1(x))
        shortcut = x if self.convShortcut is None else self.convShortcut(a)
        return self.conv2(self.relu(self.bn2(self.conv1(a)))) + shortcut


class WideStage(nn.Module):
    def __init__(self, channels, width, count, stride):
        super().__init__()
        self.layer = stage(WideBlock, channels, width, count, stride)

    def forward(self, x):
        return self.layer(x)


class WideResnet(nn.Module):
    """Three stages of (depth - 4) / 6 blocks, final BN and ReLU; He normal convolutions, the head's bias zero."""

    def __init__(self, channels, classes, depth, width):
        super().__init__()
        count = (depth - 4) // 6
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        self.block1 = WideStage(16, 16 * width, count, 1)
        self.block2 = WideStage(16 * width, 32 * width, count, 2)
        self.block3 = WideStage(32 * width, 64 * width, count, 2)
        self.bn1 = nn.BatchNorm2d(64 * width)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(64 * width, classes)
        self.he_fan_out = True
        he_fan_out(self)
        nn.init.zeros_(self.fc.bias)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(self.relu(self.bn1(x)).mean((2, 3)))


class PyramidBlock(nn.Module):
    """BN, conv, BN, ReLU, conv, BN, plus the input: averaged 2x2 for stride 2, padded with zero channels."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.pool = nn.AvgPool2d(2, 2, ceil_mode=True) if stride == 2 else nn.Identity()
        self.missing = width - channels

    def forward(self, x):
        shortcut = F.pad(self.pool(x), (0, 0, 0, 0, 0, self.missing))
        x = self.conv1(self.bn1(x))
        return self.bn3(self.conv2(self.relu(self.bn2(x)))) + shortcut


class Pyramidnet(nn.Module):
    def __init__(self, channels, classes, depth, alpha):
        super().__init__()
        count = (depth - 2) // 6
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        exact, before = 16.0, 16
        for index in range(3):
            blocks = []
            for block in range(count):
                exact += alpha / (3 * count)
                width = round(exact)
                blocks.append(PyramidBlock(before, width, 2 if index > 0 and block == 0 else 1))
                before = width
            setattr(self, f"layer{index + 1}", nn.Sequential(*blocks))
        self.bn_final = nn.BatchNorm2d(before)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(before, classes)
        self.he_fan_out = True
        he_fan_out(self)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.bn1(self.conv1(x)))))
        return self.fc(self.relu(self.bn_final(x)).mean((2, 3)))


class EncoderLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(width, eps=1e-6)
        inner, outer = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.mlp = nn.Sequential(inner, nn.GELU(), nn.Dropout(0), outer, nn.Dropout(0))
        for layer in (inner, outer):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.normal_(layer.bias, std=1e-6)

    def forward(self, x):
        a = self.ln_1(x)
        x = self.self_attention(a, a, a, need_weights=False)[0] + x
        return self.mlp(self.ln_2(x)) + x


class Encoder(nn.Module):
    def __init__(self, tokens, width, depth, heads):
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.empty(1, tokens, width).normal_(std=0.02))
        layers = {f"encoder_layer_{index}": EncoderLayer(width, heads) for index in range(depth)}
        self.layers = nn.Sequential()
        for name, layer in layers.items():
            self.layers.add_module(name, layer)
        self.ln = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x):
        return self.ln(self.layers(x + self.pos_embedding))


class Heads(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.head = nn.Linear(width, classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        return self.head(x)


class VisionTransformer(nn.Module):
    """Pre-norm transformer over patches, read at its class token; names and initialisation of torchvision."""

    def __init__(self, shape, classes, patch, width, depth, heads):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.conv_proj = nn.Conv2d(shape[0], width, patch, patch)
        nn.init.trunc_normal_(self.conv_proj.weight, std=math.sqrt(1 / (shape[0] * patch * patch)))
        nn.init.zeros_(self.conv_proj.bias)
        self.encoder = Encoder(1 + (shape[1] // patch) * (shape[2] // patch), width, depth, heads)
        self.heads = Heads(width, classes)

    def forward(self, x):
        x = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], 1)
        return self.heads(self.encoder(x)[:, 0])


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


def stem_for(shape, stem):
    if stem == "auto":
        return "imagenet" if min(shape[1:]) >= 96 else "cifar"
    return stem


def resnet18(shape, classes, stem="auto"):
    return Resnet(shape[0], classes, BasicBlock, (2, 2, 2, 2), stem_for(shape, stem))


def resnet34(shape, classes, stem="auto"):
    return Resnet(shape[0], classes, BasicBlock, (3, 4, 6, 3), stem_for(shape, stem))


def resnet50(shape, classes, stem="auto"):
    return Resnet(shape[0], classes, Bottleneck, (3, 4, 6, 3), stem_for(shape, stem))


def resnet101(shape, classes, stem="auto"):
    return Resnet(shape[0], classes, Bottleneck, (3, 4, 23, 3), stem_for(shape, stem))


def preact_resnet18(shape, classes, final_bn=False):
    return PreactResnet18(shape[0], classes, final_bn)


def wrn(shape, classes, depth=28, width=10):
    return WideResnet(shape[0], classes, depth, width)


def pyramidnet110(shape, classes, alpha=270):
    return Pyramidnet(shape[0], classes, 110, alpha)


def vit(shape, classes, patch=4, width=192, depth=6, heads=3):
    return VisionTransformer(shape, classes, patch, width, depth, heads)


def vit_b16(shape, classes):
    return VisionTransformer(shape, classes, 16, 768, 12, 12)


def preact_resnet20(shape, classes):
    return PreactResnet20(shape[0], classes)


ARCHITECTURES = {
    f.__name__: f
    for f in (
        mlp, cnn, sat_cnn, resnet18, resnet34, resnet50, resnet101, preact_resnet18, preact_resnet20, wrn,
        pyramidnet110, vit, vit_b16,
    )
}


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
