# SPDX-License-Identifier: MIT
"""A Docker engine of our own, and the docker command."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import time

import pytest


def docker(*arguments, check=True, **options):
    return subprocess.run(
        ["docker", *arguments],
        check=check,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    ).stdout.strip()


def engine_answers():
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def require_dockerd():
    if os.getuid() != 0:
        pytest.skip("no Docker engine answers, and only root can start one")
    if not shutil.which("dockerd"):
        pytest.skip("no Docker engine answers, and dockerd is not installed")


def start_engine(folder):
    """dockerd with everything it keeps in folder; or a skip with its last words."""
    os.environ["DOCKER_HOST"] = f"unix://{folder}/docker.sock"
    log = folder / "dockerd.log"
    engine = subprocess.Popen(
        [
            "dockerd",
            f"--data-root={folder}/data",
            f"--exec-root={folder}/exec",
            f"--pidfile={folder}/dockerd.pid",
            f"--host={os.environ['DOCKER_HOST']}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 60
    while not engine_answers():
        if engine.poll() is not None or time.monotonic() > deadline:
            stop_engine(engine)
            pytest.skip(f"dockerd cannot run here: {log.read_text().splitlines()[-1:]}")
        time.sleep(0.2)
    return engine


def stop_engine(engine):
    engine.terminate()
    engine.wait(60)
    del os.environ["DOCKER_HOST"]


def remove(folder):
    """A mount that dockerd left would be emptied with the folder: unmount first."""
    mounts = [line.split()[1] for line in open("/proc/mounts")]
    for mount in sorted((m for m in mounts if m.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", mount], check=False)
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def network_kept():
    """Puts back what dockerd changes on the host and leaves: rules, forwarding, its bridge."""
    forward = pathlib.Path("/proc/sys/net/ipv4/ip_forward")
    bridge = pathlib.Path("/sys/class/net/docker0")
    forwarding, had_bridge = forward.read_text(), bridge.exists()
    rules = [
        subprocess.run(["iptables-save", "-t", table], stdout=subprocess.PIPE).stdout
        for table in ("filter", "nat")
    ]
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run(["iptables-restore"], input=rule, check=False)
        forward.write_text(forwarding)
        if bridge.exists() and not had_bridge:
            subprocess.run(["ip", "link", "delete", "docker0"], check=False)
