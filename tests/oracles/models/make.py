"""Logits, losses, gradients and running statistics of every architecture, in float64 from float32 values.

    python3 tests/oracles/models/make.py [CASE ..]      numbers of these cases alone
"""

import math
import sys
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import formula
import networks
import record
from networks import CIFAR, GREY

BATCH = 4
CLASSES = 10

# file name: architecture, options, input shape, index of the input, normalisation, largest tensor stored whole;
# the input is, of a few tried, the one that keeps every ReLU farthest from its kink
CASES = {
    "mlp_128": ("mlp", {"hidden": [128]}, (1, 8, 8), 1000, GREY, 10_000),
    "mlp_32_16": ("mlp", {"hidden": [32, 16]}, (1, 8, 8), 1000, GREY, 10_000),
    "cnn_8": ("cnn", {"width": 8}, (1, 8, 8), 1014, GREY, 10_000),
    "cnn_32": ("cnn", {}, (3, 16, 16), 1015, CIFAR, record.WHOLE),
    "sat_cnn": ("sat_cnn", {}, (1, 28, 28), 1005, None, record.WHOLE),
    "resnet18": ("resnet18", {}, (3, 16, 16), 1013, CIFAR, 512),
    "preact_resnet20": ("preact_resnet20", {}, (3, 16, 16), 1003, CIFAR, record.WHOLE),
    "preact_resnet18": ("preact_resnet18", {}, (3, 16, 16), 1001, CIFAR, 512),
    "resnet18_imagenet": ("resnet18", {"stem": "imagenet"}, (3, 64, 64), 1001, CIFAR, 512),
    "resnet50": ("resnet50", {"stem": "imagenet"}, (3, 64, 64), 1001, CIFAR, 256),
    "wrn_16_2": ("wrn", {"depth": 16, "width": 2}, (3, 16, 16), 1001, CIFAR, 512),
    "pyramidnet110": ("pyramidnet110", {"alpha": 54}, (3, 10, 10), 1001, CIFAR, 256),
    "vit_small": ("vit", {"patch": 4, "width": 48, "depth": 2, "heads": 3}, (3, 16, 16), 1000, CIFAR, 512),
}


def build(architecture, options, shape, classes=CLASSES):
    torch.manual_seed(0)
    return networks.ARCHITECTURES[architecture](shape, classes, **options)


def smallest_rectified(network, watched):
    """Keeps the smallest non-zero |input| of every ReLU: how far the network is from a kink."""
    def watch(_, inputs):
        watched.append(inputs[0].detach().abs().min().item())
    return [m.register_forward_pre_hook(watch) for m in network.modules() if isinstance(m, nn.ReLU)]


def evaluate(network, x, y, normalize, whole):
    """One evaluation-mode pass, then one training-mode pass with its gradients."""
    def logits():
        return network(x if normalize is None else networks.normalized(x, **normalize))

    out = {"labels": y}
    network.eval()
    with torch.no_grad():
        out["eval_logits"] = logits()
    out["eval_losses"] = networks.per_sample_loss(out["eval_logits"], y)
    network.train()
    x.requires_grad_(True)
    out["train_logits"] = logits()
    out["train_losses"] = networks.per_sample_loss(out["train_logits"], y)
    out["train_losses"].mean().backward()
    record.put(out, "input_grad", x.grad, math.inf)
    record.put_all(out, "grad", {n: p.grad for n, p in network.named_parameters()}, whole)
    record.put_all(out, "running", networks.running_statistics(network))
    return {k: v.detach() if k == "labels" else v.detach().double() for k, v in out.items()}


def case(architecture, options, shape, index, normalize, whole, dtype):
    network = build(architecture, options, shape)
    formula.fill_network(network)
    x = formula.images(BATCH, shape, index).to(dtype)
    y = formula.labels(BATCH, CLASSES)
    watched = []
    network.to(dtype)
    smallest_rectified(network, watched)
    return evaluate(network, x, y, normalize, whole), min(watched, default=1.0)


def initial(network, name, tensor):
    """How PyTorch draws this tensor: a constant, a uniform bound or a normal deviation."""
    owner = network.get_submodule(name.rpartition(".")[0])
    if isinstance(owner, (nn.BatchNorm2d, nn.LayerNorm)):
        return {"constant": 1.0 if name.endswith(("weight", "running_var")) else 0.0}
    if isinstance(network, networks.VisionTransformer):
        return initial_of_transformer(owner, name, tensor)
    he = isinstance(network, nn.Sequential) or getattr(network, "he_fan_out", False)
    if name.endswith("weight") and isinstance(owner, nn.Conv2d) and he:
        return {"normal": math.sqrt(2 / (tensor.shape[0] * tensor[0, 0].numel()))}
    if isinstance(network, networks.WideResnet) and name == "fc.bias":
        return {"constant": 0.0}
    return {"uniform": 1 / math.sqrt(owner.weight[0].numel())}


def initial_of_transformer(owner, name, tensor):
    if name.endswith("pos_embedding"):
        return {"normal": 0.02}
    if name == "conv_proj.weight":
        return {"normal": 1 / math.sqrt(tensor[0].numel())}
    if ".mlp." in name and name.endswith("bias"):
        return {"normal": 1e-6}
    if name.endswith("out_proj.weight"):
        return {"uniform": 1 / math.sqrt(tensor.shape[1])}
    if tensor.dim() == 2 and not name.startswith("heads"):
        return {"uniform": math.sqrt(6 / sum(tensor.shape))}
    return {"constant": 0.0}


def agrees(tensor, init):
    """Whether a freshly drawn tensor looks like its description."""
    (kind, value), = init.items()
    if kind == "constant":
        return bool((tensor == value).all())
    std = value / math.sqrt(3) if kind == "uniform" else value
    few = 6 * std / math.sqrt(tensor.numel())
    inside = kind == "normal" or tensor.abs().max() <= value
    return bool(inside and abs(tensor.pow(2).mean().sqrt() - std) < few)


def layout(network):
    parameters = dict(network.named_parameters())
    rows = []
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        init = initial(network, name, tensor)
        assert agrees(tensor, init), f"{name}: not drawn as {init}"
        rows.append({"name": name, "shape": list(tensor.shape), "parameter": name in parameters, "init": init})
    return rows


def counts(network):
    buffers = networks.running_statistics(network).values()
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        "parameter_tensors": len(list(network.parameters())),
        "buffers": sum(b.numel() for b in buffers),
    }


def description(architecture, options, shape):
    out = {"architecture": architecture, "options": options, "input": list(shape)}
    for classes in (10, 100):
        out[f"classes_{classes}"] = counts(build(architecture, options, shape, classes))
    out["tensors"] = layout(build(architecture, options, shape))
    return out


# reference counts for 10 classes (published, not computed here)
PUBLISHED = {
    "sat_cnn": {"parameters": 729_418, "parameter_tensors": 8, "buffers": 0},
    "resnet18": {"parameters": 11_173_962, "parameter_tensors": 62, "buffers": 9_600},
    "preact_resnet20": {"parameters": 272_282, "parameter_tensors": 61, "buffers": 1_376},
    "preact_resnet18": {"parameters": 11_171_146, "parameter_tensors": 54, "buffers": 6_784},
    "resnet50": {"parameters": 23_528_522, "parameter_tensors": 161, "buffers": 53_120},
}


def main():
    torch.set_num_threads(1)
    descriptions = {}
    for name, settings in CASES.items():
        architecture, options, shape, *_ = settings
        descriptions[name] = description(architecture, options, shape)
        published = PUBLISHED.get(name)
        assert published in (None, descriptions[name]["classes_10"]), name
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        architecture, options, shape, index, normalize, _ = settings
        tensors, margin = case(*settings, torch.float64)
        single, _ = case(*settings, torch.float32)
        record.store(
            HERE / f"{name}.safetensors", tensors, architecture=architecture, options=options,
            input=shape, classes=CLASSES, normalize=normalize, input_index=index,
        )
        print(f"  float32 deviation {record.deviation(single, tensors)}, smallest |ReLU input| {margin:.1e}")
    record.store_json(HERE / "networks.json", descriptions)


if __name__ == "__main__":
    main()
