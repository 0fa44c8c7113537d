# SPDX-License-Identifier: MIT
"""WEBCAM_BUILD=build/address-undefined runs the same tests against another build."""

import io
import os
import pathlib
import random
import shutil
import subprocess
import tempfile

import PIL.Image
import pytest

from stack import ROOT, Stack, Worker

BUILDS = {"build": "", "build/address-undefined": "address,undefined", "build/thread": "thread"}


@pytest.fixture(scope="session")
def program():
    """The worker: built, and copied, so that a build meanwhile disturbs nothing."""
    build = os.environ.get("WEBCAM_BUILD", "build").rstrip("/")
    if build in BUILDS:
        make = subprocess.run(
            ["make", "all", f"SAN={BUILDS[build]}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert make.returncode == 0, make.stdout
    directory = pathlib.Path(tempfile.mkdtemp(prefix="webcam-e2e-program."))
    yield shutil.copy2(ROOT / build / "webcam-fcgi", directory)
    shutil.rmtree(directory)


@pytest.fixture
def make_stack(program):
    """make_stack("--fps", 5, …): worker and nginx, up; a small test pattern unless told."""
    stacks = []

    def make(*arguments, device="pattern", start=True, address="127.0.0.1", **options):
        preset = ["--device", device, "--resolution", "320x240"]
        stacks.append(Stack(program, [*preset, *arguments], **options))
        return stacks[-1].start(address) if start else stacks[-1]

    yield make
    complaints = [c for stack in reversed(stacks) for c in stack.finish()]
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def stack(make_stack):
    return make_stack()


@pytest.fixture
def make_worker(program):
    """make_worker(arguments…): a worker alone, without nginx."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="webcam-e2e-worker."))
    workers = []

    def make(*arguments, **options):
        log = directory / f"{len(workers)}.log"
        workers.append(Worker(program, arguments, log, **options))
        return workers[-1]

    make.directory = directory
    yield make
    complaints = [c for worker in workers for c in worker.finish()]
    shutil.rmtree(directory)
    assert not complaints, "\n".join(complaints)


def noisy_jpeg(size, seed):
    """A picture that nothing can compress, so that a few of them fill any buffer."""
    noise = random.Random(seed).randbytes(size[0] * size[1])
    out = io.BytesIO()
    PIL.Image.frombytes("L", size, noise).convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


@pytest.fixture(scope="session")
def clips():
    """clips(bytes, count): an MJPEG file of so many pictures of about that size each."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="webcam-e2e-clips."))

    def make(size, count=10):
        path = directory / f"{size}-{count}.mjpeg"
        if not path.exists():
            side = max(16, int(size**0.5 * 1.08))
            path.write_bytes(b"".join(noisy_jpeg((side, side), seed) for seed in range(count)))
        return path

    yield make
    shutil.rmtree(directory)
