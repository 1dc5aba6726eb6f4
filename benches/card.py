"""Checks that a device computes the losses of the CPU, times it against PyTorch, and prints the rows of docs/benchmarks.md.

    python3 benches/card.py [--device cuda:0] [--rounds 7] [--write] [case ...]

A case is `<network> <batch> <algorithm>`, as in run.py. Checked are 20 steps of each: in f32 every loss must be within 1e-3 of the CPU's, in
bf16 within 5e-2; adversarial steps follow signs of gradients, some of which are rounding, and are held to 5e-2 and 1e-1. Timed are f32 and
bf16, here and in PyTorch with channels-last memory (bf16 by autocast, f32 with its defaults), taking turns; what is timed is a queue of steps to its end. `benches/gpu.sh` looks for the card first.
"""

import argparse
import datetime
import statistics
import sys

from run import APART, ROOT, Server, executable, processor, publish

NETWORKS = ("preact_resnet20", "resnet18", "sat_cnn", "cnn", "vit")
ALGORITHMS = ("sgd", "sam", "lesam", "ssp_adm_lesam", "pgd10", "psat")
STEPS = 20
TOLERANCE = {"f32": 1e-3, "bf16": 5e-2}
SIGNS = {"f32": 5e-2, "bf16": 1e-1}
LAYOUT = "channels_last"
# Of one step each: compiling and tuning of kernels, and the first steps of a curriculum.
WARM = 3


def tolerances(case):
    """By precision."""
    return SIGNS if case.split()[-1] in APART else TOLERANCE


def apart(found, expected):
    """The largest relative difference."""
    return max(abs(a - b) / max(abs(b), 1e-6) for a, b in zip(found, expected))


def losses(command, case):
    """The loss before each of the first steps."""
    server = Server(command, {})
    found = [server.ask(*case.split(), 1)["loss"] for _ in range(STEPS)]
    server.process.kill()
    return found


def check(binary, device, case):
    expected = losses([binary, "cpu", "f32"], case)
    for precision, tolerance in tolerances(case).items():
        difference = apart(losses([binary, device, precision], case), expected)
        print(f"{case}: {precision} on {device} differs from f32 on cpu by {difference:.0e} over {STEPS} steps", flush=True)
        if not difference < tolerance:
            sys.exit(f"{case}: more than {tolerance:.0e} is not rounding")


def measure(servers, case, rounds):
    """Medians of milliseconds of a step here and in PyTorch."""
    words = {"here": case.split(), "peer": [*case.split(), LAYOUT]}
    first = {name: [server.ask(*words[name], 1)["loss"] for _ in range(WARM)] for name, server in servers.items()}
    times = {name: [] for name in servers}
    for _ in range(rounds):
        for name, server in servers.items():
            times[name] += server.ask(*words[name], STEPS)["seconds"]
    return {name: 1e3 * statistics.median(values) for name, values in times.items()}, apart(first["here"], first["peer"])


def rows(binary, device, threads, case, rounds):
    for precision, tolerance in tolerances(case).items():
        peer = [sys.executable, str(ROOT / "benches" / "peer" / "step.py"), threads, device, precision]
        servers = {"here": Server([binary, device, precision], {}), "peer": Server(peer, {})}
        median, difference = measure(servers, case, rounds)
        for server in servers.values():
            server.process.kill()
        if not difference < tolerance:
            sys.exit(f"{case}, {precision}: the losses differ from PyTorch's by {difference:.0e}")
        cells = [*case.split(), precision, f"{median['here']:.2f}", f"{median['peer']:.2f}", f"{median['here'] / median['peer']:.2f}"]
        yield f"| {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help="as in `resnet18 128 sgd`, quoted; all without any")
    parser.add_argument("--device", default="cuda:0", help="`cuda:N`, or `cpu` to see that this script works")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", default="2", help="of PyTorch on the CPU")
    parser.add_argument("--executable", help="the built bench, instead of building it")
    parser.add_argument("--write", action="store_true", help="append the table to docs/benchmarks.md")
    arguments = parser.parse_args()
    import torch

    card = arguments.device != "cpu"
    cases = arguments.cases or [f"{network} 128 {algorithm}" for algorithm in ALGORITHMS for network in NETWORKS]
    binary = executable(arguments.executable, features=["cuda"] if card else [])
    for case in cases:
        check(binary, arguments.device, case)
    name = torch.cuda.get_device_name(arguments.device) if card else processor()
    columns = ("network", "batch", "step", "precision", "here, ms", "PyTorch, ms", "ratio")
    lines = [f"{datetime.date.today()}, {name}, PyTorch {torch.__version__}; `benches/gpu.sh`", ""]
    lines += [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    print("\n".join(lines), flush=True)
    for case in cases:
        for row in rows(binary, arguments.device, arguments.threads, case, arguments.rounds):
            lines.append(row)
            print(row, flush=True)
    if arguments.write:
        publish(lines)


if __name__ == "__main__":
    main()
