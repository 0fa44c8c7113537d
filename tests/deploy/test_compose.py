# SPDX-License-Identifier: MIT
"""docker-compose.yml, built and run: without a camera, with a picture, and its limits."""

import io
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import time

import PIL.Image
import pytest
from compose import ROOT, next_part, wait_for
from engine import docker

NODE = pathlib.Path("/dev/video77")


def test_without_a_camera(project):
    """Up, with a page and a picture that says why there is none."""
    if list(pathlib.Path("/dev").glob("video*")):
        pytest.skip("there is a camera here")
    project.up()
    answer, page = project.request("GET", "/")
    assert answer.status == 200 and b"<html" in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert project.state()["state"] == "no-device"
    with project.stream() as stream:
        headers, body = next_part(stream)
        assert headers["X-Camera-State"] == "no-device"
        PIL.Image.open(io.BytesIO(body)).load()


def test_healthy_without_a_camera(project):
    project.up()
    for service in "worker", "nginx":
        wait_for(
            lambda: project.inspect(service)["State"]["Health"]["Status"] == "healthy",
            f"{service} is healthy",
        )


def test_camera_plugged_in_later(project):
    """The node reaches the worker with the right to open it; what it lacks is a driver (ENXIO)."""
    if os.getuid() != 0 or NODE.exists():
        pytest.skip("needs root, to make a device node")
    project.up()
    worker = project.inspect("worker")["Id"]
    try:
        os.mknod(NODE, 0o660 | stat.S_IFCHR, os.makedev(81, 77))
        os.chown(NODE, 0, 44)
        said = docker("exec", worker, "dd", "if=/hostdev/video77", "count=1", check=False)
        assert "No such device or address" in said
    finally:
        NODE.unlink(missing_ok=True)


def test_only_cameras_and_nothing_writable(project):
    project.up()
    worker = project.inspect("worker")["Id"]
    for command in (
        "touch /hostdev/shm/x",
        "touch /hostdev/x",
        "touch /x",
        "dd if=/hostdev/kmsg count=1",
    ):
        said = docker("exec", worker, "sh", "-c", f"{command} 2>/dev/null || echo refused")
        assert said == "refused", command


def test_confined(project):
    project.up()
    for service, user in ("worker", "10001:10000"), ("nginx", "10002:10000"):
        container = project.inspect(service)
        host = container["HostConfig"]
        assert container["Config"]["User"] == user
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert not host["Privileged"]
    assert project.inspect("worker")["HostConfig"]["NetworkMode"] == "none"
    (published,) = project.inspect("nginx")["NetworkSettings"]["Ports"]["8080/tcp"]
    assert published["HostIp"] == "127.0.0.1"


def test_pictures_move_and_the_switch_works(project):
    project.up(WEBCAM_DEVICE="pattern")
    with project.stream() as stream:
        numbers = []
        for _ in range(10):
            headers, body = next_part(stream)
            PIL.Image.open(io.BytesIO(body)).load()
            numbers.append(int(headers["X-Frame-Seq"]))
        assert numbers == sorted(set(numbers))
    answer, body = project.request("POST", "/shutdown")
    assert (answer.status, body) == (200, b"Capture released")
    assert project.state()["state"] == "released"
    answer, body = project.request("POST", "/start")
    assert (answer.status, body) == (200, b"Capture started")


def test_killed_worker_comes_back(project):
    project.up(WEBCAM_DEVICE="pattern")
    pid = project.inspect("worker")["State"]["Pid"]
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pytest.skip("the engine's processes are not ours to kill")
    wait_for(
        lambda: project.inspect("worker")["State"]["Pid"] not in (0, pid) and project.answers(),
        "the worker is back",
    )


def test_stops_with_an_open_stream(project):
    project.up(WEBCAM_DEVICE="pattern")
    with project.stream() as stream:
        next_part(stream)
        began = time.monotonic()
        project.compose("stop")
        assert time.monotonic() - began < 8, "somebody had to be killed after 10 s"
    assert project.inspect("worker")["State"]["ExitCode"] == 0
    assert project.inspect("nginx")["State"]["ExitCode"] == 0


@pytest.mark.parametrize("control, start", [("", " 403 "), ("on", " 502 ")])
def test_published_to_the_network_is_for_watching(project, control, start):
    """BIND as the nginx container sees it; 502: it would have asked a worker."""
    image = project.inspect("nginx")["Image"]
    options = ["--rm", "-d", "--network=none", "--read-only", "--tmpfs=/tmp"]
    container = docker("run", *options, "-e", "BIND=0.0.0.0", "-e", f"CONTROL={control}", image)
    post = "printf 'POST /start HTTP/1.0\\r\\n\\r\\n' >&3"
    ask = f"exec 3<>/dev/tcp/127.0.0.1/8080 && {post} && head -n1 <&3"

    def first_line():
        said = docker("exec", container, "bash", "-c", ask, check=False)
        return said if "HTTP/" in said else None

    try:
        assert start in wait_for(first_line, "nginx answers")
    finally:
        docker("kill", container)


def test_compose_v2_reads_it():
    if not shutil.which("docker") or subprocess.run(
        ["docker", "compose", "version"], capture_output=True
    ).returncode:
        pytest.skip("Compose v2 is not installed (it is not in Debian 12)")
    run = subprocess.run(
        ["docker", "compose", "config", "-q"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0 and not run.stderr, run.stderr
