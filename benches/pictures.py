"""Folders for `benches/data.rs`.

    python3 benches/pictures.py jpeg FOLDER 2000       # JPEG files of 500x375 pixels, as ImageNet's are on average
    python3 benches/pictures.py empty FOLDER 1200000   # empty files in 1,000 classes: for the time to list them
"""

import io
import pathlib
import sys


def photos(count):
    """Smooth colours with detail: about 60 KB each at quality 90."""
    import numpy
    from PIL import Image

    random = numpy.random.default_rng(0)
    for _ in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=numpy.uint8))
        smooth = numpy.asarray(coarse.resize((500, 375), Image.Resampling.BICUBIC), dtype=numpy.float64)
        noisy = numpy.clip(smooth + random.normal(0, 8, smooth.shape), 0, 255).astype(numpy.uint8)
        target = io.BytesIO()
        Image.fromarray(noisy).save(target, "JPEG", quality=90)
        yield target.getvalue()


def main(kind, folder, count):
    contents = list(photos(16)) if kind == "jpeg" else [b""]
    classes = 10 if kind == "jpeg" else 1000
    for part, share in [("train", count), ("val", classes)]:
        for number in range(share):
            name = pathlib.Path(folder, part, f"n{number % classes:08}", f"n{number % classes:08}_{number}.JPEG")
            name.parent.mkdir(parents=True, exist_ok=True) if number < classes else None
            name.write_bytes(contents[number % len(contents)])


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
