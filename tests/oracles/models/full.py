"""Sizes of the networks as the papers use them: counts, names, shapes, multiply-adds, activations. No values."""

import sys
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import networks
import record

# name: architecture, options, input, classes; parameters, GMACs, millions of activations as published (0: not given)
ROWS = {
    "sat_cnn": ("sat_cnn", {}, (1, 28, 28), 10, (729_418, 0.0263, 0.02)),
    "preact_resnet20": ("preact_resnet20", {}, (3, 32, 32), 10, (272_282, 0.0406, 0.38)),
    "preact_resnet20, 100 classes": ("preact_resnet20", {}, (3, 32, 32), 100, (278_132, 0, 0)),
    "preact_resnet18": ("preact_resnet18", {}, (3, 32, 32), 10, (11_171_146, 0.5554, 1.16)),
    "preact_resnet18, 100 classes": ("preact_resnet18", {}, (3, 32, 32), 100, (11_217_316, 0, 0)),
    "preact_resnet18, final_bn": ("preact_resnet18", {"final_bn": True}, (3, 32, 32), 10, (11_172_170, 0.5554, 1.17)),
    "resnet18, cifar": ("resnet18", {}, (3, 32, 32), 10, (11_173_962, 0.5554, 1.23)),
    "resnet18, cifar, 100 classes": ("resnet18", {}, (3, 32, 32), 100, (11_220_132, 0, 0)),
    "wrn-28-10": ("wrn", {"depth": 28, "width": 10}, (3, 32, 32), 10, (36_479_194, 5.243, 4.91)),
    "wrn-28-10, 100 classes": ("wrn", {"depth": 28, "width": 10}, (3, 32, 32), 100, (36_536_884, 0, 0)),
    "wrn-34-10": ("wrn", {"depth": 34, "width": 10}, (3, 32, 32), 10, (46_160_474, 6.659, 6.05)),
    "wrn-34-10, 100 classes": ("wrn", {"depth": 34, "width": 10}, (3, 32, 32), 100, (46_218_164, 0, 0)),
    "pyramidnet110": ("pyramidnet110", {}, (3, 32, 32), 10, (28_485_477, 4.718, 10.84)),
    "pyramidnet110, 100 classes": ("pyramidnet110", {}, (3, 32, 32), 100, (28_511_307, 0, 0)),
    "pyramidnet110, alpha 48": ("pyramidnet110", {"alpha": 48}, (3, 32, 32), 10, (1_772_706, 0.404, 3.6)),
    "pyramidnet110, alpha 84": ("pyramidnet110", {"alpha": 84}, (3, 32, 32), 10, (3_904_446, 0.772, 4.7)),
    "resnet34": ("resnet34", {}, (3, 224, 224), 10, (21_289_802, 3.664, 7.5)),
    "resnet34, ImageNet": ("resnet34", {}, (3, 224, 224), 1000, (21_797_672, 0, 0)),
    "resnet50": ("resnet50", {}, (3, 224, 224), 10, (23_528_522, 4.089, 22.2)),
    "resnet50, ImageNet": ("resnet50", {}, (3, 224, 224), 1000, (25_557_032, 0, 0)),
    "resnet101": ("resnet101", {}, (3, 224, 224), 10, (42_520_650, 7.801, 32.5)),
    "resnet101, ImageNet": ("resnet101", {}, (3, 224, 224), 1000, (44_549_160, 0, 0)),
    "resnet18": ("resnet18", {}, (3, 224, 224), 10, (11_181_642, 1.814, 5.0)),
    "resnet18, ImageNet": ("resnet18", {}, (3, 224, 224), 1000, (11_689_512, 0, 0)),
    "vit_b16": ("vit_b16", {}, (3, 224, 224), 10, (85_806_346, 17.56, 0)),
    "vit_b16, ImageNet": ("vit_b16", {}, (3, 224, 224), 1000, (86_567_656, 0, 0)),
    "vit_b16, 100 classes": ("vit_b16", {}, (3, 224, 224), 100, (85_875_556, 0, 0)),
    "vit": ("vit", {}, (3, 32, 32), 10, (0, 0, 0)),
}
COUNTED = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.LayerNorm)


def cost(network, shape, pruned):
    """Multiply-adds and outputs of convolutions, linear maps, attention and normalisations, for one image.

    `pruned` leaves out what nobody reads: behind a transformer's last attention, all tokens but the class token.
    """
    total = {"multiply_adds": 0, "activations": 0}
    transformer = isinstance(network, networks.VisionTransformer)
    last = network.encoder.layers[-1] if transformer and pruned else None
    read_once = {last.ln_2, *last.mlp} if last else set()
    if transformer:
        read_once.add(network.encoder.ln)

    def count(layer, inputs, output):
        batch, tokens = output[0].shape[:2] if isinstance(output, tuple) else output.shape[:2]
        if isinstance(layer, nn.MultiheadAttention):
            width = layer.embed_dim
            projected = 1 if last and layer is last.self_attention else tokens
            # Queries, keys and values, scores and weighted values, the projection behind them.
            products = tokens * width * 3 * width + 2 * tokens * tokens * width + projected * width * width
            total["multiply_adds"] += batch * products
            total["activations"] += batch * ((tokens * 4 + projected) * width + layer.num_heads * tokens * tokens)
            return
        outputs = output.numel() // (tokens if layer in read_once else 1)
        total["activations"] += outputs
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            total["multiply_adds"] += outputs * layer.weight[0].numel()

    for layer in network.modules():
        inside = isinstance(layer, nn.modules.linear.NonDynamicallyQuantizableLinear)
        if isinstance(layer, (*COUNTED, nn.MultiheadAttention)) and not inside:
            layer.register_forward_hook(count)
    network.train()(torch.zeros(2, *shape, device="meta"))
    return {key: value // 2 for key, value in total.items()}


def row(architecture, options, shape, classes, published):
    def build():
        with torch.device("meta"):
            return networks.ARCHITECTURES[architecture](shape, classes, **options)

    network = build()
    state = {n: t for n, t in network.state_dict().items() if not n.endswith("num_batches_tracked")}
    parameters = sum(p.numel() for p in network.parameters())
    out = {"architecture": architecture, "options": options, "input": list(shape), "classes": classes}
    out |= {"parameters": parameters, "parameter_tensors": len(list(network.parameters()))}
    out |= {"buffers": sum(b.numel() for b in networks.running_statistics(network).values())}
    known, giga, mega = published
    whole = cost(build(), shape, pruned=False)
    assert known in (0, parameters), (known, out)
    # The published figure of preact_resnet20 is for shortcuts without weights.
    assert giga == 0 or abs(giga / (whole["multiply_adds"] / 1e9) - 1) < 6e-3, (giga, whole)
    assert mega == 0 or abs(mega - whole["activations"] / 1e6) <= 0.05 * (10 if mega > 20 else 1), (mega, whole)
    out |= cost(build(), shape, pruned=True)
    if classes == 10:
        out["tensors"] = [f"{name} {'x'.join(map(str, t.shape))}" for name, t in state.items()]
    return out


def main():
    record.store_json(HERE / "full.json", {name: row(*settings) for name, settings in ROWS.items()})


if __name__ == "__main__":
    main()
