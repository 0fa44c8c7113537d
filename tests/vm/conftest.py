# SPDX-License-Identifier: MIT
"""One boot serves all tests: two vivid cameras and a USB webcam in software."""

import pathlib
import platform
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

import clips  # noqa: E402
from guest import BUILD, ROOT, Guest, Site, Webcam  # noqa: E402

PROGRAMS = [BUILD / name for name in ("webcam-fcgi", "tests/vm/source_probe", "tests/vm/uvc-emu")]


def run(*command):
    return subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture(scope="session")
def kernel():
    """Whatever keeps the guest from booting here is no fault of the code: a skip that says what."""
    if platform.machine() != "x86_64":
        pytest.skip(f"the guest is x86_64 and runs this machine's programs: {platform.machine()}")
    if not shutil.which("qemu-system-x86_64"):
        pytest.skip("needs qemu-system-x86_64 (package qemu-system-x86)")
    fetch = run("tests/vm/vm-fetch-kernel")
    if fetch.returncode != 0:
        pytest.skip(f"no kernel for the guest: {fetch.stdout.strip()[-300:]}")


@pytest.fixture(scope="session")
def guest(kernel, tmp_path_factory):
    san = "" if BUILD.name == "build" else BUILD.name.replace("-", ",")
    make = run("make", *[str(program.relative_to(ROOT)) for program in PROGRAMS], f"SAN={san}")
    assert make.returncode == 0, make.stdout
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


FIGURES = BUILD / "vm" / "figures.txt"


def pytest_configure(config):
    config.vm_figures = []


def pytest_terminal_summary(terminalreporter, config):
    if config.vm_figures:
        terminalreporter.section("the camera's life, measured in the emulated guest")
        terminalreporter.write_line("\n".join(config.vm_figures))


@pytest.fixture(scope="session")
def figures(pytestconfig):
    """figures(line): for the end of the run, and for a file beside what was built."""
    yield pytestconfig.vm_figures.append
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text("".join(f"{line}\n" for line in pytestconfig.vm_figures))


@pytest.fixture(scope="module")
def by_id(guest, webcam):
    """The USB webcam's stable name, which udev would have made."""
    name = "/dev/v4l/by-id/usb-Lab_UVC_Test_Camera_0001-video-index0"
    guest.sh(f"mkdir -p {pathlib.Path(name).parent}; ln -sfn ../../video2 {name}")
    return name


@pytest.fixture(scope="module")
def usb(guest, by_id):
    one = Site(guest, "front", f"--device {by_id} --resolution 640x480 --idle-release 1")
    yield one
    one.stop()


@pytest.fixture(scope="module")
def vivid(guest):
    one = Site(guest, "back", "--device 0 --resolution 320x180 --fps 10 --idle-release 1")
    yield one
    one.stop()


@pytest.fixture
def site(guest):
    """site(options, name="front", …): a worker behind nginx, stopped after the test."""
    sites = []

    def start(options, name="front", runner=""):
        sites.append(Site(guest, name, options, runner))
        return sites[-1]

    yield start
    for one in sites:
        one.stop()
