"""The corruptions without random numbers on two small images, from the published parameters: NumPy, colorsys, Pillow."""

import colorsys
import io
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import formula
from safetensors.numpy import save_file

IMAGES = {"colour": ((24, 20, 3), 1020), "grey": ((11, 13, 1), 1021)}


def gaussian_weights(radius, sigma):
    k = np.arange(-radius, radius + 1)
    w = np.exp(-0.5 * (k / sigma) ** 2)
    return w / w.sum()


def gaussian(x, sigma):
    """Separable, cut off at four deviations, the last pixel repeated beyond the edge."""
    radius = int(4 * sigma + 0.5)
    w = gaussian_weights(radius, sigma)
    for axis in (0, 1):
        pad = [(0, 0)] * 3
        pad[axis] = (radius, radius)
        p = np.pad(x, pad, mode="edge")
        x = sum(w[k] * np.take(p, range(k, k + x.shape[axis]), axis=axis) for k in range(2 * radius + 1))
    return x


def gaussian_blur(x, level):
    return gaussian(x, [0.4, 0.6, 0.7, 0.8, 1][level])


def defocus_blur(x, level):
    radius, soft = [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)][level]
    v, u = np.meshgrid(np.arange(-8, 9), np.arange(-8, 9))
    disk = (u**2 + v**2 <= radius**2).astype(float)
    disk /= disk.sum()
    w = gaussian_weights(1, soft)
    disk = np.pad(disk, 1)
    disk = sum(w[k] * disk[k : k + 17] for k in range(3))
    disk = sum(w[k] * disk[:, k : k + 17] for k in range(3))
    p = np.pad(x, [(8, 8), (8, 8), (0, 0)], mode="reflect")
    h, wd, _ = x.shape
    return sum(disk[i, j] * p[i : i + h, j : j + wd] for i in range(17) for j in range(17))


def stretched(x, length, axis):
    """Linear interpolation, first pixel to first and last to last."""
    n = x.shape[axis]
    at = np.linspace(0, n - 1, length)
    low = np.minimum(np.floor(at).astype(int), max(n - 2, 0))
    share = (at - low).reshape([-1 if a == axis else 1 for a in range(3)])
    high = np.minimum(low + 1, n - 1)
    return np.take(x, low, axis=axis) * (1 - share) + np.take(x, high, axis=axis) * share


def zoomed(x, factor):
    for axis in (0, 1):
        n = x.shape[axis]
        part = int(np.ceil(n / factor))
        top = (n - part) // 2
        x = stretched(np.take(x, range(top, top + part), axis=axis), int(round(part * factor)), axis)
        cut = (x.shape[axis] - n) // 2
        x = np.take(x, range(cut, cut + n), axis=axis)
    return x


def zoom_blur(x, level):
    factors = [1 + k / 100 for k in range([5, 10, 15, 20, 25][level] + 1)]
    return (x + sum(zoomed(x, f) for f in factors)) / (len(factors) + 1)


def hsv(x, change):
    if x.shape[2] == 1:
        x = np.repeat(x, 3, axis=2)
        return hsv(x, change)[:, :, :1]
    pixels = [colorsys.hsv_to_rgb(*change(*colorsys.rgb_to_hsv(*pixel))) for pixel in x.reshape(-1, 3)]
    return np.array(pixels).reshape(x.shape)


def brightness(x, level):
    c = [0.05, 0.1, 0.15, 0.2, 0.3][level]
    return hsv(x, lambda h, s, v: (h, s, min(v + c, 1)))


def saturate(x, level):
    if x.shape[2] == 1:
        return x
    gain, offset = [(0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)][level]
    return hsv(x, lambda h, s, v: (h, min(max(s * gain + offset, 0), 1), v))


def contrast(x, level):
    mean = x.mean(axis=(0, 1), keepdims=True)
    return (x - mean) * [0.75, 0.5, 0.4, 0.3, 0.15][level] + mean


def pillow(x):
    return Image.fromarray(np.round(255 * x).astype(np.uint8).squeeze())


def array(image, shape):
    return np.asarray(image).reshape(shape) / 255


def pixelate(x, level):
    c = [0.95, 0.9, 0.85, 0.75, 0.65][level]
    h, w, _ = x.shape
    small = pillow(x).resize((int(w * c), int(h * c)), Image.BOX)
    return array(small.resize((w, h), Image.BOX), x.shape)


def jpeg_compression(x, level):
    file = io.BytesIO()
    pillow(x).save(file, "JPEG", quality=[80, 65, 58, 50, 40][level])
    return array(Image.open(file), x.shape)


KINDS = [gaussian_blur, defocus_blur, zoom_blur, brightness, saturate, contrast, pixelate, jpeg_compression]


def smooth(shape, index):
    """Waves and a little noise: neighbours are alike, as in photographs."""
    h, w, c = shape
    noise = formula.uniform(h * w * c, index).reshape(shape)
    row, column, channel = np.meshgrid(np.arange(h), np.arange(w), np.arange(c), indexing="ij")
    waves = 0.28 * np.sin(0.45 * row + 0.3 * column + 2 * channel) + 0.15 * np.cos(0.7 * column - 0.2 * row + channel)
    return np.floor(255 * np.clip(0.5 + waves + 0.1 * noise, 0, 1)).astype(np.uint8)


def main():
    into = {}
    for name, (shape, index) in IMAGES.items():
        image = smooth(shape, index)
        into[f"{name}/clean"] = image
        for kind in KINDS:
            for level in range(5):
                found = kind(image / 255, level)
                # 1e-6 of a level: whole levels stay whole.
                into[f"{name}/{kind.__name__}/{level + 1}"] = (255 * np.clip(found, 0, 1) + 1e-6).astype(np.uint8)
    save_file(into, str(HERE / "corruption.safetensors"))
    print(f"{len(into)} images, {sum(v.size for v in into.values())} bytes; torch {torch.__version__}")


if __name__ == "__main__":
    main()
