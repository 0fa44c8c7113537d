# SPDX-License-Identifier: MIT
"""A Docker engine: the one that answers, else one of our own for this run."""

import contextlib
import pathlib
import subprocess
import tempfile

import pytest
from compose import Project
from engine import (
    docker,
    engine_answers,
    network_kept,
    remove,
    require_dockerd,
    start_engine,
    stop_engine,
)

HERE = pathlib.Path(__file__).resolve().parent
BASE = "debian:bookworm-slim"


@contextlib.contextmanager
def own_engine():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="webcam-fcgi-docker.", dir="/var/tmp"))
    try:
        engine = start_engine(folder)
        try:
            yield
        finally:
            stop_engine(engine)
    finally:
        remove(folder)


@contextlib.contextmanager
def base_image():
    """The stand-in, which must not stay in somebody's engine under the public name."""
    had_it = bool(docker("images", "-q", BASE))
    if not had_it:
        run = subprocess.run([HERE / "docker-base", BASE], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
    try:
        yield
    finally:
        if not had_it:
            docker("rmi", BASE, check=False)


@pytest.fixture(scope="session")
def engine():
    if engine_answers():
        with base_image():
            yield
    else:
        require_dockerd()
        with network_kept(), own_engine(), base_image():
            yield


@pytest.fixture(scope="session")
def make_project(engine):
    """make_project(suffix, settings…): with its images built, and removed at the end."""
    projects = []

    def make(*arguments, **settings):
        projects.append(Project(*arguments, **settings))
        projects[-1].compose("build")
        return projects[-1]

    yield make
    for project in projects:
        project.compose("down", "--volumes", "--rmi", "local", "--timeout", "5")


@pytest.fixture(scope="session")
def project(make_project):
    return make_project()
