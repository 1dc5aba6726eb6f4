"""Sample weights from difficulties: self-paced (hard and soft) and symmetric self-paced."""

import math


def ranks(difficulty):
    """0 for the easiest; equal difficulties keep their order."""
    order = sorted(range(len(difficulty)), key=lambda i: difficulty[i])
    out = [0] * len(difficulty)
    for rank, i in enumerate(order):
        out[i] = rank
    return out


def slope(epoch, epochs):
    """From +1 at the first epoch to -1 at the last; 0 where there is one epoch only."""
    return 1 - 2 * epoch / (epochs - 1) if epochs > 1 else 0.0


def ssp(difficulty, epoch, epochs):
    """1 + s (1 - 2 r / (B - 1)); ones for a batch of one."""
    last = len(difficulty) - 1
    if last == 0:
        return [1.0]
    s = slope(epoch, epochs)
    return [1 + s * (1 - 2 * r / last) for r in ranks(difficulty)]


def hard(x, threshold):
    return 1.0 if x <= threshold else 0.0


def linear(x, threshold):
    return max(0.0, 1 - x / threshold)


def log(x, threshold):
    """For thresholds in (0, 1)."""
    zeta = 1 - threshold
    return math.log(x + zeta) / math.log(zeta) if x < threshold else 0.0


def mixture(x, threshold, ratio):
    """1 below ratio * threshold, 0 from threshold on."""
    low = ratio * threshold
    if x <= low:
        return 1.0
    zeta = threshold * low / (threshold - low)
    return zeta * (1 / x - 1 / threshold) if x < threshold else 0.0


def logistic(x, threshold):
    return (1 + math.exp(-threshold)) / (1 + math.exp(x - threshold))


def poly(x, threshold, power):
    return (1 - x / threshold) ** (1 / (power - 1)) if x < threshold else 0.0


WEIGHTINGS = {f.__name__: f for f in (hard, linear, log, mixture, logistic, poly)}


def regularizer(name, v, threshold, ratio=None, power=None):
    """The penalty whose minimiser over v in [0, 1] the closed form of `name` is."""
    if name == "hard":
        return -threshold * v
    if name == "linear":
        return threshold * (v * v / 2 - v)
    if name == "log":
        zeta = 1 - threshold
        return zeta * v - zeta**v / math.log(zeta)
    if name == "mixture":
        low = ratio * threshold
        zeta = threshold * low / (threshold - low)
        return -zeta * math.log(v + zeta / threshold)
    if name == "poly":
        return threshold * (v**power / power - v)
    top = 1 + math.exp(-threshold)
    entropy = sum(p * math.log(p) for p in (v, top - v) if p > 0)
    return entropy - threshold * v


def minimised(name, x, threshold, steps=20_000, **parameters):
    """argmin over a grid of v x + regularizer."""
    grid = (i / steps for i in range(steps + 1))
    return min(grid, key=lambda v: v * x + regularizer(name, v, threshold, **parameters))


def quantile(difficulty, fraction):
    """The k-th smallest with k = ceil(fraction B), at least one."""
    k = max(1, math.ceil(fraction * len(difficulty) - 1e-9))
    return sorted(difficulty)[k - 1]


def normalizer(weights):
    """What a self-paced batch loss is divided by: the sum of the weights, at least one."""
    return max(1.0, sum(weights))
