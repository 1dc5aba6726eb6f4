"""How the cost of a training step grows with the batch and with threads, and what share of the machine's peak it reaches.

    python3 benches/growth.py [--rounds 5] [--write] [network ...]

Processes take turns: a step of plain SGD at batch 32, 64, 128 and 256 with two threads, and at 128 with one. The peak is what PyTorch's
matrix product of 2048 x 2048 reaches with two threads between the rounds; a step's arithmetic is three times the multiply-adds of the
forward pass (less those of the image's gradient, which nobody asks for), counted as the mathematics has it: Winograd convolutions do
fewer, so that their share may exceed what the vector units do.
"""

import argparse
import datetime
import statistics
import sys
import time

from run import ROOT, Server, executable, processor, publish

NETWORKS = ("preact_resnet20", "resnet18", "sat_cnn", "cnn", "vit")
BATCHES = (32, 64, 128, 256)
ONE = "128, one thread"


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
    """Seconds per sample, by batch, and for one thread; peaks of the rounds."""
    servers = {batch: Server([binary], {"RAYON_NUM_THREADS": "2"}) for batch in BATCHES}
    servers[ONE] = Server([binary], {"RAYON_NUM_THREADS": "1"})
    found, peaks = {name: [] for name in servers}, []
    for round in range(rounds + 1):
        for name, server in servers.items():
            batch = 128 if name == ONE else name
            # As many samples of each.
            seconds = server.ask(network, batch, "sgd", 256 // batch)["seconds"]
            if round > 0:
                found[name] += [s / batch for s in seconds]
        peaks.append(peak())
    for server in servers.values():
        server.stop()
    return {name: statistics.median(values) for name, values in found.items()}, statistics.median(peaks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--executable", help="the built bench, instead of building it")
    parser.add_argument("--write", action="store_true", help="append the table to docs/benchmarks.md")
    options = parser.parse_args()
    binary = executable(options.executable)
    columns = ["network", *(f"batch {batch}, ms per sample" for batch in BATCHES), "most / least", "one thread / two",
               "10⁹ multiply-adds per second at 128", "matrix product", "share"]
    told = f"{datetime.date.today()}, {processor()}; `python3 {' '.join(sys.argv)}`".replace(" --write", "")
    lines = [told, "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    print("\n".join(lines), flush=True)
    for network in options.networks:
        seconds, top = measure(binary, network, options.rounds)
        sizes = [seconds[batch] for batch in BATCHES]
        rate = multiply_adds(network) / seconds[128]
        cells = [network, *(f"{1e3 * s:.3f}" for s in sizes), f"{max(sizes) / min(sizes):.2f}", f"{seconds[ONE] / seconds[128]:.2f}",
                 f"{rate / 1e9:.0f}", f"{top / 1e9:.0f}", f"{rate / top:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    if options.write:
        publish(lines)


if __name__ == "__main__":
    main()
