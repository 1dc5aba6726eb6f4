"""Files as PyTorch writes them, of one small network and in every format, and files that must be refused.

    python3 tests/oracles/save_formats.py FOLDER
"""

import argparse
import collections
import os
import pickle
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

import formula
import networks


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def good(folder, state):
    plain = {name: tensor.clone() for name, tensor in state.items()}
    save_file(plain, str(folder / "plain.safetensors"))
    torch.save(state, folder / "zip.pth")
    torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(state, folder / "protocol4.pth", pickle_protocol=4)
    torch.save({"epoch": 7, "best": 0.5, "arch": "cnn", "state_dict": state}, folder / "wrapped.pth")
    parallel = collections.OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())
    torch.save({"model": parallel}, folder / "parallel.pth")
    parameters = {n: torch.nn.Parameter(t) if t.is_floating_point() else t for n, t in plain.items()}
    torch.save(parameters, folder / "parameters.pth")
    for name, dtype in (("double", torch.double), ("half", torch.half), ("bfloat16", torch.bfloat16)):
        torch.save({n: t.to(dtype) if t.is_floating_point() else t for n, t in plain.items()}, folder / f"{name}.pth")
    torch.save({name: strided(tensor) for name, tensor in plain.items()}, folder / "strided.pth")


def strided(tensor):
    """The same values in another order of memory, behind others of their storage."""
    if tensor.dim() < 2:
        return torch.cat([torch.zeros(3, dtype=tensor.dtype), tensor.reshape(-1)])[3:].reshape(tensor.shape)
    return tensor.transpose(0, 1).contiguous().transpose(0, 1)


def bad(folder, state):
    flag = str(folder / "executed")
    torch.save({**state, "x": Calls(os.system, f"touch {flag}")}, folder / "system.pth")
    torch.save({**state, "x": Calls(eval, f"open({flag!r}, 'w')")}, folder / "eval.pth")
    torch.save({"state_dict": state, "args": argparse.Namespace(lr=0.1)}, folder / "object.pth")
    torch.save({"state_dict": state, "best": np.float64(0.5)}, folder / "numpy.pth")
    (folder / "bare.pth").write_bytes(pickle.dumps({"conv1.weight": [1.0]}, protocol=2))
    (folder / "page.pth").write_bytes(b"<!DOCTYPE html><html>404</html>")
    (folder / "empty.pth").write_bytes(b"")
    for name in ("zip", "legacy"):
        whole = (folder / f"{name}.pth").read_bytes()
        (folder / f"truncated_{name}.pth").write_bytes(whole[: len(whole) * 3 // 4])
    whole = (folder / "plain.safetensors").read_bytes()
    (folder / "truncated.safetensors").write_bytes(whole[:-100])
    huge = b'{"conv1.weight":{"dtype":"F32","shape":[7500000000],"data_offsets":[0,30000000000]}}'
    (folder / "declares.safetensors").write_bytes(struct.pack("<Q", len(huge)) + huge)
    # 7.5 thousand million values of which twelve are there.
    few = torch.zeros(12).untyped_storage()
    view = torch.tensor([], dtype=torch.float32).set_(few, 0, (12,), (1,))
    whole = pickled_with_shape(folder, view)
    (folder / "declares.pth").write_bytes(whole)


def pickled_with_shape(folder, view):
    """A file of the old format whose tensor declares more than its storage holds."""
    path = folder / "declares.pth"
    torch.save({"conv1.weight": view}, path, _use_new_zipfile_serialization=False)
    whole = path.read_bytes()
    # The shape (12,) is pickled as BININT1 12 TUPLE1; a LONG1 of five bytes takes its place.
    short, long = b"K\x0c\x85", b"\x8a\x05" + struct.pack("<Q", 7_500_000_000)[:5] + b"\x85"
    assert whole.count(short) == 1
    return whole.replace(short, long)


def main():
    folder = Path(sys.argv[1])
    network = networks.cnn((1, 8, 8), 10, width=4)
    with torch.no_grad():
        formula.fill_network(network)
    state = network.state_dict()
    good(folder, state)
    bad(folder, state)


if __name__ == "__main__":
    main()
