"""APGD, FAB-T and Square Attack in float64, from their papers; random numbers from the project's generator."""

import numpy as np
import torch

import rules

# The generator's arithmetic is modulo 2^64.
np.seterr(over="ignore")

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
PURPOSE = 8


def scramble(w):
    w = (w ^ (w >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    w = (w ^ (w >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return w ^ (w >> np.uint64(31))


class Streams:
    """SplitMix64, one stream per sample: keyed by purpose 8, `key`, the sample and `draw`."""

    def __init__(self, key, samples, draw):
        samples = np.asarray(samples, dtype=np.uint64)
        self.state = np.full(samples.shape, scramble(np.array([PURPOSE], dtype=np.uint64))[0])
        for word in [*key, samples, draw]:
            word = np.asarray(word, dtype=np.uint64)
            self.state = scramble((self.state + GOLDEN) ^ word)

    def unit(self):
        self.state = self.state + GOLDEN
        return (scramble(self.state) >> np.uint64(11)).astype(np.float64) / 2**53

    def units(self, count):
        return np.stack([self.unit() for _ in range(count)], axis=1)

    def signs(self, count):
        return torch.from_numpy(np.where(self.units(count) < 0.5, -1.0, 1.0))


def boundary_start(x, eps, norm, streams):
    """One channel: pixels in row-major order."""
    d = x[0].numel()
    if norm == "linf":
        t = torch.from_numpy(2 * streams.units(d) - 1)
        t = t / t.abs().amax(1, keepdim=True)
    else:
        u = streams.units(2 * d)
        t = torch.from_numpy(np.sqrt(-2 * np.log(1 - u[:, ::2])) * np.cos(2 * np.pi * u[:, 1::2]))
        t = t / t.norm(dim=1, keepdim=True)
    return x + eps * t.reshape(x.shape)


def checkpoints(steps):
    """{iteration: window length}"""
    length, at, found = max(22 * steps // 100, 1), 0, {}
    while at + length <= steps:
        at += length
        found[at] = length
        length = max(length - max(3 * steps // 100, 1), max(6 * steps // 100, 1))
    return found


def apgd(network, x0, y, eps, norm, steps, loss, start):
    """Best loss and whether misclassified; a sample ends at its first misclassified iterate."""
    n = len(x0)
    radius = torch.full((n,), eps, dtype=torch.float64)
    step = 2 * radius

    def evaluate(x):
        x = x.detach().requires_grad_(True)
        z = network(x)
        values = loss(z, y)
        g, = torch.autograd.grad(values.sum(), x)
        return values.detach(), g, z.argmax(1) != y

    x = rules.project(start, x0, radius, norm)
    values, g, wrong = evaluate(x)
    result, fallen = values.clone(), wrong.clone()
    previous, best_x, best_g, best = x, x.clone(), g.clone(), values.clone()
    last, rises = values.clone(), torch.zeros(n)
    reduced, at_check = torch.ones(n, dtype=torch.bool), values.clone()
    windows = checkpoints(steps)
    for k in range(1, steps + 1):
        a = 1.0 if k == 1 else 0.75
        z = rules.ascend(x, g, x0, radius, step, norm)
        moved = rules.project(x + a * (z - x) + (1 - a) * (x - previous), x0, radius, norm)
        previous, x = x, moved
        values, g, wrong = evaluate(x)
        rises += values > last
        last = values
        better = values > best
        best = torch.where(better, values, best)
        best_x = torch.where(rules.rows(better), x, best_x)
        best_g = torch.where(rules.rows(better), g, best_g)
        result = torch.where(fallen, result, torch.where(wrong, values, best))
        fallen = fallen | wrong
        if k in windows:
            halve = (rises <= 0.75 * windows[k]) | (~reduced & (at_check >= best))
            step = torch.where(halve, step / 2, step)
            x = torch.where(rules.rows(halve), best_x, x)
            g = torch.where(rules.rows(halve), best_g, g)
            reduced, at_check, rises = halve, best.clone(), torch.zeros(n)
    return result, fallen


def to_plane(x, w, offset, norm):
    """Shortest d in the pixel range with w.d = offset, by bisection; as far as it goes where there is none. Rows."""
    s = offset.sign()[:, None] * w.sign()
    room = torch.where(s > 0, 1 - x, x) * (s != 0)
    pull = (w != 0).double() if norm == "linf" else w.abs()
    low = torch.zeros(len(x), dtype=torch.float64)
    high = torch.where(pull > 0, room / pull.clamp_min(1e-300), 0).amax(1)
    for _ in range(200):
        middle = (low + high) / 2
        reached = (w.abs() * torch.minimum(middle[:, None] * pull, room)).sum(1) >= offset.abs()
        low, high = torch.where(reached, low, middle), torch.where(reached, middle, high)
    return s * torch.minimum(high[:, None] * pull, room)


def length(d, norm):
    return d.abs().amax(1) if norm == "linf" else d.norm(dim=1)


def fab(network, x0, y, targets, norm, steps):
    """Size of the smallest perturbation found."""
    x, clean = x0.clone(), x0.flatten(1)
    radius = torch.full((len(x0),), torch.inf, dtype=torch.float64)
    for _ in range(steps):
        v = x.detach().requires_grad_(True)
        z = network(v)
        df = z.gather(1, targets[:, None])[:, 0] - z.gather(1, y[:, None])[:, 0]
        w, = torch.autograd.grad(df.sum(), v)
        w, df, here = w.flatten(1), df.detach(), x.flatten(1)
        d1 = to_plane(here, w, -df, norm)
        d2 = to_plane(clean, w, (w * (here - clean)).sum(1) - df, norm)
        l1, l2 = length(d1, norm).clamp_min(1e-8), length(d2, norm).clamp_min(1e-8)
        a = (l1 / (l1 + l2)).clamp_max(0.1)[:, None]
        here = ((1 - a) * (here + 1.05 * d1) + a * (clean + 1.05 * d2)).clamp(0, 1)
        with torch.no_grad():
            wrong = network(here.reshape(x0.shape)).argmax(1) != y
        radius = torch.where(wrong, torch.minimum(radius, length(here - clean, norm)), radius)
        x = torch.where(wrong[:, None], clean + 0.9 * (here - clean), here).reshape(x0.shape)
    return radius


HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


def side(query, pixels, extent):
    share = 0.8 / 2 ** sum(query > after for after in HALVINGS)
    return min(max(round((share * pixels) ** 0.5), 1), extent)


def square(network, x0, y, eps, queries, key, samples):
    """Highest margin, and whether misclassified; l-infinity, one channel."""
    n, _, h, w = x0.shape

    def margin(x):
        with torch.no_grad():
            z = network(x)
            return rules.margin(z, y), z.argmax(1) != y

    stripes = Streams(key, samples, 0).signs(w)[:, None, None, :]
    x = (x0 + eps * stripes).clamp(0, 1)
    best, fallen = margin(x)
    rows, columns = torch.arange(h)[None, :, None], torch.arange(w)[None, None, :]
    for query in range(queries):
        s = side(query, h * w, min(h, w))
        streams = Streams(key, samples, query + 1)
        top = torch.from_numpy((streams.unit() * (h - s)).astype(np.int64))[:, None, None]
        left = torch.from_numpy((streams.unit() * (w - s)).astype(np.int64))[:, None, None]
        color = 2 * eps * streams.signs(1)[:, :, None]
        inside = (rows >= top) & (rows < top + s) & (columns >= left) & (columns < left + s)
        asked = x + (inside * color)[:, None]
        asked = torch.maximum(torch.minimum(asked, x0 + eps), x0 - eps).clamp(0, 1)
        value, wrong = margin(asked)
        take = ~fallen & ((value > best) | wrong)
        best = torch.where(take, value, best)
        x = torch.where(rules.rows(take), asked, x)
        fallen = fallen | wrong
    return best, fallen
