"""How tensors are stored: small ones whole, large ones as a digest and a sample."""

import json

import torch
from safetensors.torch import save_file

from formula import PROJECTION_INDEX, uniform

WHOLE = 4096
SAMPLE = 256
PROJECTIONS = 4


def digest(tensor):
    """[sum, L2 norm, and the inner products with the formula's streams 2000..2003]."""
    flat = tensor.detach().double().reshape(-1)
    streams = [torch.from_numpy(uniform(flat.numel(), PROJECTION_INDEX + j)) for j in range(PROJECTIONS)]
    return torch.stack([flat.sum(), flat.norm(), *[flat @ s for s in streams]])


def sample(tensor):
    """Every floor(n / 256)-th value, 256 of them."""
    flat = tensor.detach().double().reshape(-1)
    return flat[:: flat.numel() // SAMPLE][:SAMPLE].clone()


def put(into, key, tensor, whole=WHOLE):
    if tensor.numel() <= whole:
        into[key] = tensor.detach().double().clone()
    else:
        into[f"{key}.digest"] = digest(tensor)
        into[f"{key}.sample"] = sample(tensor)


def put_all(into, prefix, named, whole=WHOLE):
    for name, tensor in named.items():
        put(into, f"{prefix}/{name}", tensor, whole)


def store(path, tensors, **metadata):
    """Writes a safetensors file; `metadata` as JSON in its one entry `case`, since several have no order."""
    contiguous = {k: v.contiguous() for k, v in tensors.items()}
    save_file(contiguous, str(path), metadata={"case": json.dumps(metadata)} if metadata else None)
    path.chmod(0o644)
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")


def store_json(path, rows):
    """One line per entry of the outer object."""
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in rows.items())
    path.write_text("{\n" + lines + "\n}\n")


def deviation(a, b):
    """Largest relative L2 distance over the tensors two records share, those that are zero but for rounding apart."""
    def one(key):
        x, y = a[key].double(), b[key].double()
        return ((x - y).norm() / y.norm().clamp_min(1e-12)).item()
    worst = max((key for key in a if b[key].double().norm() > 1e-9), key=one)
    return one(worst), worst
