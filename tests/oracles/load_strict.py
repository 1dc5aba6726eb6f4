"""Loads exported weights in PyTorch with strict=True and compares the logits with those of an io file.

usage: load_strict.py WEIGHTS ARCHITECTURE IO [--hidden 128] [--width 32] [--tolerance 1e-5]

Exit code 0: every name and shape fits and the logits agree; 1: they do not, the reason on stdout; 2: usage.
"""

import argparse
import sys

import torch
from safetensors.torch import load_file

import networks


def parsed():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", help="a .safetensors file, or a .pth state dict")
    parser.add_argument("architecture", choices=sorted(networks.ARCHITECTURES))
    parser.add_argument("io", help="input, eval_logits; mean and std where the network normalises")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="relative to the largest |logit|, at least 1")
    networks.add_options(parser)
    return parser.parse_args()


def read(path):
    return torch.load(path, weights_only=True) if path.endswith(".pth") else load_file(path)


def logits(network, io):
    """Evaluation mode, float32."""
    channels = io["input"].shape[1]
    mean, std = io.get("mean", torch.zeros(channels)), io.get("std", torch.ones(channels))
    with torch.no_grad():
        return network.eval()(networks.normalized(io["input"].float(), mean.float(), std.float()))


def difference(ours, theirs):
    return ((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1.0)).item()


def misfits(state, network):
    """Names or types that differ. PyTorch itself forgives a missing counter where a file has no version."""
    expected = network.state_dict()
    out = [f"missing {name}" for name in expected.keys() - state.keys()]
    both = expected.keys() & state.keys()
    return out + [f"{n} is {state[n].dtype}, not {expected[n].dtype}" for n in both if state[n].dtype != expected[n].dtype]


def check(arguments):
    """None where everything agrees, else what does not."""
    io = load_file(arguments.io)
    expected = io["eval_logits"].float()
    network = networks.from_options(arguments, tuple(io["input"].shape[1:]), expected.shape[1])
    state = read(arguments.weights)
    wrong = misfits(state, network)
    if wrong:
        return "\n".join(sorted(wrong))
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        return str(error)
    gap = difference(logits(network, io), expected)
    print(f"logits differ by {gap:.2e}, tolerance {arguments.tolerance:.0e}")
    return None if gap <= arguments.tolerance else "the logits do not agree"


def main():
    torch.set_num_threads(1)
    wrong = check(parsed())
    if wrong:
        print(wrong)
        sys.exit(1)


if __name__ == "__main__":
    main()
