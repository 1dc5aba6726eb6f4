"""Dense Hessians of networks with fewer than 500 parameters, and what is measured around them, in float64."""

import sys
from pathlib import Path

import numpy as np
import torch
from torch.func import functional_call
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

import formula
import networks
import record

SAMPLES, CLASSES = 32, 10
EPS = 8 / 255
RHO, SIGMA, DRAWS = 0.05, 0.01, 6
PURPOSE, GOLDEN = 10, 0x9E3779B97F4A7C15
NOISE, SPHERE, SURFACE = 4, 5, 6
TOP = 12
CASES = {
    "softmax": ("mlp", {"hidden": ()}, (1, 4, 4)),
    "mlp": ("mlp", {"hidden": (8,)}, (1, 4, 4)),
    "cnn": ("cnn", {"width": 2}, (1, 6, 6)),
}


def scramble(w):
    mask = (1 << 64) - 1
    w = ((w ^ (w >> 30)) * 0xBF58476D1CE4E5B9) & mask
    w = ((w ^ (w >> 27)) * 0x94D049BB133111EB) & mask
    return w ^ (w >> 31)


def normals(count, *key):
    """Box and Muller on SplitMix64 keyed by the purpose, `key` and the part (0, since `count` < 32768)."""
    mask = (1 << 64) - 1
    state = scramble(PURPOSE)
    for word in (*key, 0):
        state = scramble(((state + GOLDEN) & mask) ^ word)
    values = []
    for _ in range(count):
        units = []
        for _ in range(2):
            state = (state + GOLDEN) & mask
            units.append((scramble(state) >> 11) / 2**53)
        values.append(np.sqrt(-2 * np.log(1 - units[0])) * np.cos(2 * np.pi * units[1]))
    return torch.tensor(values, dtype=torch.float64)


def pixels(shape):
    """Bytes 0..127 over 128, in PyTorch's layout; stream 1000."""
    count = SAMPLES * int(np.prod(shape))
    return torch.from_numpy((formula.scrambled(count, 1000) >> np.uint64(25)).astype(np.float64) / 128).reshape(SAMPLES, *shape)


class Around:
    """The mean loss of a network as a function of all its parameters in one vector."""

    def __init__(self, name, options, shape):
        network = networks.ARCHITECTURES[name](shape, CLASSES, **options)
        with torch.no_grad():
            formula.fill_network(network)
        self.network = network.double().eval()
        self.parameters = {n: p.detach() for n, p in self.network.named_parameters()}
        self.x, self.y = pixels(shape), formula.labels(SAMPLES, CLASSES)
        self.w = torch.cat([p.reshape(-1) for p in self.parameters.values()])

    def logits(self, w, x):
        parts, first = {}, 0
        for name, p in self.parameters.items():
            parts[name] = w[first:first + p.numel()].reshape(p.shape)
            first += p.numel()
        return functional_call(self.network, parts, (x,))

    def loss(self, w, x=None):
        return F.cross_entropy(self.logits(w, self.x if x is None else x), self.y)

    def hessian(self, x=None):
        return torch.autograd.functional.hessian(lambda w: self.loss(w, x), self.w)

    def gradient(self, x=None):
        w = self.w.clone().requires_grad_()
        return torch.autograd.grad(self.loss(w, x), w)[0]

    def attacked(self):
        """One step of length eps along the sign of each sample's own gradient, inside [0, 1]."""
        x = self.x.clone().requires_grad_()
        loss = F.cross_entropy(self.logits(self.w, x), self.y, reduction="sum")
        return (self.x + EPS * torch.autograd.grad(loss, x)[0].sign()).clamp(0, 1)

    def blocks(self):
        """Module and its range in the vector, in order."""
        found, first = {}, 0
        for name, p in self.parameters.items():
            module = name.rsplit(".", 1)[0]
            start = found.get(module, (first, 0))[0]
            first += p.numel()
            found[module] = (start, first)
        return found

    def filters(self):
        """Ranges of the filters of weights with two axes or more."""
        first = 0
        for p in self.parameters.values():
            if p.dim() > 1:
                size = p[0].numel()
                yield from ((first + j * size, first + (j + 1) * size) for j in range(p.shape[0]))
            first += p.numel()


def by_magnitude(hessian):
    values = torch.linalg.eigvalsh((hessian + hessian.T) / 2)
    return values[values.abs().argsort(descending=True)]


def softmax_hessian(net):
    """(1/B) sum (diag(p) - p p') kron x x', x with a 1 for the bias, in the order weight (row-major), bias."""
    x = net.x.reshape(SAMPLES, -1)
    p = F.softmax(net.logits(net.w, net.x), 1)
    inner = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    x1 = torch.cat([x, torch.ones(SAMPLES, 1)], 1)
    full = torch.einsum("bij,bk,bl->ikjl", inner, x1, x1) / SAMPLES
    d = x.shape[1]
    weight = [i * (d + 1) + k for i in range(CLASSES) for k in range(d)]
    bias = [i * (d + 1) + d for i in range(CLASSES)]
    order = torch.tensor(weight + bias)
    size = CLASSES * (d + 1)
    return full.reshape(size, size)[order][:, order]


def surface(net):
    """Losses at five places from -1 to 1 along the first filter-normalised direction of seed 0."""
    d = normals(net.w.numel(), SURFACE, 0, 0)
    scaled = torch.zeros_like(d)
    for a, b in net.filters():
        scaled[a:b] = d[a:b] * net.w[a:b].norm() / (d[a:b].norm() + 1e-10)
    return [net.loss(net.w + t * scaled).item() for t in (-1, -0.5, 0, 0.5, 1)]


def filtered(net, scale):
    """Mean loss over noise; `scale` multiplies the noise of a filter by the filter's length."""
    losses = []
    for draw in range(DRAWS):
        t = SIGMA * normals(net.w.numel(), NOISE, draw)
        if scale:
            for a, b in net.filters():
                t[a:b] = t[a:b] * net.w[a:b].norm()
        losses.append(net.loss(net.w + t).item())
    return float(np.mean(losses))


def average_rise(net):
    rises = []
    for draw in range(DRAWS):
        u = normals(net.w.numel(), SPHERE, draw)
        rises.append(net.loss(net.w + RHO * u / u.norm()).item() - net.loss(net.w).item())
    return float(np.mean(rises))


def worst_by_batch(net, batch):
    """Mean over batches of the rise of each batch's own mean loss along its own gradient."""
    rises = []
    for first in range(0, SAMPLES, batch):
        part = slice(first, first + batch)
        loss = lambda w: F.cross_entropy(net.logits(w, net.x[part]), net.y[part])
        w = net.w.clone().requires_grad_()
        g = torch.autograd.grad(loss(w), w)[0]
        rises.append((loss(net.w + RHO * g / g.norm()) - loss(net.w)).item())
    return float(np.mean(rises))


def measured(name, options, shape):
    net = Around(name, options, shape)
    assert net.w.numel() < 500
    hessian = net.hessian()
    if options.get("hidden") == ():
        closed = softmax_hessian(net)
        assert (closed - hessian).norm() < 1e-12 * hessian.norm()
        hessian = closed
    g = net.gradient()
    values = by_magnitude(hessian)
    x = net.attacked()
    hard = net.hessian(x)
    blocks = {m: hessian[a:b, a:b] for m, (a, b) in net.blocks().items()}
    return {
        "architecture": name, "options": {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()},
        "input": list(shape), "parameters": net.w.numel(),
        "loss": net.loss(net.w).item(), "gradient": g.norm().item(),
        "eigenvalues": values[:TOP].tolist(), "trace": hessian.trace().item(),
        "frobenius_off_diagonal": (hessian - torch.diag(hessian.diagonal())).norm().item(),
        "low": values.min().item(), "high": values.max().item(),
        "negative": (values < -1e-9 * values[0].abs()).double().mean().item(),
        "moments": [(values**k).mean().item() for k in (1, 2, 3)],
        "blocks": {m: [by_magnitude(h)[0].item(), h.trace().item()] for m, h in blocks.items()},
        "adversarial": {"loss": net.loss(net.w, x).item(), "gradient": net.gradient(x).norm().item(),
                        "top": by_magnitude(hard)[0].item(), "trace": hard.trace().item()},
        "worst": (net.loss(net.w + RHO * g / g.norm()) - net.loss(net.w)).item(),
        "worst_by_8": worst_by_batch(net, 8), "average": average_rise(net),
        "lpf": filtered(net, False), "lpf_filter": filtered(net, True), "surface": surface(net),
    }


def main():
    torch.set_default_dtype(torch.float64)
    rows = {case: measured(*spec) for case, spec in CASES.items()}
    record.store_json(HERE / "curvature.json", rows)
    for case, row in rows.items():
        print(case, row["parameters"], "parameters, eigenvalues", row["eigenvalues"][:3], "trace", row["trace"])


if __name__ == "__main__":
    main()
