"""The loss of a network whose weights torchvision wrote."""

import numpy as np
import torch
import torchvision
from PIL import Image

import common

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def images(folder, part, count):
    generator = np.random.default_rng(len(part))
    for index in range(count):
        path = folder / part / f"class{index % 2}"
        path.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path / f"{index:02}.png")


def network():
    torch.manual_seed(0)
    return torchvision.models.resnet18(num_classes=2).eval()


def write(path):
    torch.save({"state_dict": network().state_dict(), "epoch": 3}, path)
    for part, count in [("train", 4), ("val", 12)]:
        images(path.parent / "data", part, count)


folder, measured = common.run(
    f"""data folder("data") batch 4
model resnet18(stem = imagenet, freeze_bn = true, normalize = constants(mean = {MEAN}, std = {STD})) from "w.pth"
optimize sgd(lr = 1e-12)
train 1 steps
under sgd
evaluate accuracy, loss
""",
    {"w.pth": write},
)
data = torchvision.datasets.ImageFolder(
    folder / "data/val",
    torchvision.transforms.Compose([torchvision.transforms.ToTensor(), torchvision.transforms.Normalize(MEAN, STD)]),
)
x = torch.stack([image for image, _ in data])
y = torch.tensor(data.targets)
with torch.no_grad():
    loss = torch.nn.functional.cross_entropy(network()(x), y).item()
common.close("loss, torchvision's resnet18", measured["loss"], loss, 1e-4 * abs(loss), "float32 in both")
common.end()
