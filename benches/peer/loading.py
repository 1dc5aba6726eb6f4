"""The loading of benches/data.rs in PyTorch: `loading.py workers|alone`. Prints one line of JSON."""

import json
import sys
import time

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler

COUNT, BATCH, EPOCHS = 10_000, 128, 20


class Images(Dataset):
    """Whole batches by their indices."""

    def __init__(self):
        self.random = np.random.default_rng(0)
        pixels = self.random.integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)
        self.padded = np.pad(pixels, ((0, 0), (4, 4), (4, 4), (0, 0)))
        self.labels = torch.zeros(COUNT, dtype=torch.long)

    def __len__(self):
        return COUNT

    def __getitem__(self, indices):
        count = len(indices)
        images = np.empty((count, 32, 32, 3), dtype=np.uint8)
        places, flips = self.random.integers(0, 9, (count, 2)), self.random.random(count) < 0.5
        for at, (index, (top, left), flip) in enumerate(zip(indices, places, flips)):
            image = self.padded[index, top:top + 32, left:left + 32]
            images[at] = image[:, ::-1] if flip else image
        return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255), self.labels[indices]


def main():
    workers = 2 if sys.argv[1] == "workers" else 0
    torch.set_num_threads(1 if workers else 2)
    images = Images()
    order = BatchSampler(RandomSampler(images), BATCH, drop_last=False)
    loader = DataLoader(images, sampler=order, batch_size=None, num_workers=workers, persistent_workers=workers > 0)
    list(zip(range(4), loader))
    start = time.perf_counter()
    count = sum(len(x) for _ in range(EPOCHS) for x, _ in loader)
    seconds = time.perf_counter() - start
    print(json.dumps({"what": "crop and flip", "count": count, "seconds": seconds, "per_second": count / seconds}))


if __name__ == "__main__":
    main()
