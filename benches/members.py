"""Times a step of every member of the SAM family against the base step and SAM's, and prints the rows of docs/benchmarks.md.

    cargo build --release --bench step && python3 benches/members.py [--rounds 5] [--write] [network:batch ...]

For each member three processes take turns: the base optimizer, SAM, the member. A round is as many steps as the member's rhythm
has; the ratio is that of the medians over rounds of the mean step.
"""

import argparse
import datetime
import pathlib
import statistics
import sys

from run import ROOT, Server, executable, processor

NETWORKS = ("preact_resnet20:64", "resnet18:32")
MEMBERS = {
    "asam": 1, "fsam": 1, "eigensam(refresh=100000~steps)": 1, "fishersam": 1, "gsam": 1, "ssam": 1, "sagm": 1, "wsam": 1, "lesam": 1,
    "lesam_plus": 1, "msam": 1, "s2sam": 1, "esam(beta=0.6,gamma=0.5)": 5, "looksam(k=5)": 5, "eigensam(refresh=1~step,iterations=1)": 1,
}
STEPS = 2


def seconds(server, case, steps):
    return statistics.fmean(server.ask(*case, steps)["seconds"])


def measure(binary, network, member, rhythm, rounds):
    """Median seconds of the base step, SAM's and the member's; peak memory of the member over the base step, in MiB."""
    name, batch = network.split(":")
    servers = {a: Server([binary], {"RAYON_NUM_THREADS": "2"}) for a in ("sgd", "sam", member)}
    times = {a: [] for a in servers}
    for round in range(rounds + 1):
        for algorithm, server in servers.items():
            steps = rhythm if algorithm == member and rhythm > 1 else STEPS
            taken = seconds(server, (name, batch, algorithm), steps)
            if round > 0:
                times[algorithm].append(taken)
    memory = {a: peak(server) for a, server in servers.items()}
    for server in servers.values():
        server.process.kill()
    return {a: statistics.median(t) for a, t in times.items()}, memory[member] - memory["sgd"]


def peak(server):
    """Most memory the process ever held, in MiB."""
    lines = pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def row(network, member, times, memory):
    name, batch = network.split(":")
    sgd, sam, own = times["sgd"], times["sam"], times[member]
    return f"| {name} | {batch} | `{member.replace('~', ' ')}` | {1e3 * own:.1f} | {own / sgd:.2f} | {own / sam:.3f} | {sam / sgd:.2f} | {memory:+.0f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--executable", help="the built bench, instead of building it")
    parser.add_argument("--write", action="store_true", help="append the table to docs/benchmarks.md")
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    arguments = parser.parse_args()
    head = ["| network | batch | member | step, ms | × base step | × SAM | SAM × base | peak memory over the base step, MiB |",
            "|---|---|---|---|---|---|---|---|"]
    binary, rows = executable(arguments.executable), []
    print("\n".join(head), flush=True)
    for network in arguments.networks:
        for member, rhythm in MEMBERS.items():
            rows.append(row(network, member, *measure(binary, network, member, rhythm, arguments.rounds)))
            print(rows[-1], flush=True)
    if arguments.write:
        where = f"{datetime.date.today()}, {processor()}, 2 threads; `python3 benches/members.py {' '.join(sys.argv[1:])}`"
        with open(ROOT / "docs" / "benchmarks.md", "a") as file:
            file.write("\n".join(["", where, "", *head, *rows, ""]))


if __name__ == "__main__":
    main()
