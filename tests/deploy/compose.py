# SPDX-License-Identifier: MIT
"""A compose project of ours: built once for all tests, its containers told apart by its name."""

import contextlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import time

from engine import docker

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def wait_for(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return value


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Project:
    """With settings of its own beside those of a call."""

    def __init__(self, suffix="", **settings):
        self.port = free_port()
        self.name = f"webcamtest{os.getpid()}{suffix}"
        self.settings = {"PORT": str(self.port)} | settings

    def compose(self, *arguments, **settings):
        run = subprocess.run(
            ["docker-compose", "-p", self.name, *arguments],
            cwd=ROOT,
            env=os.environ | self.settings | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert run.returncode == 0, "\n".join(run.stdout.splitlines()[-40:])

    def up(self, **settings):
        self.compose("up", "-d", **settings)
        wait_for(self.answers, "the page answers")

    def answers(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/state")[0].status == 200

    def request(self, method, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path)
        answer = connection.getresponse()
        return answer, answer.read()

    def state(self):
        return json.loads(self.request("GET", "/state")[1])["result"]["camera"]

    def inspect(self, service):
        """The container of a service, also a stopped one."""
        label = f"label=com.docker.compose.project={self.name}"
        of_service = f"label=com.docker.compose.service={service}"
        identity = docker("ps", "-aq", "--filter", label, "--filter", of_service)
        return json.loads(docker("inspect", identity))[0]

    @contextlib.contextmanager
    def stream(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", "/video_feed")
        answer = connection.getresponse()
        assert answer.status == 200
        yield answer
        connection.close()


def next_part(stream):
    """(headers, body) of the next part."""
    assert stream.readline() == b"--frame\r\n"
    headers = http.client.parse_headers(stream)
    body = stream.read(int(headers["Content-Length"]))
    assert stream.readline() == b"\r\n"
    return headers, body
