"""Sample weights, difficulties and a run of ssp(adm) under LE-SAM, in float64."""

import sys
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "minimizers"), str(HERE)]

import difficulty
import formula
import networks
import pacing
import record
import rules
from networks import GREY
from steps import BATCH, CLASSES, SGD, SHAPE, NetworkPasses, filled, small_network
from steps import move, put_network, put_scalars

ALPHA, DELTA = 8 / 255, 1e-8
EPOCHS, SAMPLES = 4, 16
STEPS_PER_EPOCH = SAMPLES // BATCH
STEPS = EPOCHS * STEPS_PER_EPOCH


def symmetric_weights():
    """Cases for `ssp`: published ones, ties, one sample, one epoch."""
    ladder, shuffled = [0.1, 0.2, 0.3, 0.4, 0.5], [0.7, 0.1, 0.9, 0.3, 0.5]
    ties, level = [0.5, 0.2, 0.5, 0.2, 0.5, 0.2], [1.0, 1.0, 1.0, 1.0]
    cases = [(ladder, e, 25) for e in (0, 6, 12, 18, 24)]
    cases += [(shuffled, e, 4) for e in range(4)]
    cases += [(ties, 0, 10), (ties, 9, 10), (level, 0, 3), ([0.3], 0, 5), (shuffled, 0, 1)]
    rows = [{"difficulty": d, "epoch": e, "epochs": n, "weights": pacing.ssp(d, e, n)} for d, e, n in cases]
    assert [r["weights"] for r in rows[:5:2]] == [[2, 1.5, 1, 0.5, 0], [1] * 5, [0, 0.5, 1, 1.5, 2]]
    return rows


def self_paced_weights():
    """Every weighting at several thresholds, each closed form held against a search over its penalty."""
    values = [0.0, 0.05, 0.3, 0.5, 0.6, 0.8, 1.2, 3.0]
    parameters = {
        "hard": [{}], "linear": [{}], "log": [{}], "logistic": [{}],
        "mixture": [{"ratio": 0.5}, {"ratio": 0.2}], "poly": [{"power": 2.0}, {"power": 3.0}, {"power": 1.5}],
    }
    rows = []
    for name, choices in parameters.items():
        for threshold in (0.3, 0.6) if name == "log" else (0.3, 0.6, 2.5):
            rows += [weighted(name, values, threshold, options) for options in choices]
    return rows


def weighted(name, values, threshold, options):
    weights = [pacing.WEIGHTINGS[name](x, threshold, **options) for x in values]
    for x, v in zip(values, weights):
        tie = name == "hard" and x == threshold
        assert tie or abs(v - pacing.minimised(name, x, threshold, **options)) < 1e-4, (name, x, threshold, v)
    return {
        "weighting": name, "lambda": threshold, **options, "difficulty": values, "weights": weights,
        "normalizer": pacing.normalizer(weights),
    }


def fractions():
    """Thresholds as quantiles; equal difficulties at the threshold are all kept."""
    batches = [[0.7, 0.1, 0.9, 0.3, 0.5, 0.2, 0.8, 0.4], [0.5, 0.2, 0.5, 0.2, 0.5, 0.2, 0.9, 0.9], [2.0]]
    rows = []
    for batch in batches:
        for fraction in (0.01, 0.1, 0.25, 0.3, 0.5, 0.75, 1.0):
            threshold = pacing.quantile(batch, fraction)
            weights = [pacing.hard(x, threshold) for x in batch]
            rows.append({"difficulty": batch, "fraction": fraction, "lambda": threshold, "weights": weights})
    return rows


def measured(dtype, training):
    """Losses, GDM and ADM of one batch on cnn(width = 8)."""
    network = filled(networks.cnn(SHAPE, CLASSES, 8), dtype).train(training)
    x, y = formula.images(BATCH, SHAPE, 1000).to(dtype).requires_grad_(True), formula.labels(BATCH, CLASSES)
    with networks.frozen_statistics(network):
        losses = networks.losses_at(network, x, y, GREY)
        gradient = difficulty.input_gradient(losses, x)
    out = {"loss": losses, "input_gradient": gradient, "gdm": difficulty.gdm(gradient)}
    for suffix, clip in (("", True), ("_unclipped", False)):
        xi, after = difficulty.adm(network, x, y, GREY, losses, gradient, ALPHA, DELTA, clip)
        out |= {f"adm{suffix}": xi, f"adversarial_loss{suffix}": after}
    return out


def difficulties(dtype):
    out = {}
    for mode, training in (("train", True), ("eval", False)):
        for name, tensor in measured(dtype, training).items():
            out[f"{mode}/{name}"] = tensor.detach().double()
    return out


class CurriculumPasses(NetworkPasses):
    """The loss sum v_i l_i / Z; the first pass also measures ADM, from the plain and from the weighted losses."""

    def __init__(self, network, x, y, run, stored, step):
        super().__init__(network, x.detach().clone().requires_grad_(True), y, GREY)
        self.run, self.stored, self.step = run, stored, step

    def losses(self):
        return networks.losses_at(self.network, self.x, self.y, self.normalize)

    def here(self):
        losses = self.losses()
        self.xi = self.adm(losses, difficulty.input_gradient(losses, self.x))
        self.v, self.z = self.run.weights(self.xi if self.run.fresh else self.stored, self.step)
        with networks.frozen_statistics(self.network):
            losses = self.losses()  # again: the pass between wrote to buffers that autograd holds
            out = self.weighted_gradients(losses)
            gradient = difficulty.input_gradient(losses, self.x, self.v)
        self.xi_weighted = self.adm(losses, gradient)
        return out

    def adm(self, losses, gradient):
        return difficulty.adm(self.network, self.x, self.y, GREY, losses, gradient, ALPHA, DELTA)[0]

    def gradients(self):
        return self.weighted_gradients(self.losses())

    def weighted_gradients(self, losses):
        loss = (self.v * losses).sum() / self.z
        return loss.item(), list(torch.autograd.grad(loss, self.weights, retain_graph=True))

    def remembered(self):
        """What the table keeps: the weighted pass says nothing about a sample of weight 0."""
        if not self.run.weighted:
            return self.xi
        return torch.where(self.v == 0, self.stored, self.xi_weighted)


class Symmetric:
    """ssp: Z is the batch size. Stale takes the input gradient of the weighted loss, which costs no pass."""

    def __init__(self, fresh):
        self.fresh, self.weighted = fresh, not fresh

    def weights(self, xi, step):
        v = [1.0] * len(xi) if xi.isnan().any() else pacing.ssp(xi.tolist(), step // STEPS_PER_EPOCH, EPOCHS)
        return torch.tensor(v, dtype=xi.dtype), len(v)


class SelfPaced:
    """spl, hard, fraction linear(0.25 -> 1) over the phase: excluded samples need the plain input gradient."""

    fresh, weighted = False, False

    def weights(self, xi, step):
        v = [1.0] * len(xi)
        if not xi.isnan().any():
            threshold = pacing.quantile(xi.tolist(), 0.25 + 0.75 * step / STEPS)
            v = [pacing.hard(x, threshold) for x in xi.tolist()]
        return torch.tensor(v, dtype=xi.dtype), pacing.normalizer(v)


def batches(epoch):
    """All samples once, in two batches, in an order of the epoch's own."""
    order = torch.tensor([(5 * j + 3 * epoch) % SAMPLES for j in range(SAMPLES)])
    return order.split(BATCH)


def curriculum_run(dtype, rule):
    """A curriculum by ADM under LE-SAM(budget = 0.4, clip = 0.35) with SGD: four epochs of two steps."""
    network = small_network(dtype)
    x, y = formula.images(SAMPLES, SHAPE, 1000).to(dtype), formula.labels(SAMPLES, CLASSES)
    optimizer = torch.optim.SGD(network.parameters(), **SGD)
    table = torch.full((SAMPLES,), torch.nan, dtype=dtype)
    out, steps = {"labels": y}, []
    visits = [indices for epoch in range(EPOCHS) for indices in batches(epoch)]
    for t, indices in enumerate(visits):
        passes = CurriculumPasses(network, x[indices], y[indices], rule, table[indices], t)
        steps.append(rules.lesam(passes, {}, budget=0.4, clip=0.35))
        move(optimizer, SGD["lr"], passes, steps[-1].direction)
        table[indices] = passes.remembered()
        put_visit(out, f"step{t}/", indices, passes, table)
        put_network(out, f"step{t}/", network)
    put_scalars(out, steps)
    return out


def put_visit(into, prefix, indices, passes, table):
    into[f"{prefix}indices"] = indices
    columns = {"v": passes.v, "xi": passes.xi, "xi_weighted": passes.xi_weighted, "table": table}
    into.update({prefix + k: column.double().clone() for k, column in columns.items()})


def closest(values):
    """The smallest relative gap between neighbours: how safe the ranks are."""
    ordered = values.sort().values
    return ((ordered[1:] - ordered[:-1]) / ordered[1:]).min().item()


def report(tensors, single):
    comparable = {k: v for k, v in single.items() if v.is_floating_point() and not v.isnan().any()}
    print(f"  float32 deviation {record.deviation(comparable, tensors)}")


def report_visits(tensors):
    for t in range(STEPS):
        v, xi, weighted = (tensors[f"step{t}/{k}"] for k in ("v", "xi", "xi_weighted"))
        print(f"  step {t}: v {v.numpy().round(3)}, xi {xi.numpy().round(3)}, from the weighted loss "
              f"{weighted.numpy().round(3)}, closest pair {closest(xi):.1e}")


def main():
    torch.set_num_threads(1)
    record.store_json(
        HERE / "weights.json", {"ssp": symmetric_weights(), "spl": self_paced_weights(), "fraction": fractions()}
    )
    tensors = difficulties(torch.float64)
    record.store(HERE / "difficulty.safetensors", tensors)
    report(tensors, difficulties(torch.float32))
    for name, rule in RUNS.items():
        tensors = curriculum_run(torch.float64, rule)
        record.store(HERE / f"{name}.safetensors", tensors)
        report(tensors, curriculum_run(torch.float32, rule))
        report_visits(tensors)
        print(f"  radius {tensors['radius'].numpy().round(4)}")


RUNS = {
    "ssp_adm_lesam": Symmetric(fresh=False),
    "ssp_adm_fresh_lesam": Symmetric(fresh=True),
    "spl_adm_lesam": SelfPaced(),
}


if __name__ == "__main__":
    main()
