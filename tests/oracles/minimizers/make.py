"""Five steps of a small convolutional network under base optimizers and the SAM family, in float64."""

import sys
from functools import partial
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import esam
import formula
import networks
import quadratic
import record
import rules
from networks import CIFAR, GREY
from runs import STEPS, constant, runs
from steps import BATCH, BUFFERS, CLASSES, SGD, SHAPE, NetworkPasses, filled, small_network
from steps import move, move_after, put_buffers, put_choices, put_memories, put_network, put_scalars

FIRST_INPUT, RESIDUAL_INPUT = 1000, 1003


def train(dtype, run):
    """Five steps, each on its own batch; the record of all of them."""
    network = small_network(dtype)
    make, options = run.optimizer
    optimizer = make(network.parameters(), **{**options, "lr": run.lr(0)})
    out, steps, state = {}, [], {}
    for t in range(STEPS):
        x = formula.images(BATCH, SHAPE, FIRST_INPUT + t).to(dtype)
        passes = NetworkPasses(network, x, formula.labels(BATCH, CLASSES, t), GREY, t, optimizer)
        steps.append(run.rule(passes, state, **{k: s(t) for k, s in run.schedules.items()}))
        move(optimizer, run.lr(t), passes, steps[-1].direction)
        if steps[-1].after is not None:
            move_after(run.lr(t), passes, steps[-1].after)
        put_step(out, f"step{t}/", run, passes, steps[-1], state)
    put_scalars(out, steps, lr=run.lr, **{k: s for k, s in run.schedules.items() if s(0) is not None})
    return out


def put_step(out, prefix, run, passes, step, state):
    """After the step; of a short record the last one alone."""
    put_choices(out, prefix, step)
    if not run.short or passes.step == STEPS - 1:
        put_network(out, prefix, passes.network)
    if not run.short:
        put_buffers(out, prefix, passes.network, passes.optimizer)
        put_memories(out, prefix, passes, state)


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
        "sgd": (rules.base, sgd, {"lr": 0.1}, {}),
        "sgd_momentum": (rules.base, sgd, {"lr": 0.1, "momentum": 0.9}, {}),
        "sgd_nesterov": (rules.base, sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True}, {}),
        "sgd_weight_decay": (rules.base, sgd, {"lr": 0.1, "weight_decay": 0.05}, {}),
        "sgd_all": (rules.base, sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05}, {}),
        "adam": (rules.base, adam, {"lr": 0.1}, {}),
        "adam_weight_decay": (rules.base, adam, {"lr": 0.1, "weight_decay": 0.05}, {}),
        "adamw": (rules.base, adamw, {"lr": 0.1, "weight_decay": 0.05}, {}),
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
    """NaN marks a value that is not there; it has to be missing in both."""
    assert all(torch.equal(v.isnan(), single[k].isnan()) for k, v in tensors.items())
    there, also = ({k: v.nan_to_num() for k, v in t.items()} for t in (single, tensors))
    print(f"  float32 deviation {record.deviation(there, also)}")
    for key in ("radius", "gradient_norm", "clipped"):
        print(f"  {key} {[round(v, 4) for v in tensors[key].tolist()]}")


def main():
    torch.set_num_threads(1)
    numbers = quadratic.numbers()
    wrong = quadratic.disagreements(numbers)
    assert not wrong, wrong
    assert esam.published_draws_agree()
    record.store_json(HERE / "quadratic.json", numbers)
    record.store_json(HERE / "quadratic_steps.json", quadratic_runs())
    makers = {name: partial(train, run=run) for name, run in runs().items()}
    makers["lesam_preact_resnet20"] = residual_step
    for name, make in makers.items():
        tensors = make(torch.float64)
        record.store(HERE / f"{name}.safetensors", tensors)
        report(tensors, make(torch.float32))


if __name__ == "__main__":
    main()
