# SPDX-License-Identifier: MIT
"""A Docker engine: the one that answers, else one of our own for this run."""

import pathlib
import subprocess
import tempfile

import pytest
from engine import docker, engine_answers, remove, start_engine, stop_engine

HERE = pathlib.Path(__file__).resolve().parent
BASE = "debian:bookworm-slim"


@pytest.fixture(scope="session")
def engine():
    folder, own = None, None
    if not engine_answers():
        folder = pathlib.Path(tempfile.mkdtemp(prefix="webcam-fcgi-docker.", dir="/var/tmp"))
        bridge = pathlib.Path("/sys/class/net/docker0").exists()
        try:
            own = start_engine(folder)
        except pytest.skip.Exception:
            remove(folder)
            raise
    had_base = bool(docker("images", "-q", BASE))
    if not had_base:
        docker_base = subprocess.run([HERE / "docker-base", BASE], capture_output=True, text=True)
        assert docker_base.returncode == 0, docker_base.stderr
    yield own
    if own:
        stop_engine(own)
        remove(folder)
        if not bridge:
            subprocess.run(["ip", "link", "delete", "docker0"], check=False)
    elif not had_base:
        # The stand-in must not stay under the public image's name.
        docker("rmi", BASE, check=False)
