"""Five steps of a small convolutional network under base optimizers and the SAM family, in float64."""

import math
import sys
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import formula
import networks
import quadratic
import record
import rules
from networks import CIFAR, GREY
from steps import BATCH, BUFFERS, CLASSES, SGD, SHAPE, NetworkPasses, filled, small_network
from steps import move, put_buffers, put_network, put_scalars

STEPS = 5
FIRST_INPUT, RESIDUAL_INPUT = 1000, 1003


def base(passes, state):
    """The base optimizer alone."""
    loss, g = passes.here()
    nothing = [torch.zeros_like(x) for x in g]
    return rules.Step(g, nothing, g, g, loss, loss, 0.0)


def constant(value):
    return lambda step: value


def cosine(start, end, first=0):
    """start until step `first`, then half a cosine that would reach `end` at step STEPS."""
    def at(step):
        part = max(step - first, 0) / (STEPS - first)
        return end + (start - end) * 0.5 * (1 + math.cos(math.pi * part))
    return at


def train(dtype, rule, optimizer, lr, **schedules):
    """Five steps, each on its own batch; the record of all of them."""
    network = small_network(dtype)
    make, options = optimizer
    optimizer = make(network.parameters(), **{**options, "lr": lr(0)})
    out, steps, state = {}, [], {}
    for t in range(STEPS):
        x = formula.images(BATCH, SHAPE, FIRST_INPUT + t).to(dtype)
        passes = NetworkPasses(network, x, formula.labels(BATCH, CLASSES, t), GREY)
        steps.append(rule(passes, state, **{k: s(t) for k, s in schedules.items()}))
        move(optimizer, lr(t), passes, steps[-1].direction)
        put_network(out, f"step{t}/", network)
        put_buffers(out, f"step{t}/", network, optimizer)
    put_scalars(out, steps, lr=lr, **{k: s for k, s in schedules.items() if s(0) is not None})
    return out


def runs():
    sgd = (torch.optim.SGD, SGD)
    nesterov = (torch.optim.SGD, {**SGD, "nesterov": True})
    adam = (torch.optim.Adam, {"lr": 1e-3})
    adamw = (torch.optim.AdamW, {"lr": 1e-3, "weight_decay": 0.01})
    rate, small = constant(0.1), constant(1e-3)
    falling = cosine(0.1, 0.0)
    return {
        "sgd": (base, sgd, rate, {}),
        "sgd_nesterov_cosine": (base, nesterov, falling, {}),
        "adam": (base, adam, small, {}),
        "adamw": (base, adamw, small, {}),
        "sam": (rules.sam, sgd, rate, {"rho": constant(0.05)}),
        "lesam": (rules.lesam, sgd, rate, {"budget": constant(0.4), "clip": constant(0.35)}),
        "lesam_clipped": (rules.lesam, sgd, rate, {"budget": constant(0.4), "clip": constant(0.24)}),
        "lesam_cosine_anneal": (
            rules.lesam, sgd, falling, {"budget": cosine(0.4, 0.0, STEPS - 3), "clip": constant(None)},
        ),
    }


def residual_step(dtype):
    """One LE-SAM step of preact_resnet20: gradients of both passes, momentum, weights, statistics."""
    shape = (3, 16, 16)
    network = filled(networks.preact_resnet20(shape, CLASSES), dtype)
    optimizer = torch.optim.SGD(network.parameters(), **SGD)
    x = formula.images(4, shape, RESIDUAL_INPUT).to(dtype)
    passes = NetworkPasses(network, x, formula.labels(4, CLASSES), CIFAR)
    step = rules.lesam(passes, {}, budget=0.4, clip=0.35)
    move(optimizer, SGD["lr"], passes, step.direction)
    out = {}
    names = [n for n, _ in network.named_parameters()]
    record.put_all(out, "grad", dict(zip(names, step.gradient)), 512)
    record.put_all(out, "perturbed_grad", dict(zip(names, step.perturbed_gradient)), 512)
    put_network(out, "", network, 512)
    put_buffers(out, "", network, optimizer, 512)
    put_scalars(out, [step], lr=constant(0.1), budget=constant(0.4), clip=constant(0.35))
    return out


def quadratic_runs():
    """Base optimizers, SAM and LE-SAM for five steps on the quadratic."""
    sgd, adam, adamw = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
    cases = {
        "sgd": (base, sgd, {"lr": 0.1}, {}),
        "sgd_momentum": (base, sgd, {"lr": 0.1, "momentum": 0.9}, {}),
        "sgd_nesterov": (base, sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True}, {}),
        "sgd_weight_decay": (base, sgd, {"lr": 0.1, "weight_decay": 0.05}, {}),
        "sgd_all": (base, sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05}, {}),
        "adam": (base, adam, {"lr": 0.1}, {}),
        "adam_weight_decay": (base, adam, {"lr": 0.1, "weight_decay": 0.05}, {}),
        "adamw": (base, adamw, {"lr": 0.1, "weight_decay": 0.05}, {}),
        "sam": (rules.sam, sgd, SGD, {"rho": 0.05}),
        "lesam": (rules.lesam, sgd, SGD, {"budget": 0.4, "clip": 0.35}),
    }
    return {name: quadratic_run(*case) for name, case in cases.items()}


def quadratic_run(rule, make, options, parameters):
    w = quadratic.W.clone().requires_grad_(True)
    optimizer, state, rows = make([w], **options), {}, []
    for _ in range(STEPS):
        taken = rule(quadratic.Quadratic(w), state, **parameters)
        w.grad = taken.direction[0]
        optimizer.step()
        buffers = {b: v.tolist() for b, v in optimizer.state[w].items() if b in BUFFERS and v is not None}
        rows.append({"w": w.tolist(), "radius": taken.radius, "clipped": taken.clipped, **buffers})
    return {"optimizer": make.__name__, "options": options, "parameters": parameters, "steps": rows}


def report(tensors, single):
    print(f"  float32 deviation {record.deviation(single, tensors)}")
    for key in ("radius", "gradient_norm", "clipped"):
        print(f"  {key} {[round(v, 4) for v in tensors[key].tolist()]}")


def main():
    torch.set_num_threads(1)
    numbers = quadratic.numbers()
    wrong = quadratic.disagreements(numbers)
    assert not wrong, wrong
    record.store_json(HERE / "quadratic.json", numbers)
    record.store_json(HERE / "quadratic_steps.json", quadratic_runs())
    makers = {
        name: lambda dtype, r=rule, o=optimizer, l=lr, s=schedules: train(dtype, r, o, l, **s)
        for name, (rule, optimizer, lr, schedules) in runs().items()
    }
    makers["lesam_preact_resnet20"] = residual_step
    for name, make in makers.items():
        tensors = make(torch.float64)
        record.store(HERE / f"{name}.safetensors", tensors)
        report(tensors, make(torch.float32))


if __name__ == "__main__":
    main()
