"""Images per second with crop and flip, here and in PyTorch, alternating: batches of 128 of images as large as CIFAR-10's, in memory.

    python3 benches/loading.py [--rounds 5] [--write]

PyTorch crops and flips a batch in NumPy, in two workers of a `DataLoader` or in the process itself; the better one counts.
"""

import argparse
import datetime
import json
import statistics
import subprocess
import sys

from run import ROOT, executable, processor, publish

PEER = ("workers", "alone")


def per_second(command):
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return json.loads(lines[-1])["per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--executable", help="the built bench `data`, instead of building it")
    parser.add_argument("--write", action="store_true", help="append the table to docs/benchmarks.md")
    options = parser.parse_args()
    commands = {"ours": [executable(options.executable, "data")]}
    commands |= {how: [sys.executable, str(ROOT / "benches" / "peer" / "loading.py"), how] for how in PEER}
    found = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            found[name].append(per_second(command))
    median = {name: statistics.median(values) for name, values in found.items()}
    best = max(PEER, key=median.get)
    told = f"{datetime.date.today()}, {processor()}, 2 threads; `python3 {' '.join(sys.argv)}`".replace(" --write", "")
    lines = [told, "", "| crop and flip | images per second |", "|---|---|", f"| here | {median['ours']:.0f} |",
             f"| PyTorch ({best}) | {median[best]:.0f} |", f"| ratio of times | {median[best] / median['ours']:.2f} |"]
    print("\n".join(lines))
    if options.write:
        publish(lines)


if __name__ == "__main__":
    main()
