"""What the scripts share: a run of flatrun, the embedded digits, the networks in PyTorch."""

import atexit
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/oracles"))

import networks  # noqa: E402

TRAIN = 1437


def digits():
    """Images in [0, 1] and labels of both parts, in the order of the program: 65-byte records."""
    raw = gzip.decompress((ROOT / "src/data/digits_8x8.bin.gz").read_bytes())
    records = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 65)
    x = torch.from_numpy(records[:, 1:].astype(np.float32) / 16).view(-1, 1, 8, 8)
    y = torch.from_numpy(records[:, 0].astype(np.int64))
    return (x[:TRAIN], y[:TRAIN]), (x[TRAIN:], y[TRAIN:])


def run(text, files=None):
    """Runs a program in a folder of its own; gives the folder and its measurements by name."""
    folder = Path(tempfile.mkdtemp(prefix="flat-peers-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, write in (files or {}).items():
        write(folder / name)
    (folder / "peer.flat").write_text("edition 2026\n" + text)
    command = [str(Path(sys.argv[1]).resolve()), "peer.flat", "--quiet"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{text}\n{done.stdout}{done.stderr}")
    (results,) = folder.glob("runs/*/*/seed-0/results.json")
    return folder, dict(json.loads(results.read_text())["values"])


class Normalized(torch.nn.Module):
    """A network behind its normalisation, as attacks see it."""

    def __init__(self, network, mean, std):
        super().__init__()
        self.network, self.mean, self.std = network, mean, std

    def forward(self, x):
        return self.network(networks.normalized(x, self.mean, self.std))


def loaded(network, path):
    network.load_state_dict(load_file(path))
    return network.eval()


FAILED = []


def close(name, found, expected, tolerance, why):
    """`found` is flatrun's; the tolerance is absolute."""
    apart = abs(found - expected)
    good = apart <= tolerance
    print(f"{'ok ' if good else 'BAD'} {name}: {found:.6g}, peer {expected:.6g}, allowed {tolerance:.3g} ({why})")
    if not good:
        FAILED.append(name)


def end():
    sys.exit(1 if FAILED else 0)
