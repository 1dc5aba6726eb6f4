"""Values that any language reproduces from integers alone (see README.md, "The formula")."""

import numpy as np
import torch

MASK = np.uint64(0xFFFFFFFF)
PROJECTION_INDEX = 2000


def scrambled(count, index):
    """`count` 32-bit integers of the stream `index`: a Weyl sequence through murmur3's finaliser."""
    i = np.arange(count, dtype=np.uint64)
    h = (i * np.uint64(2654435761) + np.uint64(12345 * index)) & MASK
    h ^= h >> np.uint64(16)
    h = (h * np.uint64(0x85EBCA6B)) & MASK
    h ^= h >> np.uint64(13)
    h = (h * np.uint64(0xC2B2AE35)) & MASK
    return h ^ (h >> np.uint64(16))


def uniform(count, index):
    """float64 values in [-0.5, 0.5)."""
    return scrambled(count, index).astype(np.float64) / 4294967296.0 - 0.5


def filled(shape, index, scale, offset=0.0):
    """offset + scale * u in float64, rounded once to float32."""
    count = int(np.prod(shape, dtype=np.int64))
    values = (offset + scale * uniform(count, index)).astype(np.float32)
    return torch.from_numpy(values).reshape(tuple(shape))


def images(batch, shape, index):
    """Pixels in [0, 1)."""
    return filled((batch, *shape), index, 1.0, 0.5)


def labels(batch, classes, shift=0):
    return (3 * torch.arange(batch) + 1 + shift) % classes


def fill_network(network):
    """Overwrites every parameter and buffer; the index is the position in the state dict without counters."""
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    for index, (name, tensor) in enumerate(state.items()):
        tensor.copy_(filled(tensor.shape, index, *scale_and_offset(name, tensor, state)))


def scale_and_offset(name, tensor, state):
    if name.startswith("layer") and name.endswith("bn3.weight"):
        # Branches of deep networks are damped, as zero initialisation does: rounding would grow with every block.
        return 0.05, 0.2
    if tensor.dim() > 1:
        return np.sqrt(24.0 / tensor[0].numel()), 0.0
    if name.endswith("running_mean"):
        return 0.1, 0.0
    if name.endswith("running_var") or name.endswith("weight"):
        return 0.2, 1.0
    of_norm = state[name.removesuffix("bias") + "weight"].dim() == 1
    return (0.2 if of_norm else 0.1), 0.0
