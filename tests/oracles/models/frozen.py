"""Logits, losses and gradients of a training pass whose frozen layers are in evaluation mode, as in fine-tuning.

    python3 tests/oracles/models/frozen.py
"""

import math
import sys
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import formula
import make
import networks
import record

# file name: case of make.py, layers that are frozen
CASES = {
    "cnn_8_frozen": ("cnn_8", ["conv1", "bn1", "bn2"]),
    "preact_resnet20_frozen": ("preact_resnet20", ["conv1", "layer1", "layer2.0.bn1"]),
}


def freeze(network, layers):
    """No weight of the layers trains, and they normalise by their running statistics."""
    for name in layers:
        layer = network.get_submodule(name)
        layer.requires_grad_(False)
        layer.eval()


def pass_of(network, x, y, normalize):
    out = {"train_logits": network(networks.normalized(x, **normalize))}
    out["train_losses"] = networks.per_sample_loss(out["train_logits"], y)
    out["train_losses"].mean().backward()
    record.put(out, "input_grad", x.grad, math.inf)
    grads = {n: p.grad for n, p in network.named_parameters() if p.requires_grad}
    record.put_all(out, "grad", grads, 512)
    return {key: value.detach().double() for key, value in out.items()}


def main():
    torch.set_num_threads(1)
    for name, (case, layers) in CASES.items():
        architecture, options, shape, index, normalize, _ = make.CASES[case]
        network = make.build(architecture, options, shape)
        formula.fill_network(network)
        network.to(torch.float64).train()
        freeze(network, layers)
        before = {k: v.clone() for k, v in networks.running_statistics(network).items()}
        x = formula.images(make.BATCH, shape, index).to(torch.float64).requires_grad_(True)
        tensors = pass_of(network, x, formula.labels(make.BATCH, make.CLASSES), normalize)
        after = networks.running_statistics(network)
        moved = sorted({k.rpartition(".")[0] for k, v in after.items() if not torch.equal(v, before[k])})
        record.store(
            HERE / f"{name}.safetensors", tensors, case=case, freeze=layers, moved=moved,
            architecture=architecture, options=options, input=shape, normalize=normalize, input_index=index,
        )


if __name__ == "__main__":
    main()
