# SPDX-License-Identifier: MIT
"""Pictures of an exact size: an MJPEG file of several different JPEGs, to be looped.

Almost all of each picture is entropy-coded noise (what a worker must walk through to find the
end); a comment segment makes up the rest, so every picture has the wanted number of bytes.
"""

import io
import sys

import numpy
from PIL import Image

COUNT = 8
SIZE = (1280, 720)
COMMENT_MIN = 4
COMMENT_MAX = 65535 + 2


def picture(seed, quality):
    """One JPEG: a gradient that moves with the seed, under noise."""
    rng = numpy.random.default_rng(seed)
    height, width = SIZE[1], SIZE[0]
    x = numpy.arange(width)[None, :, None] + 40 * seed
    y = numpy.arange(height)[:, None, None]
    base = numpy.concatenate([(x + y) % 256 * numpy.ones_like(x + y), (x + 0 * y) % 256, (y + 0 * x) % 256], axis=2)
    noise = rng.normal(0, 12, (height, width, 1))
    pixels = numpy.clip(base * 0.6 + 50 + noise, 0, 255).astype("uint8")
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()


def comments(size):
    """Comment segments of exactly size bytes in all."""
    parts = []
    while size > 0:
        length = min(size, COMMENT_MAX)
        if 0 < size - length < COMMENT_MIN:
            length -= COMMENT_MIN
        parts.append(b"\xff\xfe" + (length - 2).to_bytes(2, "big") + b" " * (length - 4))
        size -= length
    return b"".join(parts)


def best_quality(size):
    """The highest quality at which the first picture fits."""
    low, high = 1, 100
    while low < high:
        middle = (low + high + 1) // 2
        if len(picture(0, middle)) <= size - COMMENT_MIN:
            low = middle
        else:
            high = middle - 1
    return low


def padded(seed, size, quality):
    """The picture at that quality, or the next lower that fits, filled up to size."""
    for lower in range(quality, 0, -1):
        jpeg = picture(seed, lower)
        if len(jpeg) <= size - COMMENT_MIN:
            return jpeg[:2] + comments(size - len(jpeg)) + jpeg[2:]
    raise ValueError(f"no picture of {SIZE} fits {size} bytes")


def write(path, size):
    """Writes COUNT pictures of size bytes each."""
    quality = best_quality(size)
    pictures = [padded(seed, size, quality) for seed in range(COUNT)]
    for jpeg in pictures:
        assert len(jpeg) == size
        Image.open(io.BytesIO(jpeg)).load()
    with open(path, "wb") as file:
        file.write(b"".join(pictures))


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]))
