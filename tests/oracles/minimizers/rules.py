"""The SAM family as rules on lists of tensors.

A rule is `rule(passes, state, **parameters) -> Step`. `passes.weights` are the tensors and `passes.names` their
names, `passes.here()` and `passes.at(e)` give (loss, gradients) at w and at w + e on the same batch,
`passes.step` counts from 0. `state` is a dict the rule keeps between steps. The base optimizer then moves w
along `direction`, and w loses lr times `after` where a rule gives one. Another member is one more function.
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
    after: list | None = None
    scalars: dict = field(default_factory=dict)


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


def alone(loss, g, direction=None, e=None):
    """A step of one pass; `e` is where it was, if not at w."""
    radius = 0.0 if e is None else float(norm(e))
    e = [torch.zeros_like(x) for x in g] if e is None else e
    return Step(g if direction is None else direction, e, g, g, float(loss), float(loss), radius)


def base(passes, state):
    """The base optimizer alone."""
    return alone(*passes.here())


def sam(passes, state, *, rho, combine=lambda g, g_p: g_p):
    here = passes.here()
    return descend(passes, here, scaled(rho, unit(here[1])), combine)


def sam_every(passes, state, *, rho, every, first):
    """Perturbed at every `every`-th step from `first` on."""
    due = passes.step >= first and (passes.step - first) % every == 0
    return sam(passes, state, rho=rho) if due else base(passes, state)


def sam_clip(passes, state, *, rho, max_norm):
    """The direction alone is shortened to `max_norm`."""
    step = sam(passes, state, rho=rho)
    step.direction = scaled(min(1.0, max_norm / (norm(step.direction) + 1e-6)), step.direction)
    return step


class DecayInside:
    """Passes over the loss plus decay ||w||^2 / 2; the losses they report are without that term."""

    def __init__(self, passes, decay):
        self.passes, self.decay = passes, decay

    def here(self):
        loss, g = self.passes.here()
        return loss, plus(g, self.weights(), self.decay)

    def at(self, e):
        loss, g = self.passes.at(e)
        return loss, plus(g, plus(self.weights(), e), self.decay)

    def weights(self):
        return [w.detach() for w in self.passes.weights]


def sam_decay_inside(passes, state, *, rho, decay):
    return sam(DecayInside(passes, decay), state, rho=rho)


def masked(a, kept):
    """a on the kept tensors, zero on the others."""
    return [x if keep else torch.zeros_like(x) for x, keep in zip(a, kept)]


def of_norm(name):
    return "bn" in name


def not_of_norm(name):
    return not of_norm(name)


def sam_partly(passes, state, *, rho, among, whole_norm=False):
    """Only tensors whose name is `among` are perturbed; the norm is theirs or that of all."""
    here = passes.here()
    part = masked(here[1], [among(name) for name in passes.names])
    return descend(passes, here, scaled(rho / norm(here[1] if whole_norm else part), part))


def metric_ascent(passes, here, metric, radius, combine=lambda g, g_p: g_p):
    """e = radius M g / sqrt(g' M g) for a diagonal metric M."""
    direction = [m * g for m, g in zip(metric, here[1])]
    e = scaled(radius / dot(here[1], direction).sqrt(), direction)
    return descend(passes, here, e, combine)


def everywhere(name, w, eta):
    return w.abs() + eta


def named_weight(name, w, eta):
    """Scales of norms included; 1 on what is not named `weight`."""
    return w.abs() + eta if "weight" in name else torch.ones_like(w)


def filters(name, w, eta):
    """One value per filter of a convolution, else as `named_weight`."""
    if w.dim() != 4:
        return named_weight(name, w, eta)
    return w.flatten(1).norm(dim=1).view(-1, 1, 1, 1).expand_as(w) + eta


def scales(passes, eta, scale):
    """T, tensor by tensor."""
    return [scale(name, w.detach(), eta) for name, w in zip(passes.names, passes.weights)]


def asam(passes, state, *, rho, eta, scale=everywhere, combine=lambda g, g_p: g_p):
    """Every tensor is scaled on the quadratic; a network scales those named `weight`."""
    return metric_ascent(passes, passes.here(), [t**2 for t in scales(passes, eta, scale)], rho, combine)


def asam_gsam(passes, state, *, rho, eta, alpha, scale=everywhere):
    return asam(passes, state, rho=rho, eta=eta, scale=scale, combine=without_orthogonal(alpha))


def lesam_adaptive(passes, state, *, budget, clip, eta, scale=everywhere):
    """Radius min(budget / n, clip) with n = ||T g||, and e = radius T^2 g / n."""
    here = passes.here()
    t = scales(passes, eta, scale)
    tg = [x * g for x, g in zip(t, here[1])]
    n = norm(tg)
    r = min(budget / n.item(), clip)
    e = [r * x * y / n for x, y in zip(t, tg)]
    return descend(passes, here, e, clipped=r == clip, scalars={"metric_norm": n.item()})


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


def without_orthogonal(alpha):
    """g_p less alpha times the part of g orthogonal to it."""
    return lambda g, g_p: plus(g_p, orthogonal(g, g_p), -alpha)


def gsam(passes, state, *, rho, alpha):
    step = sam(passes, state, rho=rho, combine=without_orthogonal(alpha))
    step.extra["g_perp"] = orthogonal(step.gradient, step.perturbed_gradient)
    return step


def gsam_clean(passes, state, *, rho, alpha):
    """g plus alpha times the part of g_p orthogonal to it."""
    return sam(passes, state, rho=rho, combine=lambda g, g_p: plus(g, orthogonal(g_p, g), alpha))


def as_long_as(g, g_p):
    """g_p with the norm of g."""
    return scaled(norm(g) / (norm(g_p) + EPS), g_p)


def ssam(passes, state, *, rho):
    return sam(passes, state, rho=rho, combine=as_long_as)


def ssam_unnormalised(passes, state, *, rho):
    here = passes.here()
    return descend(passes, here, scaled(rho, here[1]), as_long_as)


def wsam(passes, state, *, rho, gamma):
    a = gamma / (1 - gamma)
    return sam(passes, state, rho=rho, combine=lambda g, g_p: plus(g, plus(g_p, g, -1), a))


def wsam_decoupled(passes, state, *, rho, gamma):
    """The base optimizer follows g; the rest of the direction is taken after it."""
    step = sam(passes, state, rho=rho, combine=lambda g, g_p: g)
    step.after = scaled(gamma / (1 - gamma), plus(step.perturbed_gradient, step.gradient, -1))
    return step


def sagm(passes, state, *, rho, alpha, share=0.5):
    here = passes.here()
    e = plus(scaled(rho, unit(here[1])), here[1], -alpha)
    return descend(passes, here, e, lambda g, g_p: scaled(share, plus(g, g_p)))


def sagm_sum(passes, state, *, rho, alpha):
    return sagm(passes, state, rho=rho, alpha=alpha, share=1.0)


def looksam(passes, state, *, rho, every, alpha):
    """Every `every` steps SAM, which leaves g_v; between them g and g_v at the length of alpha ||g||."""
    if passes.step % every == 0:
        step = sam(passes, state, rho=rho)
        state["g_v"] = orthogonal(step.perturbed_gradient, step.gradient)
        step.extra["g_v"] = state["g_v"]
        return step
    loss, g = passes.here()
    return alone(loss, g, plus(g, unit(state["g_v"]), alpha * norm(g)))


def fsam(passes, state, *, rho, sigma, decay):
    """Ascends along g - sigma m with the old m, then m follows the raw gradient; m begins as g."""
    here = passes.here()
    m = state.get("m")
    ascent = here[1] if m is None else plus(here[1], m, -sigma)
    state["m"] = here[1] if m is None else plus(scaled(decay, m), here[1], 1 - decay)
    return descend(passes, here, scaled(rho, unit(ascent)))


def fsam_after(passes, state, *, rho, sigma, decay):
    """m follows g first, then the ascent is along g - sigma m; along g at the first step."""
    here = passes.here()
    m = state.get("m")
    state["m"] = here[1] if m is None else plus(scaled(decay, m), here[1], 1 - decay)
    ascent = here[1] if m is None else plus(here[1], state["m"], -sigma)
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


def msam(passes, state, *, rho, decay=0.0):
    """One pass at w~; decay (w~ - w) makes the base optimizer's own decay, taken at w, one taken at w~."""
    e = msam_perturbation(passes.momentum(), rho=rho)
    loss, g = passes.at(e, statistics_move=True)
    return alone(loss, g, plus(g, e, decay), e)


def s2sam(passes, state, *, rho):
    """One pass, perturbed along the gradient of the step before."""
    q = state.get("q")
    e = [torch.zeros_like(w) for w in passes.weights] if q is None else scaled(rho, unit(q))
    loss, g = passes.at(e, statistics_move=True)
    state["q"] = g
    return alone(loss, g, None, e)
