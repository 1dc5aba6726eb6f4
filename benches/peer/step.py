"""The steps of benches/step.rs in PyTorch, as a careful user would write them.

Takes threads, device and precision as arguments. Reads `<network> <batch> <algorithm> <layout> <steps>` per line, layout `contiguous` or `channels_last`; answers with
one JSON line. Fused and for-each kernels where PyTorch has them, no gradients nobody needs, running statistics moved
by the first pass alone.
"""

import contextlib
import json
import os
import pathlib
import sys
import tempfile
import time

import numpy as np
import torch
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "oracles"))
import networks  # noqa: E402

SHAPES = {
    "preact_resnet20": (3, 32, 32), "resnet18": (3, 32, 32), "sat_cnn": (1, 28, 28), "cnn": (1, 8, 8),
    "vit": (3, 32, 32),
}
CHECKPOINT = os.path.join(tempfile.gettempdir(), f"flatrun-peer-{os.getpid()}.pt")


def uniform(count, stream):
    """The hash of step.rs as numbers in [-0.5, 0.5)."""
    with np.errstate(over="ignore"):
        h = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(stream * 12345 & 0xFFFFFFFF)
        h = (h ^ (h >> 16)) * np.uint32(0x85EBCA6B)
        h = (h ^ (h >> 13)) * np.uint32(0xC2B2AE35)
        h ^= h >> 16
    return h.astype(np.float64) / 4294967296.0 - 0.5


def stream(name):
    k = 0
    for byte in name.encode():
        k = (k * 31 + byte) & 0xFFFFFFFF
    return k


def fill(network):
    with torch.no_grad():
        for name, p in network.named_parameters():
            if p.dim() > 1:
                scale = (24.0 / p[0].numel()) ** 0.5
                p.copy_(torch.from_numpy((scale * uniform(p.numel(), stream(name))).astype(np.float32)).view_as(p))
            else:
                norms = torch.nn.BatchNorm2d, torch.nn.LayerNorm
                norm = isinstance(network.get_submodule(name.rpartition(".")[0]), norms)
                p.fill_(1.0 if norm and name.endswith("weight") else 0.0)


def use_precision(network, device, precision):
    """Has every pass made in this precision, to logits in f32."""
    plain = network.forward

    def forward(x):
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            return plain(x).float()

    network.forward = forward


class Case:
    def __init__(self, network, batch, algorithm, layout, device, precision):
        shape = SHAPES[network]
        self.network = networks.ARCHITECTURES[network](shape, 10).to(device)
        fill(self.network)
        use_precision(self.network, device, precision)
        self.network.train()
        n = int(batch)
        c, h, w = shape
        pixels = (0.5 + uniform(n * h * w * c, 7)).astype(np.float32).reshape(n, h, w, c)
        self.x = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).contiguous()
        self.y = (3 * torch.arange(n, device=device) + 1) % 10
        if layout == "channels_last":
            self.network = self.network.to(memory_format=torch.channels_last)
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        self.parameters = list(self.network.parameters())
        self.norms = [m for m in self.network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        self.optimizer = torch.optim.SGD(
            self.parameters, lr=1e-3, momentum=0.9, weight_decay=5e-4, fused=True
        )
        self.step = getattr(self, algorithm)
        self.table = None
        self.done = 0

    def losses(self, x):
        return F.cross_entropy(self.network((x - 0.5) * 4.0), self.y, reduction="none")

    def freeze(self, frozen):
        for m in self.norms:
            m.momentum = 0.0 if frozen else 0.1

    def sgd(self):
        return self.descend(self.x)

    def sam(self):
        return self.two_pass(lambda norm: torch.full_like(norm, 0.05))

    def lesam(self):
        return self.two_pass(lambda norm: (0.4 / (norm + 1e-12)).clamp(max=0.35))

    def two_pass(self, radius):
        loss = self.losses(self.x).mean()
        loss.backward()
        return self.ascend(radius, loss, lambda: self.losses(self.x).mean())

    def ascend(self, radius, loss, again):
        with torch.no_grad():
            grads = [p.grad for p in self.parameters]
            norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
            torch._foreach_mul_(grads, radius(norm) / norm)
            before = [p.clone() for p in self.parameters]
            torch._foreach_add_(self.parameters, grads)
        self.optimizer.zero_grad(set_to_none=True)
        self.freeze(True)
        again().backward()
        self.freeze(False)
        with torch.no_grad():
            torch._foreach_copy_(self.parameters, before)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss

    def ssp_adm_lesam(self):
        n = len(self.y)
        if self.table is None:
            v = torch.ones(n, device=self.x.device)
        else:
            rank = self.table.argsort().argsort()
            s = 1.0 - 2.0 * ((100 + self.done) // 100) / 9.0
            v = 1.0 + s * (1.0 - 2.0 * rank / (n - 1))
        x = self.x.detach().requires_grad_(True)
        losses = self.losses(x)
        ((v * losses).sum() / n).backward()
        with torch.no_grad():
            attacked = (x + 8 / 255 * x.grad.sign()).clamp(0, 1)
            self.freeze(True)
            moved = self.losses(attacked)
            self.freeze(False)
            clean = losses.detach()
            self.table = (moved - clean).abs() / (clean + 1e-8)
        radius = lambda norm: (0.4 / (norm + 1e-12)).clamp(max=0.35)  # noqa: E731
        return self.ascend(radius, losses.detach().mean(), lambda: (v * self.losses(self.x)).sum() / n)

    def pgd10(self):
        with self.attacked():
            x = self.ascended(self.x.clone(), None)
        return self.descend(x)

    def psat(self):
        with self.attacked():
            x = (self.x + 8 / 255 * (2 * torch.rand_like(self.x) - 1)).clamp(0, 1)
            x = self.ascended(x, 0.3)
        return self.descend(x)

    @contextlib.contextmanager
    def attacked(self):
        """The network as it will be used, without gradients of its parameters."""
        self.network.eval().requires_grad_(False)
        yield
        self.network.train().requires_grad_(True)

    def ascended(self, x, most):
        """Ten steps of l-infinity PGD; with `most`, samples whose gap of probabilities is above it leave the batch."""
        active = torch.arange(len(x), device=x.device)
        for _ in range(10):
            part = x if most is None else x[active]
            part.requires_grad_(True)
            labels, clean = self.y[active], self.x[active]
            logits = self.network((part - 0.5) * 4.0)
            losses = F.cross_entropy(logits, labels, reduction="none")
            if most is not None:
                p = logits.detach().softmax(1)
                own = p.gather(1, labels[:, None])[:, 0]
                goes_on = p.scatter(1, labels[:, None], -1.0).amax(1) - own <= most
                if not goes_on.any():
                    break
            (gradient,) = torch.autograd.grad(losses.sum(), part)
            with torch.no_grad():
                moved = part + 2 / 255 * gradient.sign()
                moved = torch.min(torch.max(moved, clean - 8 / 255), clean + 8 / 255).clamp(0, 1)
                if most is None:
                    x = moved
                else:
                    active = active[goes_on]
                    x[active] = moved[goes_on]
        return x.detach()

    def descend(self, x):
        loss = self.losses(x).mean()
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss

    @torch.inference_mode()
    def forward(self):
        self.network.eval()
        return self.losses(self.x).mean()

    def write(self):
        if not self.optimizer.state:
            self.sgd()
        state = {"model": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        with open(CHECKPOINT + ".part", "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(CHECKPOINT + ".part", CHECKPOINT)

    def read(self):
        state = torch.load(CHECKPOINT, weights_only=True)
        self.network.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])

    def run(self, steps):
        if self.step == self.read:
            self.write()
        seconds, loss = [], None
        # Waiting for each step would empty the queue of a card: what is timed there is all of them, to their end.
        together = max(steps, 1) if self.x.is_cuda else 1
        for _ in range(steps // together):
            start = time.perf_counter()
            for _ in range(together):
                loss = self.step()
                self.done += 1
            if self.x.is_cuda:
                torch.cuda.synchronize()
            seconds.append((time.perf_counter() - start) / together)
        return seconds, None if loss is None else float(loss.detach())


def main():
    threads, device, precision = sys.argv[1:] + ["2", "cpu", "f32"][len(sys.argv) - 1:]
    torch.set_num_threads(int(threads))
    device = torch.device(device)
    # The fastest convolutions for these sizes, TF32 among them, which is PyTorch's default.
    torch.backends.cudnn.benchmark = True
    torch.set_flush_denormal(True)
    known, case = None, None
    for line in sys.stdin:
        *words, steps = line.split()
        if words != known:
            case = None
            known, case = words, Case(*words, device, precision)
        seconds, loss = case.run(int(steps))
        print(json.dumps({"case": " ".join(words), "seconds": seconds, "loss": loss}), flush=True)
    pathlib.Path(CHECKPOINT).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
