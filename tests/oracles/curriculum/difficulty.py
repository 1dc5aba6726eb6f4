"""GDM and ADM of a batch, by autograd."""

import torch

import networks


def input_gradient(losses, x, v=1.0):
    """d sum(v l) / d pixels; the graph stays for another backward pass."""
    gradient, = torch.autograd.grad((v * losses).sum(), x, retain_graph=True)
    return gradient


def gdm(gradient):
    """L2 norm over all pixels and channels of each sample."""
    return gradient.flatten(1).norm(dim=1)


def adversarial(x, gradient, alpha, clip):
    """One signed step in pixel space."""
    moved = x.detach() + alpha * gradient.sign()
    return moved.clamp(0, 1) if clip else moved


def relative_gap(losses, adversarial_losses, delta):
    return (adversarial_losses - losses).abs() / (losses + delta)


def adm(network, x, y, normalize, losses, gradient, alpha, delta, clip=True):
    """(difficulty, losses at the moved pixels); leaves the running statistics alone."""
    moved = adversarial(x, gradient, alpha, clip)
    with torch.no_grad(), networks.frozen_statistics(network):
        after = networks.losses_at(network, moved, y, normalize)
    return relative_gap(losses.detach(), after, delta), after
