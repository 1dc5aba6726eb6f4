"""Networks whose tensors are named as their authors' code names them, and their logits.

    python3 tests/oracles/names/make.py

Values come from the formula (README.md), by the position in the state dict. Where timm is installed, its own vision
transformer must give the same names and logits.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import torch
import torch.nn.functional as F
from torch import nn

import formula
import networks
import record

BATCH, CLASSES, INDEX = 4, 10, 1003


def conv(a, b, kernel=3, stride=1):
    return nn.Conv2d(a, b, kernel, stride, kernel // 2, bias=False)


class CifarBlock(nn.Module):
    """Two convolutions; `shortcut` is empty or a convolution and its normalisation."""

    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(a, b, 3, stride), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = conv(b, b), nn.BatchNorm2d(b)
        same = stride == 1 and a == b
        self.shortcut = nn.Sequential() if same else nn.Sequential(conv(a, b, 1, stride), nn.BatchNorm2d(b))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class PreActBlock(nn.Module):
    """Normalisation first; `shortcut`, where there is one, is fed by the first ReLU."""

    def __init__(self, a, b, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(a), conv(a, b, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(b), conv(b, b)
        if stride != 1 or a != b:
            self.shortcut = nn.Sequential(conv(a, b, 1, stride))

    def forward(self, x):
        y = F.relu(self.bn1(x))
        x = self.shortcut(y) if hasattr(self, "shortcut") else x
        return self.conv2(F.relu(self.bn2(self.conv1(y)))) + x


def stages(block):
    widths = [64, 64, 128, 256, 512]
    pair = lambda s: nn.Sequential(block(widths[s - 1], widths[s], 1 if s == 1 else 2), block(widths[s], widths[s], 1))
    return [pair(s) for s in range(1, 5)]


class CifarResnet18(nn.Module):
    """ResNet-18 of pytorch-cifar: `shortcut`, `linear`."""

    def __init__(self, channels):
        super().__init__()
        self.conv1, self.bn1 = conv(channels, 64), nn.BatchNorm2d(64)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(CifarBlock)
        self.linear = nn.Linear(512, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3)))


class RicePreact18(nn.Module):
    """PreActResNet18 of robust_overfitting: pytorch-cifar's names, and `bn` before the average."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = conv(channels, 64)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(PreActBlock)
        self.bn, self.linear = nn.BatchNorm2d(512), nn.Linear(512, CLASSES)

    def forward(self, x):
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.conv1(x)))))
        return self.linear(F.relu(self.bn(x)).mean((2, 3)))


class WideBlock(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(a), conv(a, b, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(b), conv(b, b)
        self.convShortcut = conv(a, b, 1, stride) if a != b else None

    def forward(self, x):
        y = F.relu(self.bn1(x))
        x = self.convShortcut(y) if self.convShortcut is not None else x
        return self.conv2(F.relu(self.bn2(self.conv1(y)))) + x


class WideStage(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.layer = nn.Sequential(WideBlock(a, b, stride))

    def forward(self, x):
        return self.layer(x)


class Wide10(nn.Module):
    """Wide ResNet of robust_overfitting and TRADES; the latter registers `sub_block1` and never reads it."""

    def __init__(self, channels, unread):
        super().__init__()
        self.conv1 = conv(channels, 16)
        self.block1 = WideStage(16, 16, 1)
        if unread:
            self.sub_block1 = WideStage(16, 16, 1)
        self.block2, self.block3 = WideStage(16, 32, 2), WideStage(32, 64, 2)
        self.bn1, self.fc = nn.BatchNorm2d(64), nn.Linear(64, CLASSES)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(F.relu(self.bn1(x)).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, t, width = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, width))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), Mlp(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Patches(nn.Module):
    def __init__(self, channels, width, patch):
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class TimmVit(nn.Module):
    """Two layers of timm's vision transformer."""

    def __init__(self, shape, patch=4, width=48, heads=3):
        super().__init__()
        tokens = 1 + (shape[1] // patch) * (shape[2] // patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, width))
        self.patch_embed = Patches(shape[0], width, patch)
        self.blocks = nn.Sequential(Layer(width, heads), Layer(width, heads))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, CLASSES)

    def forward(self, x):
        x = self.patch_embed(x)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


def first_torchvision(name):
    """torchvision's first published vision transformers had other names in the perceptron."""
    return name.replace(".mlp.0.", ".mlp.linear_1.").replace(".mlp.3.", ".mlp.linear_2.")


def same(name):
    return name


SHAPE = (3, 16, 16)
VIT = "vit(patch = 4, width = 48, depth = 2, heads = 3"
CASES = {
    "kuangliu_resnet18": ("resnet18(", lambda: CifarResnet18(3), same),
    "rice_preact_resnet18": ("preact_resnet18(final_bn = true", lambda: RicePreact18(3), same),
    "rice_wrn": ("wrn(depth = 10, width = 1", lambda: Wide10(3, False), same),
    "trades_wrn": ("wrn(depth = 10, width = 1", lambda: Wide10(3, True), same),
    "timm_vit": (VIT, lambda: TimmVit(SHAPE), same),
    "torchvision_vit": (
        VIT,
        lambda: networks.VisionTransformer(SHAPE, CLASSES, patch=4, width=48, depth=2, heads=3),
        first_torchvision,
    ),
}


def logits(network, dtype):
    with torch.no_grad():
        return network.to(dtype).eval()(formula.images(BATCH, SHAPE, INDEX).to(dtype))


def row(model, network, renamed):
    with torch.no_grad():
        formula.fill_network(network)
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    tensors = [
        [renamed(name), list(tensor.shape), *map(float, formula.scale_and_offset(name, tensor, state))]
        for name, tensor in state.items()
    ]
    single = logits(network, torch.float32)
    exact = logits(network, torch.float64)
    print(f"{model}): float32 deviates by {((single - exact).norm() / exact.norm()).item():.1e}")
    return {"model": model, "tensors": tensors, "logits": exact.flatten().tolist()}


def check_timm(network):
    try:
        import timm
    except ImportError:
        return print("timm is not installed: its own network was not compared")
    theirs = timm.create_model(
        "vit_tiny_patch16_224", img_size=16, patch_size=4, embed_dim=48, depth=2, num_heads=3, num_classes=CLASSES
    )
    theirs.load_state_dict(network.state_dict(), strict=True)
    gap = (logits(theirs, torch.float64) - logits(network, torch.float64)).abs().max().item()
    assert gap < 1e-10, gap


def main():
    torch.set_num_threads(1)
    rows = {}
    for name, (model, build, renamed) in CASES.items():
        network = build()
        rows[name] = row(model, network, renamed)
        if name == "timm_vit":
            check_timm(network)
    record.store_json(HERE / "names.json", rows)


if __name__ == "__main__":
    main()
