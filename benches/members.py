"""Times a step of every member of the SAM family against the base step and SAM's, and prints the rows of docs/benchmarks.md.

    cargo build --release --bench step && python3 benches/members.py [--rounds 15] [--write] [--member NAME] [network:batch ...]

For each member three processes take turns: the base optimizer, SAM, the member. A round is one step of each, or as many of the
member as its rhythm has. A ratio is the median over the rounds of the ratio within a round, which a machine that is
faster at one time than at another does not move; times are medians.
"""

import argparse
import datetime
import statistics
import sys

from run import Server, executable, peak, processor, publish

NETWORKS = ("preact_resnet20:64", "resnet18:32")
MEMBERS = {
    "asam": 1, "fsam": 1, "eigensam(refresh=100000~steps)": 1, "fishersam": 1, "gsam": 1, "ssam": 1, "sagm": 1, "wsam": 1, "lesam": 1,
    "lesam_plus": 1, "msam": 1, "s2sam": 1, "esam(beta=0.6,gamma=0.5)": 5, "looksam(k=5)": 5, "eigensam(refresh=1~step,iterations=1)": 1,
}


def seconds(server, case, steps):
    return statistics.fmean(server.ask(*case, steps)["seconds"])


def measure(binary, network, member, rhythm, rounds):
    """Seconds of a step of the base optimizer, of SAM and of the member, round by round; peak memory of the member
    over the base step, in MiB."""
    name, batch = network.split(":")
    servers = {a: Server([binary], {"RAYON_NUM_THREADS": "2"}) for a in ("sgd", "sam", member)}
    times = {a: [] for a in servers}
    for round in range(rounds + 1):
        for algorithm, server in servers.items():
            taken = seconds(server, (name, batch, algorithm), rhythm if algorithm == member else 1)
            if round > 0:
                times[algorithm].append(taken)
    memory = {a: peak(server) for a, server in servers.items()}
    for server in servers.values():
        server.process.kill()
    return times, memory[member] - memory["sgd"]


def row(network, member, times, memory):
    name, batch = network.split(":")

    def ratio(above, below):
        return statistics.median(a / b for a, b in zip(times[above], times[below]))

    own = 1e3 * statistics.median(times[member])
    shown = member.replace("~", " ")
    return (f"| {name} | {batch} | `{shown}` | {own:.1f} | {ratio(member, 'sgd'):.2f} | {ratio(member, 'sam'):.3f} "
            f"| {ratio('sam', 'sgd'):.2f} | {memory:+.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--member", action="append", help="of the list; all without any")
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
            if arguments.member and member not in arguments.member:
                continue
            rows.append(row(network, member, *measure(binary, network, member, rhythm, arguments.rounds)))
            print(rows[-1], flush=True)
    if arguments.write:
        where = f"{datetime.date.today()}, {processor()}, 2 threads; `python3 benches/members.py {' '.join(sys.argv[1:])}`"
        publish([where, "", *head, *rows])


if __name__ == "__main__":
    main()
