"""Images and what Pillow and NumPy make of them: `python3 tests/oracles/augment/make.py` (Pillow 13, NumPy).

Resizing is Pillow's on images of floats (mode F), which rounds nothing in between; the affine map is Pillow's nearest
neighbour with the matrix written out here; changes of colour are the formulas in float64. `files` are encoded images with the
pixels that Pillow decodes.
"""

import colorsys
import io
import json
import math
import pathlib

import numpy
from PIL import Image

HEIGHT, WIDTH = 13, 17


def bytes_of(count):
    """The formula of `tests/oracles/formula.py` for k = 1000, its highest eight bits."""
    mask = 0xFFFFFFFF
    values = []
    for i in range(count):
        h = (i * 2654435761 + 12345 * 1000) & mask
        h = (h ^ (h >> 16)) * 0x85EBCA6B & mask
        h = (h ^ (h >> 13)) * 0xC2B2AE35 & mask
        values.append((h ^ (h >> 16)) >> 24)
    return numpy.array(values, dtype=numpy.uint8)


IMAGE = bytes_of(HEIGHT * WIDTH * 3).reshape(HEIGHT, WIDTH, 3)
PIXELS = IMAGE / 255


def by_channel(change):
    channels = [Image.fromarray(PIXELS[:, :, c].astype(numpy.float32), mode="F") for c in range(3)]
    return numpy.stack([numpy.asarray(change(channel)) for channel in channels], axis=2)


def resized(top, left, height, width, out_height, out_width):
    box = (left, top, left + width, top + height)
    return by_channel(lambda channel: channel.crop(box).resize((out_width, out_height), Image.Resampling.BILINEAR))


def affine(angle, right, down, scale, shear):
    """Inverse of: shear along x, turn, scale about the centre, then shift."""
    turn, lean = math.radians(angle), math.tan(math.radians(shear))
    forward = scale * numpy.array(
        [[math.cos(turn), -math.cos(turn) * lean - math.sin(turn)], [math.sin(turn), math.cos(turn) - math.sin(turn) * lean]]
    )
    inverse = numpy.linalg.inv(forward)
    centre = numpy.array([WIDTH / 2, HEIGHT / 2])
    offset = centre - inverse @ (centre + numpy.array([right, down]))
    (a, b), (d, e) = inverse
    data = (a, b, offset[0], d, e, offset[1])
    transform = lambda channel: channel.transform((WIDTH, HEIGHT), Image.Transform.AFFINE, data, Image.Resampling.NEAREST)
    return by_channel(transform)


GREY = PIXELS @ [0.299, 0.587, 0.114]


def blend(other, factor):
    return numpy.clip(factor * PIXELS + (1 - factor) * other, 0, 1)


def hue(turn):
    def change(pixel):
        h, s, v = colorsys.rgb_to_hsv(*pixel)
        return colorsys.hsv_to_rgb((h + turn) % 1, s, v)

    return numpy.array([[change(pixel) for pixel in row] for row in PIXELS])


def encoded(image, format, **options):
    target = io.BytesIO()
    image.save(target, format, **options)
    return target.getvalue()


def file(data, mode, tolerance):
    decoded = numpy.asarray(Image.open(io.BytesIO(data)).convert(mode))
    return {"data": data.hex(), "shape": list(decoded.shape), "pixels": decoded.ravel().tolist(), "tolerance": tolerance}


def smooth(mode="RGB"):
    rows, columns = numpy.mgrid[0:24, 0:32]
    channels = [rows * 8 + 20, columns * 6 + 30, 200 - rows * 3 - columns]
    return Image.fromarray(numpy.stack(channels, axis=2).astype(numpy.uint8)).convert(mode)


def files():
    colour, grey = smooth(), smooth("L")
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter turn clockwise
    deep = Image.fromarray((numpy.asarray(grey).astype(numpy.uint16) * 257))
    turned = encoded(colour, "JPEG", quality=95, subsampling=0, exif=exif)
    result = {
        "rgb.jpg": file(encoded(colour, "JPEG", quality=95, subsampling=0), "RGB", 3),
        "progressive.jpg": file(encoded(colour, "JPEG", quality=95, subsampling=0, progressive=True), "RGB", 3),
        "grey.jpg": file(encoded(grey, "JPEG", quality=95), "RGB", 2),
        "cmyk.jpg": file(encoded(smooth("CMYK"), "JPEG", quality=95, subsampling=0), "RGB", 5),
        "halved_chroma.jpg": file(encoded(colour, "JPEG", quality=95, subsampling=2), "RGB", 5),
        "lossless.webp": file(encoded(colour, "WEBP", lossless=True), "RGB", 0),
        "lossy.webp": file(encoded(colour, "WEBP", quality=90), "RGB", 6),
        "palette.png": file(encoded(colour.quantize(16), "PNG"), "RGB", 0),
        "stored.jpg": file(turned, "RGB", 3),
    }
    upright = Image.open(io.BytesIO(turned)).convert("RGB").transpose(Image.Transpose.ROTATE_270)
    pixels = numpy.asarray(upright)
    result["exif.jpg"] = {**result["stored.jpg"], "shape": list(pixels.shape), "pixels": pixels.ravel().tolist()}
    shown = numpy.repeat(numpy.asarray(grey)[:, :, None], 3, axis=2)
    data = encoded(deep, "PNG").hex()
    result["deep.png"] = {"data": data, "shape": list(shown.shape), "pixels": shown.ravel().tolist(), "tolerance": 0}
    return result


WINDOWS = [[0, 0, 13, 17, 13, 17], [0, 0, 13, 17, 5, 6], [0, 0, 13, 17, 29, 31], [2, 3, 7, 11, 8, 8], [5, 0, 1, 17, 3, 4], [0, 0, 13, 17, 1, 1]]
MOTIONS = [[5.0, 1.0, -2.0, 0.9, 5.0], [-37.0, 0.0, 3.0, 1.1, 0.0], [0.0, -4.0, 0.0, 1.0, -20.0]]


def main():
    rounded = lambda values: [round(float(value), 7) for value in numpy.asarray(values).ravel()]
    result = {
        "height": HEIGHT,
        "width": WIDTH,
        "image": IMAGE.ravel().tolist(),
        "resized": [{"window": window, "pixels": rounded(resized(*window))} for window in WINDOWS],
        "affine": [{"motion": motion, "pixels": rounded(affine(*motion))} for motion in MOTIONS],
        "brightness": {"factor": 1.3, "pixels": rounded(numpy.clip(PIXELS * 1.3, 0, 1))},
        "contrast": {"factor": 0.7, "pixels": rounded(blend(GREY.mean(), 0.7))},
        "saturation": {"factor": 1.3, "pixels": rounded(blend(GREY[:, :, None], 1.3))},
        "hue": {"factor": -0.2, "pixels": rounded(hue(-0.2))},
        "files": files(),
    }
    path = pathlib.Path(__file__).with_name("augment.json")
    path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(path.name, path.stat().st_size, "bytes")


main()
