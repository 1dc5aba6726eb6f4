"""Times every case here and in PyTorch, alternating, and prints the rows of docs/benchmarks.md.

    cargo build --release --bench step && python3 benches/run.py [--rounds 7] [--write] [case ...]

A case is `<network> <batch> <algorithm>`. Each round runs a quarter of a second of steps here, then in PyTorch with
each memory layout; the first two rounds, of one step each, warm up. The ratio is that of the medians, PyTorch's being the better layout's. Both start from
the same weights and images: the losses of the first steps must agree.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parents[1]
LAYOUTS = ("contiguous", "channels_last")
NETWORKS = (
    ("preact_resnet20", 64), ("preact_resnet20", 128), ("resnet18", 32), ("resnet18", 128), ("sat_cnn", 128),
    ("cnn", 64), ("vit", 16),
)
ALGORITHMS = ("sgd", "sam", "lesam", "ssp_adm_lesam")
WARM = 2


class Server:
    def __init__(self, command, environment):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=os.environ | environment)

    def ask(self, *words):
        # Threads of the process asked before may spin for a moment.
        time.sleep(0.02)
        print(*words, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


def measure(ours, peers, case, rounds):
    """Seconds of each step here and in each layout, and the largest relative difference of the losses."""
    times = {name: [] for name in ("ours", *LAYOUTS)}
    apart, steps = 0.0, 1
    for round in range(WARM + rounds):
        losses = {}
        for name, server, words in (("ours", ours, case), *((l, peers[l], (*case, l)) for l in LAYOUTS)):
            answer = server.ask(*words, steps)
            losses[name] = answer["loss"]
            if round >= WARM:
                times[name] += answer["seconds"]
        if round < WARM:
            reference = losses[LAYOUTS[0]]
            apart = max(apart, abs(losses["ours"] - reference) / max(abs(reference), 1e-6))
            steps = 1 if round + 1 < WARM else min(20, max(1, round_up(0.25 / answer["seconds"][-1])))
    return times, apart


def round_up(value):
    return int(-(-value // 1))


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines() if pathlib.Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def executable(given, features=()):
    if given:
        return given
    build = ["cargo", "build", "--release", "--bench", "step", "--message-format=json", *(f"--features={f}" for f in features)]
    lines = subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    messages = [message for message in map(json.loads, lines) if message.get("executable")]
    found = [message["executable"] for message in messages if message["target"]["name"] == "step"]
    return found[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help="as in `resnet18 32 sgd`, quoted; all without any")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--executable", help="the built bench, instead of building it")
    parser.add_argument("--write", action="store_true", help="append the table to docs/benchmarks.md")
    arguments = parser.parse_args()
    threads = str(arguments.threads)
    peer = [sys.executable, str(ROOT / "benches" / "peer" / "step.py"), threads]
    ours = Server([executable(arguments.executable)], {"RAYON_NUM_THREADS": threads})
    peers = {layout: Server(peer, {}) for layout in LAYOUTS}
    every = [f"{network} {batch} {algorithm}" for algorithm in ALGORITHMS for network, batch in NETWORKS]
    import torch

    head = f"{datetime.date.today()}, {processor()}, {threads} threads, PyTorch {torch.__version__}"
    command = "`python3 benches/run.py " + " ".join(sys.argv[1:]) + "`"
    lines = [f"{head}; {command}", "", "| network | batch | step | here, ms | PyTorch, ms | ratio |", "|---|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for case in arguments.cases or every:
        times, apart = measure(ours, peers, case.split(), arguments.rounds)
        median = {name: statistics.median(values) * 1e3 for name, values in times.items()}
        best = min(LAYOUTS, key=median.get)
        network, batch, algorithm = case.split()
        row = f"| {network} | {batch} | {algorithm} | {median['ours']:.1f} | {median[best]:.1f} ({best}) "
        lines.append(row + f"| {median['ours'] / median[best]:.2f} |")
        print(lines[-1], f"  losses differ by {apart:.0e}", flush=True)
        if not apart < 1e-3:
            sys.exit(f"{case}: the two do not compute the same losses")
    if arguments.write:
        with open(ROOT / "docs" / "benchmarks.md", "a") as file:
            file.write("\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
