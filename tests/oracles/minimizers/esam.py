"""ESAM: a seeded choice of tensors is perturbed, and the samples whose loss rises most make the direction."""

import math

import torch

import rules

MASK = (1 << 64) - 1
STRIDE = 0x9E3779B97F4A7C15
PURPOSE, SEED, PHASE = 5, 0, 1
PUBLISHED = (1234567, [6457827717110365317, 3203168211198807973, 9817491932198370423])


def scramble(w):
    w = ((w ^ (w >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    w = ((w ^ (w >> 27)) * 0x94D049BB133111EB) & MASK
    return w ^ (w >> 31)


class Generator:
    """SplitMix64."""

    def __init__(self, state):
        self.state = state

    def bits(self):
        self.state = (self.state + STRIDE) & MASK
        return scramble(self.state)

    def unit(self):
        """In [0, 1), 53 bits."""
        return (self.bits() >> 11) / 2**53


def keyed(purpose, key):
    state = scramble(purpose)
    for word in key:
        state = scramble(((state + STRIDE) & MASK) ^ word)
    return Generator(state)


def published_draws_agree():
    state, draws = PUBLISHED
    generator = Generator(state)
    return [generator.bits() for _ in draws] == draws


def kept_tensors(count, step, beta):
    """One coin per tensor; never none."""
    generator = keyed(PURPOSE, [SEED, PHASE, step])
    draws = [generator.unit() for _ in range(count)]
    kept = [draw < beta for draw in draws]
    return kept if any(kept) else [draw == min(draws) for draw in draws]


def most_raised(rises, gamma):
    """Positions of the max(1, floor(gamma B)) largest, the earlier first among equals; ascending."""
    count = max(1, math.floor(gamma * len(rises)))
    return rises.argsort(descending=True, stable=True)[:count].sort().values


def esam(passes, state, *, rho, beta, gamma, full_norm=False):
    loss, g = passes.here()
    kept = kept_tensors(len(g), passes.step, beta)
    part = rules.masked(g, kept)
    e = rules.scaled(rho / beta / rules.norm(g if full_norm else part), part)
    losses, raised = passes.losses_at([torch.zeros_like(x) for x in e]), passes.losses_at(e)
    samples = most_raised(raised - losses, gamma)
    step = rules.descend(passes.among(samples), (loss, g if full_norm else part), e)
    step.extra = {"kept": torch.tensor(kept), "losses": losses, "raised": raised, "samples": samples}
    return step
