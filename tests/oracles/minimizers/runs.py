"""The runs of five steps: rule, base optimizer, learning rate, and the parameters of the rule by step."""

import math
from dataclasses import dataclass
from functools import partial

import torch

import accumulated
import eigensam
import esam
import rules
from steps import SGD

STEPS = 5


@dataclass
class Run:
    rule: object
    optimizer: tuple
    lr: object
    schedules: dict
    short: bool = False


def constant(value):
    return lambda step: value


def cosine(start, end, first=0):
    """start until step `first`, then half a cosine that would reach `end` at step STEPS."""
    def at(step):
        part = max(step - first, 0) / (STEPS - first)
        return end + (start - end) * 0.5 * (1 + math.cos(math.pi * part))
    return at


def following(lr, highest_lr, low, high):
    """low + (high - low) lr / highest_lr"""
    return lambda step: low + (high - low) * lr(step) / highest_lr


RATE, SMALL, FALLING = constant(0.1), constant(1e-3), cosine(0.1, 0.0)
HEAVY_BALL = (torch.optim.SGD, SGD)
NESTEROV = (torch.optim.SGD, {**SGD, "nesterov": True})
WITHOUT_DECAY = (torch.optim.SGD, {**SGD, "weight_decay": 0.0})
ADAM = (torch.optim.Adam, {"lr": 1e-3})
ADAMW = (torch.optim.AdamW, {"lr": 1e-3, "weight_decay": 0.01})


def constants(parameters):
    return {k: v if callable(v) else constant(v) for k, v in parameters.items()}


def whole(rule, optimizer=HEAVY_BALL, lr=RATE, **parameters):
    """Recorded after every step."""
    return Run(rule, optimizer, lr, constants(parameters))


def short(rule, optimizer=HEAVY_BALL, lr=RATE, **parameters):
    """Weights and statistics recorded after the last step alone."""
    return Run(rule, optimizer, lr, constants(parameters), short=True)


def runs():
    groups = [base_runs, lesam_runs, scaled_runs, ascent_runs, combined_runs, one_pass_runs, sam_runs]
    return {name: run for group in groups for name, run in group().items()}


def base_runs():
    return {
        "sgd": whole(rules.base),
        "sgd_nesterov_cosine": whole(rules.base, NESTEROV, FALLING),
        "adam": whole(rules.base, ADAM, SMALL),
        "adamw": whole(rules.base, ADAMW, SMALL),
        "sam": whole(rules.sam, rho=0.05),
    }


def lesam_runs():
    anneal = cosine(0.4, 0.0, STEPS - 3)
    return {
        "lesam": whole(rules.lesam, budget=0.4, clip=0.35),
        "lesam_clipped": whole(rules.lesam, budget=0.4, clip=0.24),
        "lesam_cosine_anneal": whole(rules.lesam, lr=FALLING, budget=anneal, clip=None),
        "lesam_plus": whole(rules.lesam_plus, budget=0.15, clip=0.35, coefficient=0.5),
    }


def scaled_runs():
    """Ascents under a diagonal metric."""
    asam = partial(rules.asam, scale=rules.named_weight)
    filters = partial(rules.asam, scale=rules.filters)
    lesam_adaptive = partial(rules.lesam_adaptive, scale=rules.named_weight)
    asam_gsam = partial(rules.asam_gsam, scale=rules.named_weight)
    return {
        "asam": whole(asam, rho=0.5, eta=0.01),
        "asam_all": short(rules.asam, rho=0.5, eta=0.0),
        "asam_filters": short(filters, rho=0.5, eta=0.01),
        "lesam_adaptive": short(lesam_adaptive, budget=0.4, clip=0.35, eta=0.01),
        "lesam_adaptive_mixed": short(lesam_adaptive, budget=0.25, clip=0.35, eta=0.01),
        "asam_gsam": short(asam_gsam, rho=0.5, eta=0.01, alpha=0.4),
        "fishersam": whole(rules.fishersam, gamma=0.1, eta=100.0),
    }


def ascent_runs():
    """Ascents along something else than the gradient."""
    full_norm = partial(esam.esam, full_norm=True)
    return {
        "esam": whole(esam.esam, rho=0.05, beta=0.6, gamma=0.5),
        "esam_full_norm": short(full_norm, rho=0.05, beta=0.6, gamma=0.5),
        "fsam": whole(rules.fsam, rho=0.05, sigma=1.0, decay=0.9),
        "fsam_sigma": short(rules.fsam, rho=0.05, sigma=0.7, decay=0.9),
        "fsam_after": short(rules.fsam_after, rho=0.05, sigma=0.7, decay=0.9),
        "eigensam": whole(eigensam.eigensam, rho=0.05, alpha=0.2, every=2, iterations=5),
    }


def combined_runs():
    """Directions made of both gradients."""
    slow = constant(0.02)
    rho = following(FALLING, 0.1, 0.02, 0.06)
    return {
        "gsam": whole(rules.gsam, rho=0.05, alpha=0.4),
        "gsam_follow": short(rules.gsam, lr=FALLING, rho=rho, alpha=0.4),
        "gsam_clean": short(rules.gsam_clean, rho=0.05, alpha=0.4),
        "ssam": whole(rules.ssam, rho=0.05),
        "ssam_unnormalised": short(rules.ssam_unnormalised, rho=0.05),
        "sagm": whole(rules.sagm, rho=0.05, alpha=0.001),
        "sagm_sum": short(rules.sagm_sum, rho=0.05, alpha=0.001),
        "wsam": whole(rules.wsam, lr=slow, rho=0.05, gamma=0.9),
        "wsam_decoupled": whole(rules.wsam_decoupled, lr=slow, rho=0.05, gamma=0.9),
        "looksam": whole(rules.looksam, rho=0.1, every=2, alpha=0.7),
    }


def one_pass_runs():
    return {
        "msam": whole(rules.msam, rho=0.3, decay=SGD["weight_decay"]),
        "msam_outside": short(rules.msam, rho=0.3),
        "msam_adamw": short(rules.msam, ADAMW, SMALL, rho=1.0),
        "s2sam": whole(rules.s2sam, rho=0.05),
    }


def sam_runs():
    """SAM with a change around it."""
    norms = partial(rules.sam_partly, among=rules.of_norm)
    norms_global = partial(rules.sam_partly, among=rules.of_norm, whole_norm=True)
    no_norms = partial(rules.sam_partly, among=rules.not_of_norm)
    decay = SGD["weight_decay"]
    return {
        "sam_decay_inside": short(rules.sam_decay_inside, WITHOUT_DECAY, rho=0.05, decay=decay),
        "sam_norms": short(norms, rho=0.5),
        "sam_norms_global": short(norms_global, rho=0.5),
        "sam_no_norms": short(no_norms, rho=0.05),
        "sam_every": short(rules.sam_every, rho=0.05, every=2, first=1),
        "sam_clip": short(rules.sam_clip, rho=0.05, max_norm=0.5),
        "sam_accumulate_each": short(accumulated.each, rho=0.05, parts=2),
        "sam_accumulate_exact": short(accumulated.exact, rho=0.05, parts=2),
    }
