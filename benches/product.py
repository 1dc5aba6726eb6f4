"""Times a Hessian-vector product against a gradient at the same weights, and compares their peak memory.

    cargo build --release --bench step && python3 benches/product.py [--rounds 9] [--write] [network:batch ...]

Two processes take turns; a ratio is the median over the rounds of the ratio within a round. Memory is the most that
each process ever held less what it held before its first pass, weights and images included in neither.
"""

import argparse
import datetime
import statistics
import sys

from run import Server, executable, peak, processor, publish

NETWORKS = ("preact_resnet20:64", "resnet18:32", "cnn:64")
WORK = ("gradient", "product")


def measure(binary, network, rounds):
    """Seconds of every round and peak memory in MiB, each for gradient and product."""
    name, batch = network.split(":")
    servers = {work: Server([binary], {"RAYON_NUM_THREADS": "2"}) for work in WORK}
    before = {}
    for work, server in servers.items():
        server.ask(name, batch, work, 0)
        before[work] = peak(server)
    times = {work: [] for work in WORK}
    for round in range(rounds + 1):
        for work, server in servers.items():
            seconds = server.ask(name, batch, work, 1)["seconds"]
            if round > 0:
                times[work] += seconds
    memory = {work: peak(server) - before[work] for work, server in servers.items()}
    for server in servers.values():
        server.process.kill()
    return times, memory


def row(network, times, memory):
    name, batch = network.split(":")
    ratio = statistics.median(a / b for a, b in zip(times["product"], times["gradient"]))
    gradient, product = (1e3 * statistics.median(times[work]) for work in WORK)
    share = memory["product"] / memory["gradient"]
    return (f"| {name} | {batch} | {gradient:.1f} | {product:.1f} | {ratio:.2f} "
            f"| {memory['gradient']:.0f} | {memory['product']:.0f} | {share:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--executable", help="the built bench, instead of building it")
    parser.add_argument("--write", action="store_true", help="append the table to docs/benchmarks.md")
    options = parser.parse_args()
    binary = executable(options.executable)
    head = ["| network | batch | gradient, ms | product, ms | ratio | gradient, MiB | product, MiB | ratio |",
            "|---|---|---|---|---|---|---|---|"]
    rows = []
    for network in options.networks:
        rows.append(row(network, *measure(binary, network, options.rounds)))
        print(rows[-1], flush=True)
    if options.write:
        told = f"{datetime.date.today()}, {processor()}, 2 threads; `python3 {' '.join(sys.argv)}`".replace(" --write", "")
        publish([told, "", *head, *rows])


if __name__ == "__main__":
    main()
