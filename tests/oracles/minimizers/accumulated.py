"""SAM on a batch that is cut into micro-batches, in the two ways that accumulate."""

import rules

LISTS = ["direction", "perturbation", "gradient", "perturbed_gradient"]
VALUES = ["loss", "perturbed_loss", "radius"]
NORMS = ["gradient", "perturbed_gradient"]


def mean(values):
    return sum(values) / len(values)


def mean_lists(lists):
    return [mean(tensors) for tensors in zip(*lists)]


def each(passes, state, *, rho, parts):
    """SAM on every micro-batch by itself at the same w; the directions are averaged."""
    steps = [rules.sam(part, state, rho=rho) for part in passes.parts(parts)]
    over = {key: mean_lists([getattr(s, key) for s in steps]) for key in LISTS}
    values = {key: mean([getattr(s, key) for s in steps]) for key in VALUES}
    norms = {f"{key}_norm": mean([rules.norm(getattr(s, key)).item() for s in steps]) for key in NORMS}
    return rules.Step(**over, **values, scalars=norms)


class Accumulated:
    """Passes over micro-batches whose losses and gradients are averaged."""

    def __init__(self, parts):
        self.parts = parts

    def here(self):
        return self.averaged([part.here() for part in self.parts])

    def at(self, e):
        return self.averaged([part.at(e) for part in self.parts])

    @staticmethod
    def averaged(results):
        losses, gradients = zip(*results)
        return mean(losses), mean_lists(gradients)


def exact(passes, state, *, rho, parts):
    """One perturbation from the mean gradient."""
    return rules.sam(Accumulated(passes.parts(parts)), state, rho=rho)
