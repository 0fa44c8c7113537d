# SPDX-License-Identifier: MIT
"""One boot serves all tests: two vivid cameras and a USB webcam in software."""

import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

import clips  # noqa: E402
from guest import BUILD, ROOT, Guest, Site, Webcam  # noqa: E402

PROGRAMS = ["build/webcam-fcgi", "build/tests/vm/source_probe", "build/tests/vm/uvc-emu"]


@pytest.fixture(scope="session")
def guest(tmp_path_factory):
    make = subprocess.run(["make", *PROGRAMS], cwd=ROOT, capture_output=True, text=True)
    assert make.returncode == 0, make.stdout + make.stderr
    guest = Guest(tmp_path_factory.mktemp("guest"))
    yield guest
    guest.stop()


@pytest.fixture(scope="session")
def clip():
    """The pictures of the webcam's first size, in order."""
    return clips.jpegs(64, 640, 480)


@pytest.fixture(scope="session")
def webcam(guest, clip):
    files = {
        "640x480.mjpeg": clip,
        "320x240.mjpeg": map(clips.without_tables, clips.jpegs(64, 320, 240)),
    }
    for name, pictures in files.items():
        (guest.share / name).write_bytes(b"".join(pictures))
    return Webcam(guest, [guest.share / name for name in files])


@pytest.fixture
def site(guest):
    """site(options, name="front"): a worker behind nginx, stopped after the test."""
    sites = []

    def start(options, name="front"):
        sites.append(Site(guest, name, options))
        return sites[-1]

    yield start
    for one in sites:
        one.stop()
