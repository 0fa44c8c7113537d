# SPDX-License-Identifier: MIT
"""Compose with TLS and a password, two cameras, what is kept, and its settings."""

import contextlib
import os
import subprocess

import pytest
from compose import ROOT, free_port, wait_for
from engine import docker
from machine import secure

LOGIN = ["-u", "me:secret"]


# --- TLS and a password ---


@pytest.fixture(scope="module")
def tls(make_project, tmp_path_factory):
    """The override, with files as its head says to make them."""
    directory = tmp_path_factory.mktemp("tls")
    secure.make_certificate(directory)
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=b"secret\n", stdout=subprocess.PIPE
    ).stdout.decode()
    (directory / "htpasswd").write_text(f"me:{hashed}")
    for file in directory.iterdir():
        os.chown(file, 0, 4321)
        file.chmod(0o640)
    for folder in (directory, *list(directory.parents)[:2]):  # pytest's own, none above them
        folder.chmod(0o755)
    port = free_port()
    project = make_project(
        "tls",
        COMPOSE_FILE="docker-compose.yml:docker-compose.tls.yml",
        TLS_DIR=str(directory),
        TLS_GID="4321",
        TLS_PORT=str(port),
        WEBCAM_DEVICE="pattern",
    )
    project.base = f"https://{secure.NAME}:{port}"
    project.trust = ["--cacert", directory / "camera.crt"]
    project.trust += ["--connect-to", f"{secure.NAME}:{port}:127.0.0.1:{port}"]
    project.compose("up", "-d")
    wait_for(lambda: ask(project, "/state", *LOGIN), "nginx answers")
    return project


def ask(project, path, *arguments):
    return secure.curl(*project.trust, *arguments, project.base + path)


def test_nothing_without_the_password(tls):
    for path in ("/", "/state", "/snapshot", "/video_feed", "/controls"):
        assert ask(tls, path).status == 401, path
        assert ask(tls, path, "-u", "me:wrong").status == 401, path
    for path in ("/shutdown", "/start", "/controls"):
        assert ask(tls, path, "-X", "POST").status == 401, path
    for path in ("/metrics", "/healthz", "/readyz"):
        assert ask(tls, path, *LOGIN).status == 403, "not even with it from outside"


def test_everything_with_it(tls):
    assert b"<html" in ask(tls, "/", *LOGIN).body
    wait_for(lambda: ask(tls, "/snapshot", *LOGIN).status == 200, "a picture")
    for version in "--http1.1", "--http2":
        arguments = [*tls.trust, *LOGIN, version, tls.base + "/video_feed"]
        with contextlib.closing(secure.CurlStream(*arguments)) as stream:
            stream.pictures(5)
    evil = ["-H", "Origin: https://evil.example"]
    own = ["-H", f"Origin: {tls.base}"]
    for path in ("/shutdown", "/start"):
        assert ask(tls, path, *LOGIN, *evil, "-X", "POST").status == 403
        assert ask(tls, path, *LOGIN, *own, "-X", "POST").status == 200


def test_an_unknown_certificate_is_refused(tls):
    assert secure.curl(*tls.trust[2:], *LOGIN, tls.base + "/") is None


def test_the_plain_port_only_leads_there(tls):
    for path in ("/", "/snapshot", "/video_feed", "/shutdown", "/healthz", "/metrics"):
        answer, _ = tls.request("POST" if path == "/shutdown" else "GET", path)
        assert answer.status == 308, path
        port = tls.settings["TLS_PORT"]
        assert answer.headers["Location"] == f"https://127.0.0.1:{port}{path}"


def test_it_is_healthy(tls):
    for service in "worker", "nginx":
        wait_for(
            lambda: tls.inspect(service)["State"]["Health"]["Status"] == "healthy",
            f"{service} is healthy",
        )


# --- several cameras, what is kept ---


def test_two_cameras_are_two_projects(project, make_project):
    project.up(WEBCAM_DEVICE="pattern")
    other = make_project("back")
    other.up(WEBCAM_DEVICE="pattern")
    assert other.request("POST", "/shutdown")[1] == b"Capture released"
    assert other.state()["state"] == "released"
    assert project.request("GET", "/snapshot")[0].status == 200
    project.compose("stop")
    assert other.request("POST", "/start")[1] == b"Capture started"


def test_switched_off_is_kept(project):
    project.up(WEBCAM_DEVICE="pattern")
    assert project.request("POST", "/shutdown")[1] == b"Capture released"
    project.compose("down", "--timeout", "5")
    project.up(WEBCAM_DEVICE="pattern")
    assert project.state()["state"] == "released"
    assert project.request("POST", "/start")[1] == b"Capture started"
    assert project.request("GET", "/snapshot")[0].status == 200


# --- settings ---


def test_bind_and_port_and_group():
    settings = {"BIND": "0.0.0.0", "PORT": "8081", "VIDEO_GID": "4242"}
    shown = subprocess.run(
        ["docker-compose", "config"], cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE
    )
    assert shown.returncode == 0
    assert b"0.0.0.0:8081:8080" in shown.stdout and b"- '4242'" in shown.stdout


def test_the_cameras_group_reaches_the_worker(project):
    project.up(VIDEO_GID="4242")
    groups = docker("exec", project.inspect("worker")["Id"], "id", "-G").split()
    assert groups == ["10000", "4242"]
