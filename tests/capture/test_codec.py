# SPDX-License-Identifier: MIT
"""What the encoder and jpeg_tidy make, read by other decoders: no warning, and the right picture."""

import pathlib
import subprocess
import warnings

import numpy
import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORMATS = ["YUYV", "UYVY", "NV12", "YU12", "GREY", "RGB3", "BGR3"]
SIZES = [(16, 16), (17, 33), (1, 1), (640, 480), (641, 479), (1280, 720), (4096, 2304)]


@pytest.fixture(scope="module")
def jpegs(tmp_path_factory):
    program = "build/tests/capture/write_jpegs"
    subprocess.run(["make", "-s", program], cwd=ROOT, check=True, timeout=300)
    directory = tmp_path_factory.mktemp("jpegs")
    subprocess.run([ROOT / program, directory], check=True, timeout=300)
    assert len(list(directory.iterdir())) == len(FORMATS) * len(SIZES) * 2 + 2
    return directory


def load(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Image.open(path) as image:
            image.load()
            return image


def ffmpeg_says(*paths):
    """Its warnings; without the one it has for any JPEG of a single 16x16 block, whoever made it."""
    inputs, maps = [], []
    for number, path in enumerate(paths):
        inputs += ["-i", path]
        maps += ["-map", str(number)]
    run = subprocess.run(
        ["ffmpeg", "-v", "warning", "-xerror", *inputs, *maps, "-f", "null", "-"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=True)
    one_block = max(load(paths[0]).size) <= 16
    return [line for line in run.stderr.splitlines()
            if not (one_block and line.endswith("EOI missing, emulating"))]


def expected(width, height):
    """The picture of tests/capture/pixels.h, R'G'B' from 0 to 255."""
    y, x = numpy.mgrid[0:height, 0:width]
    across, down = x / max(width, 64), y / max(height, 64)
    grain = 0.03 * ((x + 2 * y) % 4)
    colours = 0.1 + 0.7 * across, 0.8 - 0.7 * down, 0.2 + 0.6 * across * down
    return 255 * numpy.stack([colour + grain for colour in colours], axis=-1)


def psnr(a, b):
    return 10 * numpy.log10(255**2 / max(numpy.mean((a - b) ** 2), 1e-9))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "%dx%d" % size)
@pytest.mark.parametrize("fourcc", FORMATS)
def test_others_read_what_we_encode(jpegs, fourcc, size):
    wanted = expected(*size)
    if fourcc == "GREY":
        wanted = wanted @ (0.299, 0.587, 0.114)
    paths = list(jpegs.glob("%s-%dx%d-*.jpg" % (fourcc, *size)))
    assert len(paths) == 2
    for path in paths:
        image = load(path)
        assert image.size == size
        assert image.mode == ("L" if fourcc == "GREY" else "RGB")
        assert psnr(numpy.asarray(image, dtype=float), wanted) > 34, path.name
    assert ffmpeg_says(*paths) == []


@pytest.mark.parametrize("name", ["placeholder.jpg", "tidied.jpg"])
def test_others_read_the_placeholder_and_what_is_tidied(jpegs, name):
    assert load(jpegs / name).size == (640, 480)
    assert ffmpeg_says(jpegs / name) == []


def test_tables_put_in_are_the_right_ones(jpegs):
    assert load(jpegs / "tidied.jpg").tobytes() == load(jpegs / "placeholder.jpg").tobytes()
