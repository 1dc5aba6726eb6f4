"""What adversarial training costs, as ratios to `at` in one run.

    cargo build --release && python3 benches/attacks.py [FLATRUN] [MNIST]
    python3 benches/attacks.py --step [--rounds 7]

Trains a small network on the digits, and `sat_cnn` on MNIST where its folder is given, under each adversary from the same weights;
seconds per step come from the runs' events, passes per step from their metrics. The first epoch warms up and is left out.

With `--step`: one step of projected gradient ascent (of a run of ten) against one recorded forward pass and one backward pass to the
input alone, alternating in one process, medians over the rounds.
"""

import csv
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import run

CASES = {
    "digits, cnn": "data digits\nmodel cnn(width = 32)\n",
    "mnist, sat_cnn": 'data mnist(root = "{mnist}") batch 64\nmodel sat_cnn(normalize = none)\n',
}
SIZES = {
    "digits, cnn": ("5 epochs", "eps = 0.1, step = 0.025, steps = 10"),
    "mnist, sat_cnn": ("60 steps", "eps = 0.3, step = 0.075, steps = 10"),
}
VARIANTS = {
    "at": "at({size})",
    "psat, lambda 0": "psat({size}, lambda = 0)",
    "psat, lambda 0.3": "psat({size}, lambda = 0.3)",
    "psat, lambda 1": "psat({size}, lambda = 1)",
    "hsat, lambda 0.8": "hsat({size}, lambda = 0.8)",
    "trades": "trades({size})",
    "mart": "mart({size})",
}


def seconds(folder):
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    epochs = [e["seconds_per_step"] for e in events if e["type"] == "epoch"]
    return statistics.median(epochs[1:] or epochs)


def passes(folder):
    rows = list(csv.DictReader((folder / "metrics.csv").open()))
    return statistics.mean(float(row["passes"]) for row in rows[1:] or rows)


def measure(flatrun, name, mnist):
    duration, size = SIZES[name]
    found = {}
    for variant, adversary in VARIANTS.items():
        source = f"edition 2026\n{CASES[name].format(mnist=mnist)}train {duration} against {adversary.format(size=size)} under sgd(lr = 0.02)\n"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "p.flat").write_text(source)
            subprocess.run([flatrun, "run", "p.flat", "--quiet"], cwd=folder, check=True, capture_output=True)
            seed = next((Path(folder) / "runs").glob("p-*/main/seed-0"))
            found[variant] = (seconds(seed), passes(seed))
    return found


STEP_CASES = [("sat_cnn", 128), ("cnn", 64), ("preact_resnet20", 64), ("resnet18", 32)]


def attack_step(rounds):
    """Builds the bench `step`, and asks it for both in turn; it forgets its network in between, so the first two of each call warm up."""
    server = run.Server([run.executable(None)], {"RAYON_NUM_THREADS": "2"})
    print("\n| network | batch | forward and input backward, ms | attack step, ms | ratio |\n|---|---|---|---|---|")
    for network, batch in STEP_CASES:
        times = {"input_gradient": [], "attack_step": []}
        for _ in range(rounds):
            for what, found in times.items():
                found += server.ask(network, batch, what, 5)["seconds"][2:]
        plain, step = (1e3 * statistics.median(times[what]) for what in ("input_gradient", "attack_step"))
        print(f"| {network} | {batch} | {plain:.2f} | {step:.2f} | {step / plain:.3f} |", flush=True)


def main():
    if "--step" in sys.argv:
        rounds = int(sys.argv[sys.argv.index("--rounds") + 1]) if "--rounds" in sys.argv else 7
        return attack_step(rounds)
    flatrun = str(Path(sys.argv[1] if len(sys.argv) > 1 else "target/release/flatrun").resolve())
    mnist = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
    for name in CASES:
        if "mnist" in name and mnist is None:
            continue
        found = measure(flatrun, name, mnist)
        base = found["at"]
        print(f"\n| {name} | seconds per step | x at | passes per step | x at |\n|---|---|---|---|---|")
        for variant, (time, count) in found.items():
            print(f"| {variant} | {time:.4f} | {time / base[0]:.2f} | {count:.1f} | {count / base[1]:.2f} |")


if __name__ == "__main__":
    main()
