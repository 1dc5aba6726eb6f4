"""Weights after five steps over all digits: pytorch_optimizer's SAM and PyTorch's SGD."""

import pytorch_optimizer
import torch
from safetensors.torch import load_file, save_file

import common
import networks

STEPS, LR, MOMENTUM, DECAY = 5, 0.05, 0.9, 5e-4
(x, y), _ = common.digits()


def fresh():
    torch.manual_seed(0)
    return networks.cnn((1, 8, 8), 10, width=8)


def flat(recipe):
    text = f"""data digits batch 1437
model cnn(width = 8, normalize = constants(mean = [0.3], std = [0.4])) from "first.safetensors"
optimize sgd(lr = {LR}, momentum = {MOMENTUM}, weight_decay = {DECAY})
train {STEPS} steps
under {recipe}
export "w.safetensors"
"""
    folder, _ = common.run(text, {"first.safetensors": lambda path: save_file(fresh().state_dict(), path)})
    return load_file(folder / "w.safetensors")


def compare(name, recipe, optimizer):
    network = fresh().train()
    optimizer = optimizer(network.parameters())

    def loss():
        return torch.nn.functional.cross_entropy(network(networks.normalized(x, [0.3], [0.4])), y)

    for _ in range(STEPS):
        optimizer.zero_grad()
        loss().backward()
        if hasattr(optimizer, "first_step"):
            optimizer.first_step(zero_grad=True)
            loss().backward()
            optimizer.second_step(zero_grad=True)
        else:
            optimizer.step()
    ours, start = flat(recipe), dict(fresh().named_parameters())
    with torch.no_grad():
        apart = torch.cat([(ours[n] - p).reshape(-1) for n, p in network.named_parameters()]).norm()
        moved = torch.cat([(start[n] - p).reshape(-1) for n, p in network.named_parameters()]).norm()
    common.close(name, (apart / moved).item(), 0.0, 1e-3, "distance over the way that was gone, float32")


def sam(**options):
    base = {"lr": LR, "momentum": MOMENTUM, "weight_decay": DECAY}
    return lambda p: pytorch_optimizer.SAM(p, base_optimizer=torch.optim.SGD, **options, **base)


compare("sgd", "sgd", lambda p: torch.optim.SGD(p, lr=LR, momentum=MOMENTUM, weight_decay=DECAY))
compare("sam", "sam(rho = 0.05)", sam(rho=0.05))
compare("adaptive sam", "asam(rho = 0.5, eta = 0, scaling = all)", sam(rho=0.5, adaptive=True))
common.end()
