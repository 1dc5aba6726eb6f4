"""The attacks of AutoAttack on 500 samples, each alone, and the samples that all leave robust."""

import sys
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import auto
import formula
import make
import networks
import record
import rules
from networks import GREY

SAMPLES, KEY, INPUT = 500, 77, 1010
EPS = {"linf": 0.02, "l2": 0.12}
STEPS, QUERIES = 100, 1000


def targeted_dlr(targets):
    def loss(z, y):
        top = z.sort(dim=1, descending=True).values
        toward = z.gather(1, targets[:, None])[:, 0] - z.gather(1, y[:, None])[:, 0]
        return toward / (top[:, 0] - 0.5 * (top[:, 2] + top[:, 3]) + 1e-12)
    return loss


def attacked_network():
    net = make.network(make.mlp).eval()
    return lambda v: net(networks.normalized(v, **GREY))


def main():
    network = attacked_network()
    x = formula.images(SAMPLES, make.SHAPE, INPUT).double()
    with torch.no_grad():
        order = network(x).argsort(dim=1, descending=True)
    y, samples, into = order[:, 0], range(SAMPLES), {}
    into["labels"] = y.double()
    for norm, eps in EPS.items():
        start = lambda stage, draw: auto.boundary_start(x, eps, norm, auto.Streams([KEY, stage], samples, draw))
        found = {"apgd-ce": auto.apgd(network, x, y, eps, norm, STEPS, rules.cross_entropy, start(0, 1))}
        for rank in (1, 2):
            t = order[:, rank]
            found[f"apgd-t/{rank}"] = auto.apgd(network, x, y, eps, norm, STEPS, targeted_dlr(t), start(1, rank))
            radii = auto.fab(network, x, y, t, norm, STEPS)
            found[f"fab-t/{rank}"] = (radii, radii <= eps)
        found["square"] = auto.square(network, x, y, eps, QUERIES, [KEY, 3], samples, norm)
        for name, (best, wrong) in found.items():
            into[f"{norm}/{name}/best"], into[f"{norm}/{name}/wrong"] = best, wrong.double()
            print(f"  {norm} {name}: {SAMPLES - int(wrong.sum())} robust")
    record.store(HERE / "auto.safetensors", {k: v.double() for k, v in into.items()})


if __name__ == "__main__":
    main()
