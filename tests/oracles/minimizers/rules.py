"""The SAM family as rules on lists of tensors.

A rule is `rule(passes, state, **parameters) -> Step`. `passes.weights` are the tensors, `passes.here()` and
`passes.at(e)` give (loss, gradients) at w and at w + e on the same batch. `state` is a dict the rule keeps
between steps. The base optimizer then moves w along `direction`. Another member is one more function.
"""

from dataclasses import dataclass, field

import torch

EPS = 1e-12


@dataclass
class Step:
    direction: list
    perturbation: list
    gradient: list
    perturbed_gradient: list
    loss: float
    perturbed_loss: float
    radius: float
    clipped: bool = False
    extra: dict = field(default_factory=dict)


def dot(a, b):
    return sum((x * y).sum() for x, y in zip(a, b))


def norm(a):
    return dot(a, a).sqrt()


def scaled(c, a):
    return [c * x for x in a]


def plus(a, b, c=1.0):
    """a + c b"""
    return [x + c * y for x, y in zip(a, b)]


def unit(a):
    """a / ||a||, zero where the norm is."""
    n = norm(a)
    return scaled(1 / n if n > EPS else 0.0, a)


def descend(passes, here, e, combine=lambda g, g_p: g_p, **more):
    """The second pass at w + e and the step it makes."""
    loss, g = here
    perturbed_loss, g_p = passes.at(e)
    return Step(combine(g, g_p), e, g, g_p, float(loss), float(perturbed_loss), float(norm(e)), **more)


def sam(passes, state, *, rho, combine=lambda g, g_p: g_p):
    here = passes.here()
    return descend(passes, here, scaled(rho, unit(here[1])), combine)


def metric_ascent(passes, here, metric, radius):
    """e = radius M g / sqrt(g' M g) for a diagonal metric M."""
    direction = [m * g for m, g in zip(metric, here[1])]
    e = scaled(radius / dot(here[1], direction).sqrt(), direction)
    return descend(passes, here, e)


def asam(passes, state, *, rho, eta):
    """Every tensor is scaled here, as on the quadratic; a network scales those named `weight`."""
    return metric_ascent(passes, passes.here(), [(w.abs() + eta) ** 2 for w in passes.weights], rho)


def fishersam(passes, state, *, gamma, eta):
    here = passes.here()
    return metric_ascent(passes, here, [1 / (1 + eta * g * g) for g in here[1]], gamma)


def lesam(passes, state, *, budget, clip, combine=lambda g, g_p: g_p):
    """Radius min(budget / ||g||, clip) along the gradient; `clip` may be None."""
    here = passes.here()
    wanted = budget / (norm(here[1]) + EPS)
    clipped = clip is not None and bool(wanted > clip)
    e = scaled(clip if clipped else wanted, unit(here[1]))
    return descend(passes, here, e, combine, clipped=clipped)


def lesam_plus(passes, state, *, budget, clip, coefficient):
    def amplified(g, g_p):
        return plus(scaled(1 + coefficient, g_p), g, -coefficient)
    return lesam(passes, state, budget=budget, clip=clip, combine=amplified)


def orthogonal(g, g_p):
    """The part of g orthogonal to g_p."""
    return plus(g, g_p, -dot(g, g_p) / dot(g_p, g_p))


def gsam(passes, state, *, rho, alpha):
    step = sam(passes, state, rho=rho, combine=lambda g, g_p: plus(g_p, orthogonal(g, g_p), -alpha))
    step.extra["g_perp"] = orthogonal(step.gradient, step.perturbed_gradient)
    return step


def ssam(passes, state, *, rho):
    return sam(passes, state, rho=rho, combine=lambda g, g_p: scaled(norm(g) / (norm(g_p) + EPS), g_p))


def wsam(passes, state, *, rho, gamma):
    a = gamma / (1 - gamma)
    return sam(passes, state, rho=rho, combine=lambda g, g_p: plus(g, plus(g_p, g, -1), a))


def sagm(passes, state, *, rho, alpha):
    here = passes.here()
    e = plus(scaled(rho, unit(here[1])), here[1], -alpha)
    return descend(passes, here, e, lambda g, g_p: scaled(0.5, plus(g, g_p)))


def fsam(passes, state, *, rho, sigma, decay):
    """Ascends along g - sigma m with the old m, then m follows the raw gradient; m begins as g."""
    here = passes.here()
    m = state.get("m")
    ascent = here[1] if m is None else plus(here[1], m, -sigma)
    state["m"] = here[1] if m is None else plus(scaled(decay, m), here[1], 1 - decay)
    return descend(passes, here, scaled(rho, unit(ascent)))


def eigensam(passes, state, *, rho, alpha):
    """`state["v"]` is the top eigenvector."""
    here = passes.here()
    g_hat, v = unit(here[1]), state["v"]
    v_perp = plus(v, g_hat, -dot(g_hat, v))
    e = scaled(rho, plus(g_hat, v_perp, alpha * torch.sign(dot(here[1], v))))
    return descend(passes, here, e)


def msam_perturbation(momentum, *, rho):
    """Along minus the momentum buffer, which points along gradients."""
    return scaled(-rho, unit(momentum))
