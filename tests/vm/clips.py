# SPDX-License-Identifier: MIT
"""MJPEG clips for the webcam in software, every picture numbered."""

import io

import PIL.Image
import PIL.ImageDraw


def draw(number, width, height):
    """A picture that carries its number as client.pattern_number() reads it."""
    image = PIL.Image.new("RGB", (width, height), (40, 90, 160))
    pen = PIL.ImageDraw.Draw(image)
    x = number * 7 % width
    pen.ellipse((x - 40, height // 3 - 40, x + 40, height // 3 + 40), fill=(230, 200, 60))
    for cell in range(32):
        black_or_white = 255 if number >> (31 - cell) & 1 else 0
        box = (cell * width // 32, height - height // 12, (cell + 1) * width // 32 - 1, height)
        pen.rectangle(box, fill=(black_or_white,) * 3)
    return image


def jpegs(count, width, height):
    found = []
    for number in range(count):
        file = io.BytesIO()
        draw(number, width, height).save(file, "JPEG", quality=85)
        found.append(file.getvalue())
    return found


def without_tables(jpeg):
    """The same without its Huffman tables, as many webcams send it."""
    kept, at = jpeg[:2], 2
    while jpeg[at + 1] != 0xDA:
        size = 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] != 0xC4:
            kept += jpeg[at : at + size]
        at += size
    return kept + jpeg[at:]
