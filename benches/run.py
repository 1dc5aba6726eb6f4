"""Times every case here and in PyTorch, alternating, compares their peak memory, and prints the rows of docs/benchmarks.md.

    python3 benches/run.py [--rounds 7] [--write] [case ...]

A case is `<network> <batch> <what>`, where `what` is a training step (`sgd`, `pgd10`, ..), `forward` (evaluation), or `write` and `read`
(a checkpoint). Three processes are started for each: this program, and PyTorch with each memory layout. Each round runs a quarter of a
second of steps in each of them; the first two rounds, of one step each, warm up. The ratio is that of the medians, to the better layout.
All start from the same weights and images, and the losses of their first steps must agree. Memory is the most that a process
ever held less what it held with network, optimizer and images made and no step taken.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import platform
import shlex
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
STEPS = ("sgd", "sam", "lesam", "ssp_adm_lesam", "pgd10", "psat", "forward")
CASES = [f"{network} {batch} {step}" for step in STEPS for network, batch in NETWORKS]
CASES += [f"{network} 32 {what}" for network in ("preact_resnet20", "resnet18") for what in ("write", "read")]
# How far losses may be apart. Signs of gradients that are rounding differ, and the two draw P-SAT's starts on their own: between two
# runs of PyTorch the first loss of `vit` over 16 images differs by up to 17 %.
APART = {"pgd10": 1e-2, "psat": 2e-1}
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

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def peak(server):
    """Most memory the process ever held, in MiB."""
    lines = pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def measure(servers, case, rounds):
    """Seconds of each step, and MiB that steps took, of every server; the largest relative difference of the losses."""
    words = {name: case.split() if name == "ours" else (*case.split(), name) for name in servers}
    before = {}
    for name, server in servers.items():
        server.ask(*words[name], 0)
        before[name] = peak(server)
    times = {name: [] for name in servers}
    apart, steps = 0.0, 1
    for round in range(WARM + rounds):
        losses = {}
        for name, server in servers.items():
            answer = server.ask(*words[name], steps)
            losses[name] = answer["loss"]
            if round >= WARM:
                times[name] += answer["seconds"]
        if round < WARM:
            reference = losses[LAYOUTS[0]]
            if reference is not None:
                apart = max(apart, abs(losses["ours"] - reference) / max(abs(reference), 1e-6))
            steps = 1 if round + 1 < WARM else turns(answer["seconds"][-1])
    return times, {name: peak(server) - before[name] for name, server in servers.items()}, apart


def turns(seconds):
    """Steps of so many seconds in a round: a quarter of a second of them, at most 20."""
    return min(20, max(1, math.ceil(0.25 / seconds)))


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines() if pathlib.Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def executable(given, bench="step", features=()):
    if given:
        return given
    build = ["cargo", "build", "--release", "--bench", bench, "--message-format=json", *(f"--features={f}" for f in features)]
    lines = subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    messages = [message for message in map(json.loads, lines) if message.get("executable")]
    found = [message["executable"] for message in messages if message["target"]["name"] == bench]
    return found[-1]


def publish(lines):
    """Appends a table, with what stands above it, to docs/benchmarks.md."""
    with open(ROOT / "docs" / "benchmarks.md", "a") as page:
        page.write("\n" + "\n".join(lines) + "\n")


def row(case, times, memory):
    median = {name: statistics.median(values) * 1e3 for name, values in times.items()}
    best = min(LAYOUTS, key=median.get)
    cells = [*case.split(), f"{median['ours']:.1f}", f"{median[best]:.1f} ({best})", f"{median['ours'] / median[best]:.2f}"]
    mebibytes = [max(0.0, memory[name]) for name in ("ours", best)]
    share = f"{mebibytes[0] / mebibytes[1]:.2f}" if mebibytes[1] >= 1 else "–"
    cells += [*(f"{value:.0f}" for value in mebibytes), share]
    return f"| {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help="as in `resnet18 32 sgd`, quoted; all without any")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--executable", help="the built bench, instead of building it")
    parser.add_argument("--write", action="store_true", help="append the table to docs/benchmarks.md")
    arguments = parser.parse_args()
    threads = str(arguments.threads)
    binary = executable(arguments.executable)
    peer = [sys.executable, str(ROOT / "benches" / "peer" / "step.py"), threads]
    import torch

    head = f"{datetime.date.today()}, {processor()}, {threads} threads, PyTorch {torch.__version__}"
    command = "`" + " ".join(["python3 benches/run.py", *map(shlex.quote, sys.argv[1:])]).replace(" --write", "") + "`"
    columns = ("network", "batch", "step", "here, ms", "PyTorch, ms", "ratio", "here, MiB", "PyTorch, MiB", "ratio")
    lines = [f"{head}; {command}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    print("\n".join(lines), flush=True)
    for case in arguments.cases or CASES:
        servers = {"ours": Server([binary], {"RAYON_NUM_THREADS": threads})}
        servers |= {layout: Server(peer, {}) for layout in LAYOUTS}
        times, memory, apart = measure(servers, case, arguments.rounds)
        for server in servers.values():
            server.stop()
        lines.append(row(case, times, memory))
        print(lines[-1], f"  losses differ by {apart:.0e}", flush=True)
        if not apart < APART.get(case.split()[-1], 1e-3):
            sys.exit(f"{case}: the two do not compute the same losses")
    if arguments.write:
        publish(lines)


if __name__ == "__main__":
    main()
