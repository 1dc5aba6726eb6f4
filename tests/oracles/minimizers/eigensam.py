"""Eigen-SAM with its own eigenvector: power iteration by exact Hessian-vector products."""

import math

import formula
import rules

FIRST_STREAM = 3000


def start_vector(passes):
    """The formula's streams, one per tensor."""
    return [
        formula.filled(w.shape, FIRST_STREAM + j, 1.0).to(w.dtype) for j, w in enumerate(passes.weights)
    ]


def power_iteration(passes, v, iterations):
    """The last vector, and the Rayleigh quotient of the one before it."""
    for _ in range(iterations):
        before, product = rules.unit(v), passes.hessian_times(rules.unit(v))
        v = rules.unit(product)
    return v, rules.dot(before, product).item()


def eigensam(passes, state, *, rho, alpha, every, iterations):
    """Refreshed at every `every`-th step but the first, before the first pass; SAM until then."""
    curvature = math.nan
    if passes.step > 0 and passes.step % every == 0:
        v = state["v"] if "v" in state else start_vector(passes)
        state["v"], curvature = power_iteration(passes, v, iterations)
    rule = rules.eigensam if "v" in state else rules.sam
    step = rule(passes, state, rho=rho, **({"alpha": alpha} if "v" in state else {}))
    step.scalars["curvature"] = curvature
    return step
