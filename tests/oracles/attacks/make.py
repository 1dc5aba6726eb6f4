"""Attacks on a small network, training losses of two passes, and decisions per sample, in float64."""

import itertools
import sys
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import formula
import networks
import record
import rules
from networks import GREY

BATCH, SHAPE, CLASSES = 8, (1, 8, 8), 10
STEPS = 5
START, DIRECTION, TARGET, LOGITS = 3000, 3001, 3002, 3003


def network(build):
    net = build(SHAPE, CLASSES).double()
    with torch.no_grad():
        formula.fill_network(net)
    return net


def cnn(shape, classes):
    return networks.cnn(shape, classes, width=4)


def mlp(shape, classes):
    return networks.mlp(shape, classes, (32, 16))


def scene(build):
    """Labels are the network's own predictions, so that every attack begins at a classified sample."""
    net = network(build).eval()
    x = formula.images(BATCH, SHAPE, 1000).double()
    y = net(networks.normalized(x, **GREY)).argmax(1)
    return net, (lambda v: net(networks.normalized(v, **GREY))), x, y


def radii():
    """Every sample its own: 0.01 + 0.01 i and a third of it."""
    eps = 0.01 + 0.01 * torch.arange(BATCH, dtype=torch.float64)
    return eps, eps / 3


def starts(x, eps):
    """Half a radius away: uniform in the box for linf, along a fixed direction for l2."""
    cube = formula.filled(x.shape, START, 1.0).double() * rules.rows(eps)
    direction = formula.filled(x.shape, DIRECTION, 2.0).double()
    unit = direction / rules.rows(direction.flatten(1).norm(dim=1))
    return {"linf": x + cube, "l2": x + unit * rules.rows(5 * eps)}


def pgd(into):
    _, f, x, y = scene(cnn)
    eps, step = radii()
    for norm, scale in (("linf", 1), ("l2", 10)):
        for name in ("cross_entropy", "margin", "dlr"):
            iterates, _ = rules.attack(f, x, y, starts(x, eps)[norm], scale * eps, scale * step, STEPS, norm, getattr(rules, name))
            chosen = iterates if name == "cross_entropy" else iterates[-1:]
            for k, v in zip(range(STEPS + 1 - len(chosen), STEPS + 1), chosen):
                into[f"{norm}/{name}/{k}"] = v.detach()


def masked(into):
    _, f, x, y = scene(mlp)
    eps, step = radii()
    start = starts(x, eps)["linf"]

    def run(key, active):
        iterates, masks = rules.attack(f, x, y, start, eps, step, STEPS, "linf", rules.cross_entropy, active)
        into[f"{key}/x"], into[f"{key}/mask"] = iterates[-1].detach(), masks

    for lam in (-0.3, 0.0, 0.3):
        run(f"psat/{lam}", lambda k, z, v, g, lam=lam: rules.gap(z, y) <= lam)
    for tau in (0, 1, 2):
        run(f"fat/{tau}", rules.friendly(y, tau))
    for threshold in (1.0, 0.1, 0.03):
        run(f"dat/{threshold}", lambda k, z, v, g, t=threshold: rules.fosc(v, g, x, eps, "linf") > t)
    for norm, scale in (("linf", 1), ("l2", 10)):
        v = starts(x, eps)[norm].clamp(0, 1).requires_grad_(True)
        g, = torch.autograd.grad(rules.cross_entropy(f(v), y).sum(), v)
        into[f"fosc/{norm}"] = rules.fosc(v, g, x, scale * eps, norm).detach()
    for lam in (0.0, 0.9):
        into[f"single/{lam}/x"], into[f"single/{lam}/length"] = rules.single_step(f, x, y, start, eps, lam, 0.1)


def two_passes(into):
    net, _, x, y = scene(cnn)
    net.train()
    eps, _ = radii()
    x_adv = starts(x, eps)["linf"].clamp(0, 1).requires_grad_(True)
    for name, beta in (("trades", 6.0), ("mart", 5.0)):
        with networks.frozen_statistics(net):
            clean = net(networks.normalized(x, **GREY))
            attacked = net(networks.normalized(x_adv, **GREY))
            into.update({f"{name}/running/{k}": v.clone() for k, v in networks.running_statistics(net).items()})
            losses = getattr(rules, name)(clean, attacked, y, beta)
            named = dict(net.named_parameters())
            gradients = torch.autograd.grad(losses.mean(), [*named.values(), x_adv])
        into[f"{name}/losses"] = losses.detach()
        into[f"{name}/input"] = gradients[-1]
        into.update({f"{name}/grad/{k}": g for k, g in zip(named, gradients)})


def criteria(into):
    """Losses of given logits and their gradients, among them soft targets."""
    y = formula.labels(BATCH, CLASSES)
    z = formula.filled((BATCH, CLASSES), LOGITS, 6.0).double().requires_grad_(True)
    noise = formula.filled((BATCH, CLASSES), TARGET, 1.0, 0.5).double()
    noise = noise / noise.sum(1, keepdim=True)
    share = 0.04 * torch.arange(BATCH, dtype=torch.float64)[:, None]
    targets = (1 - share) * torch.nn.functional.one_hot(y, CLASSES) + share * noise
    into["criteria/targets"] = targets
    losses = {
        "cross_entropy": rules.cross_entropy(z, y), "margin": rules.margin(z, y), "dlr": rules.dlr(z, y),
        "gap": rules.gap(z, y), "soft": rules.soft(z, targets), "mix": rules.soft(z, targets, y, 1.0),
        "divergence": rules.divergence(noise.log(), z),
    }
    for name, values in losses.items():
        into[f"criteria/{name}"] = values.detach()
        into[f"criteria/{name}/gradient"], = torch.autograd.grad(values.sum(), z, retain_graph=True)


def estimates(into):
    net, f, x, y = scene(mlp)
    eps, _ = radii()
    v = starts(x, eps)["linf"].clamp(0, 1)
    found = rules.curvature(lambda c: rules.cross_entropy(f(v[c]), y[c]), list(net.parameters()), 3, BATCH)
    into.update({f"hsat/{k}": e for k, e in found.items()})


def decisions():
    iaat = [
        {"clean_wrong": not c, "small_wrong": not s, "large_wrong": not l, "old": old,
         "new": rules.adapted_radius(old, 1.9 / 255, 0.1, 16 / 255, c, s, l)}
        for c, s, l, old in itertools.product((True, False), (True, False), (True, False), (0.0, 0.03, 16 / 255))
    ]
    cat20 = [
        dict(zip(("old", "misclassified", "tried", "kept"), (old, m, *rules.grown_radius(old, 0.005, 8 / 255, m))))
        for old, m in itertools.product((0.0, 0.01, 0.03, 8 / 255), (True, False))
    ]
    return {"iaat": iaat, "cat20": cat20}


def main():
    tensors = {}
    tensors["labels/cnn"], tensors["labels/mlp"] = scene(cnn)[-1], scene(mlp)[-1]
    for part in (pgd, masked, two_passes, criteria, estimates):
        part(tensors)
    record.store(HERE / "attacks.safetensors", {k: v.double() for k, v in tensors.items()})
    record.store_json(HERE / "decisions.json", decisions())
    masks = {k: v.sum(0).int().tolist() for k, v in tensors.items() if k.endswith("/mask")}
    for key, steps in masks.items():
        print(f"  {key}: steps taken {steps}")


if __name__ == "__main__":
    main()
