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


def bump(h, w):
    """Rectangles around the middle, the k-th from inside 1 / (k + 1)^2 high, on top of each other; norm 1."""
    d = np.zeros((h, w))
    for k in range(max(h, w) // 2 + 1):
        d[max(h // 2 - k, 0) : max(h // 2 + k + 1, 0), max(w // 2 - k, 0) : w // 2 + k + 1] += 1 / (k + 1) ** 2
    return d / max(np.sqrt((d**2).sum()), 1e-12)


def bumps(side):
    """One upward above, one downward below; norm 1."""
    d = np.concatenate([bump(side // 2, side), -bump(side - side // 2, side)])
    return torch.from_numpy(d / np.sqrt((d**2).sum()))


class Window:
    """A square of each sample: which pixels it has, and a pattern put there, transposed where `flip`."""

    def __init__(self, shape, side, top, left):
        self.r = torch.arange(shape[2])[None, :, None] - top[:, None, None]
        self.c = torch.arange(shape[3])[None, None, :] - left[:, None, None]
        self.inside = ((self.r >= 0) & (self.r < side) & (self.c >= 0) & (self.c < side)).double()
        self.r, self.c = self.r.clamp(0, side - 1), self.c.clamp(0, side - 1)

    def put(self, pattern, flip):
        r, c = torch.broadcast_tensors(self.r, self.c)
        return torch.where(flip[:, None, None], pattern[c, r], pattern[r, c]) * self.inside


def size(d):
    return d.flatten(1).norm(dim=1)[:, None, None]


def onto(x0, d, eps):
    return (x0[:, 0] + eps * d / size(d).clamp_min(1e-12)).clamp(0, 1)[:, None]


def drawn(streams, extent):
    return torch.from_numpy((streams.unit() * extent).astype(np.int64))


def flips(streams):
    return torch.from_numpy(streams.unit() > 0.5)


def mosaic(x0, eps, streams):
    """A grid of bumps, five along the shorter side, each transposed or not and of either sign."""
    n, _, h, w = x0.shape
    side = max(min(h, w) // 5, 1)
    d, pattern = torch.zeros(n, h, w, dtype=torch.float64), bumps(side)
    for i in range(h // side):
        for j in range(w // side):
            here = [torch.full((n,), extent % side // 2 + k * side) for extent, k in ((h, i), (w, j))]
            flip = flips(streams)
            d += Window(x0.shape, side, *here).put(pattern, flip) * streams.signs(1)[:, :, None]
    return onto(x0, d, eps)


def moved(x0, x, eps, side, streams):
    """Section 3.4: bumps and what was there, in the direction of both, with the mass of both windows and of what the ball has left."""
    n, _, h, w = x0.shape
    side = min(max(side, 3), h, w) | 1
    side -= 2 * (side > min(h, w))
    d = (x - x0)[:, 0]
    first, second = (Window(x0.shape, side, drawn(streams, h - side), drawn(streams, w - side)) for _ in range(2))
    flip = flips(streams)
    pattern = first.put(bumps(side), flip) * streams.signs(1)[:, :, None]
    old = d * first.inside
    unused = (eps**2 - size(d) ** 2).clamp_min(0)
    mass = size(d * torch.maximum(first.inside, second.inside))
    new = pattern + old / size(old).clamp_min(1e-12)
    new = new * torch.sqrt(unused + mass**2) / size(new).clamp_min(1e-12)
    d = d * (1 - second.inside)
    return onto(x0, d * (1 - first.inside) + new, eps)


def recolored(x0, x, eps, s, streams):
    """A square of each sample gets one colour more or less, in the ball."""
    window = Window(x0.shape, s, drawn(streams, x0.shape[2] - s), drawn(streams, x0.shape[3] - s))
    color = 2 * eps * streams.signs(1)[:, :, None]
    asked = x + (window.inside * color)[:, None]
    return torch.maximum(torch.minimum(asked, x0 + eps), x0 - eps).clamp(0, 1)


def square(network, x0, y, eps, queries, key, samples, norm="linf"):
    """Highest margin, and whether misclassified; one channel."""
    n, _, h, w = x0.shape

    def margin(x):
        with torch.no_grad():
            z = network(x)
            return rules.margin(z, y), z.argmax(1) != y

    if norm == "linf":
        x = (x0 + eps * Streams(key, samples, 0).signs(w)[:, None, None, :]).clamp(0, 1)
    else:
        x = mosaic(x0, eps, Streams(key, samples, 0))
    best, fallen = margin(x)
    for query in range(queries):
        s, streams = side(query, h * w, min(h, w)), Streams(key, samples, query + 1)
        change = recolored if norm == "linf" else moved
        asked = change(x0, x, eps, s, streams)
        value, wrong = margin(asked)
        take = ~fallen & ((value > best) | wrong)
        best = torch.where(take, value, best)
        x = torch.where(rules.rows(take), asked, x)
        fallen = fallen | wrong
    return best, fallen
