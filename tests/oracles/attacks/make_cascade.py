"""Which of 500 samples stand the whole cascade of AutoAttack, standard version."""

import sys
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import auto
import formula
import make
import record
import rules
from make_auto import EPS, INPUT, SAMPLES, STEPS, attacked_network, targeted_dlr

KEY, QUERIES = 2**64 - 2, 5000


def cascade(network, eps, norm):
    """1 where a sample of whole grey levels stands all four attacks of the standard version, each on what the others left."""
    levels = torch.floor(256 * formula.images(SAMPLES, make.SHAPE, INPUT + 1).double())
    x = levels / 255
    with torch.no_grad():
        order = network(x).argsort(dim=1, descending=True)
    left = torch.arange(SAMPLES)

    def keep(attack):
        nonlocal left
        if len(left):
            left = left[~attack(x[left], order[left, 0], left.numpy())]

    def apgd(stage, draw, loss):
        def attack(x, y, samples):
            start = auto.boundary_start(x, eps, norm, auto.Streams([KEY, stage], samples, draw))
            return auto.apgd(network, x, y, eps, norm, STEPS, loss, start)[1]
        return attack

    keep(apgd(0, 1, rules.cross_entropy))
    for rank in range(1, 10):
        keep(apgd(1, rank, targeted_dlr(order[left, rank])))
    for rank in range(1, 10):
        keep(lambda x, y, samples: auto.fab(network, x, y, order[samples, rank], norm, STEPS) <= eps * (1 + 1e-6))
    keep(lambda x, y, samples: auto.square(network, x, y, eps, QUERIES, [KEY, 3], samples, norm)[1])
    print(f"  {norm} cascade: {len(left)} robust")
    return torch.zeros(SAMPLES).index_fill(0, left, 1)


def main():
    network = attacked_network()
    record.store(HERE / "cascade.safetensors", {norm: cascade(network, eps, norm).double() for norm, eps in EPS.items()})


if __name__ == "__main__":
    main()
