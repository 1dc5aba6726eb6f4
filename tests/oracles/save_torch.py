"""Writes freshly drawn PyTorch weights of an architecture, with an input and its logits.

usage: save_torch.py ARCHITECTURE FOLDER [--seed 0] [--input 3,32,32] [--classes 10] [--batch 4]
                     [--mean 0.5,0.5,0.5 --std 0.25,0.25,0.25] [--hidden 128] [--width 32]

FOLDER/weights.safetensors and FOLDER/weights.pth: the state dict. FOLDER/io.safetensors: see README.md.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

import networks


def parsed():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("architecture", choices=sorted(networks.ARCHITECTURES))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--input", default="3,32,32", help="channels, height, width")
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--mean", help="per channel; no normalisation without it")
    parser.add_argument("--std", help="per channel")
    networks.add_options(parser)
    return parser.parse_args()


def numbers(text, default):
    return torch.tensor([float(v) for v in text.split(",")] if text else default)


def main():
    torch.set_num_threads(1)
    arguments = parsed()
    torch.manual_seed(arguments.seed)
    shape = tuple(int(v) for v in arguments.input.split(","))
    network = networks.from_options(arguments, shape, arguments.classes)
    mean, std = numbers(arguments.mean, [0.0] * shape[0]), numbers(arguments.std, [1.0] * shape[0])
    arguments.folder.mkdir(parents=True, exist_ok=True)
    store(arguments.folder, network, torch.rand(arguments.batch, *shape), mean, std)


def store(folder, network, x, mean, std):
    """A training-mode pass first, so that the stored running statistics are not the initial ones."""
    with torch.no_grad():
        network.train()(networks.normalized(torch.rand_like(x), mean, std))
        state = {k: v.clone() for k, v in network.state_dict().items()}
        eval_logits = network.eval()(networks.normalized(x, mean, std))
        train_logits = network.train()(networks.normalized(x, mean, std))
    after = {f"after/{k}": v.clone() for k, v in networks.running_statistics(network).items()}
    save_file(state, str(folder / "weights.safetensors"))
    torch.save(state, folder / "weights.pth")
    io = {"input": x, "eval_logits": eval_logits, "train_logits": train_logits, "mean": mean, "std": std}
    save_file({**io, **after}, str(folder / "io.safetensors"))


if __name__ == "__main__":
    main()
