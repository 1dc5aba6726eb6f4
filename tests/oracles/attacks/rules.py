"""Attacks and adversarial training losses, from the papers' formulas, by autograd."""

import torch
from torch.nn import functional as F


def rows(v):
    return v.view(-1, 1, 1, 1)


def gap(z, y):
    """max_{k != y} f_k - f_y of probabilities."""
    f = F.softmax(z, dim=1)
    own = f.gather(1, y[:, None])[:, 0]
    return f.scatter(1, y[:, None], -1).max(dim=1).values - own


def cross_entropy(z, y):
    return F.cross_entropy(z, y, reduction="none")


def margin(z, y):
    own = z.gather(1, y[:, None])[:, 0]
    return z.scatter(1, y[:, None], -1e30).max(dim=1).values - own


def dlr(z, y):
    top = z.sort(dim=1, descending=True).values
    return margin(z, y) / (top[:, 0] - top[:, 2] + 1e-12)


def divergence(z_p, z_q):
    """KL(softmax(z_p) || softmax(z_q)), summed over the classes."""
    p = F.softmax(z_p, dim=1)
    return (p * (F.log_softmax(z_p, dim=1) - F.log_softmax(z_q, dim=1))).sum(1)


def soft(z, targets, y=None, kappa=None):
    loss = -(targets * F.log_softmax(z, dim=1)).sum(1)
    return loss if kappa is None else loss + (margin(z, y) + kappa).clamp_min(0)


def trades(z, z_adv, y, beta):
    return cross_entropy(z, y) + beta * divergence(z, z_adv)


def mart(z, z_adv, y, beta):
    q = F.softmax(z_adv, dim=1)
    rival = q.scatter(1, y[:, None], -1).max(dim=1).values
    boosted = cross_entropy(z_adv, y) - torch.log(1.0001 - rival + 1e-12)
    own = F.softmax(z, dim=1).gather(1, y[:, None])[:, 0]
    return boosted + beta * divergence(z, z_adv) * (1.0000001 - own)


def project(x, center, radius, norm):
    """Into the ball, then into the pixel range."""
    d = x - center
    if norm == "linf":
        d = torch.maximum(torch.minimum(d, rows(radius)), -rows(radius))
    else:
        length = d.flatten(1).norm(dim=1).clamp_min(1e-12)
        d = d * rows((radius / length).clamp_max(1))
    return (center + d).clamp(0, 1)


def ascend(x, g, center, radius, step, norm):
    if norm == "l2":
        g = g / rows(g.flatten(1).norm(dim=1).clamp_min(1e-12))
    else:
        g = g.sign()
    return project(x + rows(step) * g, center, radius, norm)


def fosc(x, g, center, radius, norm):
    dual = g.abs().flatten(1).sum(1) if norm == "linf" else g.flatten(1).norm(dim=1)
    return radius * dual - ((x - center) * g).flatten(1).sum(1)


def attack(network, center, y, start, radius, step, steps, norm, loss, active=None):
    """Iterates x_0 .. x_steps and the masks; `active(k, z, x, g)` says who takes step k, None is everybody."""
    x = project(start, center, radius, norm)
    iterates, masks = [x], []
    for k in range(steps):
        x = x.detach().requires_grad_(True)
        z = network(x)
        g, = torch.autograd.grad(loss(z, y).sum(), x)
        mask = torch.ones_like(y, dtype=torch.bool) if active is None else active(k, z, x, g)
        moved = ascend(x.detach(), g, center, radius, step, norm)
        x = torch.where(rows(mask), moved, x.detach())
        iterates.append(x)
        masks.append(mask.double())
    return iterates, torch.stack(masks)


def friendly(y, tau):
    """Misclassified samples take `tau` more steps, then none."""
    left = torch.full_like(y, tau)

    def active(_, z, x, g):
        wrong = z.argmax(1) != y
        goes_on = ~wrong | (left > 0)
        left[wrong & goes_on] -= 1
        return goes_on
    return active


def single_step(network, center, y, start, radius, lam, most):
    x = project(start, center, radius, "linf").requires_grad_(True)
    psi = gap(network(x), y)
    g, = torch.autograd.grad(psi.sum(), x)
    length = ((lam - psi) / g.abs().flatten(1).sum(1)).clamp_min(0).clamp_max(most)
    return ascend(x.detach(), g, center, radius, length.detach(), "linf"), length.detach()


def curvature(losses, parameters, group, n):
    """Four estimates [n]; `losses(rows)` gives per-sample losses at the parameters as they stand."""
    names = ("lower", "symmetric", "upper", "literal")
    found = {name: [] for name in names}
    for first in range(0, n, group):
        chosen = slice(first, min(first + group, n))
        here = losses(chosen)
        gradient = torch.autograd.grad(here.mean(), parameters)
        size = torch.sqrt(sum((g * g).sum() for g in gradient))
        a = 0.01 * size
        moved = {}
        for sign in (1, -1):
            with torch.no_grad():
                kept = [p.clone() for p in parameters]
                for p, g in zip(parameters, gradient):
                    p += sign * a * g / size
                moved[sign] = losses(chosen)
                for p, k in zip(parameters, kept):
                    p.copy_(k)
        up, down, here = moved[1], moved[-1], here.detach()
        found["lower"].append(2 / a**2 * torch.maximum(up - a * size - here, down + a * size - here))
        found["symmetric"].append((up + down - 2 * here) / a**2)
        found["upper"].append(2 / a**2 * (up + a * size - here))
        found["literal"].append(torch.maximum(up - a * size, down + a * size) / a - here)
    return {name: torch.cat(values).detach() for name, values in found.items()}


def adapted_radius(old, gamma, beta, most, clean_right, small_fails, large_fails):
    """IAAT's radius of one sample; an attack fails where the sample stays classified."""
    if large_fails:
        new = old + gamma
    elif small_fails:
        new = old
    else:
        new = old - gamma
    new = min(max(new, 0.0), most) if clean_right else 0.0
    return beta * new + (1 - beta) * old


def grown_radius(old, eta, most, misclassified):
    """CAT20's radius of one sample: (tried, kept)."""
    tried = min(old + eta, most)
    return tried, old if misclassified else tried
