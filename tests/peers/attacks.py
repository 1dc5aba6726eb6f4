"""PGD and AutoAttack on a trained network: torchattacks and foolbox."""

import eagerpy
import foolbox
import torch
import torchattacks

import common
import networks

EPS, STEPS, STEP = 0.1, 10, 0.02
NORMAL = "constants(mean = [0.3], std = [0.4])"

folder, measured = common.run(
    f"""data digits batch 64
model cnn(width = 8, normalize = {NORMAL})
optimize sgd(lr = 0.05, momentum = 0.9)
train 5 epochs
under sgd
evaluate accuracy, pgd(eps = {EPS}, steps = {STEPS}, step = {STEP}, start = clean), pgd(eps = 0.5, steps = {STEPS}, step = 0.1, norm = l2, start = clean), autoattack(eps = 0.05)
export "w.safetensors"
"""
)
network = common.loaded(networks.cnn((1, 8, 8), 10, width=8), folder / "w.safetensors")
victim = common.Normalized(network, [0.3], [0.4]).eval()
_, (x, y) = common.digits()


def accuracy(images):
    with torch.no_grad():
        return 100 * (victim(images).argmax(1) == y).double().mean().item()


def named(start):
    return next(100 * value for name, value in measured.items() if name.startswith(start) and name.endswith("accuracy"))


# A step along a sign may turn where a gradient is zero but for rounding.
few = 100 * 2 / len(y)
common.close("accuracy", 100 * measured["accuracy"], accuracy(x), 1e-4, "the same network")
linf = torchattacks.PGD(victim, eps=EPS, alpha=STEP, steps=STEPS, random_start=False)
common.close("pgd linf, torchattacks", named("pgd(linf"), accuracy(linf(x, y)), few, "two samples")
l2 = torchattacks.PGDL2(victim, eps=0.5, alpha=0.1, steps=STEPS, random_start=False)
common.close("pgd l2, torchattacks", named("pgd(l2"), accuracy(l2(x, y)), few, "two samples")
model = foolbox.PyTorchModel(victim, bounds=(0, 1))
attack = foolbox.attacks.LinfPGD(abs_stepsize=STEP, steps=STEPS, random_start=False)
_, images, _ = attack(model, x, y, epsilons=EPS)
common.close("pgd linf, foolbox", named("pgd(linf"), accuracy(eagerpy.astensor(images).raw), few, "two samples")
auto = torchattacks.AutoAttack(victim, norm="Linf", eps=0.05, version="standard", n_classes=10, seed=0)
found = next(100 * value for name, value in measured.items() if name.startswith("autoattack") and name.endswith("accuracy"))
common.close("autoattack linf", found, accuracy(auto(x, y)), 1.0, "both draw starts and windows at random")
common.end()
