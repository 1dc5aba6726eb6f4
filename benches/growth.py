"""How the cost of a training step grows with the batch and with threads, and what share of the machine's peak it reaches.

    python3 benches/growth.py [--rounds 3] [--write] [network ...]

Processes take turns, here and in PyTorch with channels-last memory: a step of plain SGD at batch 32, 64, 128 and 256 with two threads,
and at 128 with one. The peak is what PyTorch's matrix product of 2048 x 2048 reaches with two threads between the rounds; a step's
arithmetic is three times the multiply-adds of the forward pass (less those of the image's gradient, which nobody asks for), counted as
the mathematics has it: Winograd convolutions do fewer, so that their share may exceed what the vector units do.
"""

import argparse
import datetime
import statistics
import sys
import time

from run import ROOT, Server, executable, processor, publish, turns

NETWORKS = ("preact_resnet20", "resnet18", "sat_cnn", "cnn", "vit")
BATCHES = (32, 64, 128, 256)
ONE = "128, one thread"
# Steps before the first that counts: memory takes some to find its sizes.
WARM = 8


def peak():
    """Multiply-adds per second of a matrix product."""
    import torch

    torch.set_num_threads(2)
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    found = []
    for _ in range(4):
        start = time.perf_counter()
        torch.mm(a, b)
        found.append(2048**3 / (time.perf_counter() - start))
    return max(found)


def multiply_adds(network):
    """Of a forward and backward pass of one sample."""
    import torch

    sys.path[:0] = [str(ROOT / "benches" / "peer"), str(ROOT / "tests" / "oracles")]
    from step import SHAPES
    from torch.utils.flop_counter import FlopCounterMode
    import networks

    shape = SHAPES[network]
    model = networks.ARCHITECTURES[network](shape, 10)
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(2, *shape)).sum().backward()
    return counter.get_total_flops() / 4


def measure(binary, network, rounds):
    """Seconds per sample of both sides, by batch, and for one thread; peaks of the rounds."""
    peer = [sys.executable, str(ROOT / "benches" / "peer" / "step.py")]
    servers, cases = {}, {}
    for name in (*BATCHES, ONE):
        threads = "1" if name == ONE else "2"
        batch = 128 if name == ONE else name
        servers["here", name] = Server([binary], {"RAYON_NUM_THREADS": threads})
        servers["PyTorch", name] = Server([*peer, threads], {})
        cases["here", name] = (network, batch, "sgd")
        cases["PyTorch", name] = (network, batch, "sgd", "channels_last")
    warm = {side: server.ask(*cases[side], WARM)["seconds"] for side, server in servers.items()}
    # As many samples of each in a round.
    samples = max(BATCHES) * turns(min(warm["here", max(BATCHES)]))
    found, peaks = {side: [] for side in servers}, []
    for _ in range(rounds):
        for side, server in servers.items():
            batch = cases[side][1]
            seconds = server.ask(*cases[side], samples // batch)["seconds"]
            found[side] += [s / batch for s in seconds]
        peaks.append(peak())
    for server in servers.values():
        server.stop()
    return {side: statistics.median(values) for side, values in found.items()}, statistics.median(peaks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--executable", help="the built bench, instead of building it")
    parser.add_argument("--write", action="store_true", help="append the table to docs/benchmarks.md")
    options = parser.parse_args()
    binary = executable(options.executable)
    columns = ["network", "", *(f"batch {batch}, ms per sample" for batch in BATCHES), "most / least", "one thread / two",
               "10⁹ multiply-adds per second at 128", "matrix product", "share"]
    told = f"{datetime.date.today()}, {processor()}; `python3 {' '.join(sys.argv)}`".replace(" --write", "")
    lines = [told, "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    print("\n".join(lines), flush=True)
    for network in options.networks:
        seconds, top = measure(binary, network, options.rounds)
        arithmetic = multiply_adds(network)
        for side in ("here", "PyTorch"):
            sizes = [seconds[side, batch] for batch in BATCHES]
            rate = arithmetic / seconds[side, 128]
            cells = [network, side, *(f"{1e3 * s:.3f}" for s in sizes), f"{max(sizes) / min(sizes):.2f}",
                     f"{seconds[side, ONE] / seconds[side, 128]:.2f}", f"{rate / 1e9:.0f}", f"{top / 1e9:.0f}", f"{rate / top:.2f}"]
            lines.append(f"| {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    if options.write:
        publish(lines)


if __name__ == "__main__":
    main()
