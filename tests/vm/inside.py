# SPDX-License-Identifier: MIT
"""What the agent does itself, because starting a process in the guest takes long."""

import http.client
import os
import socket
import stat
import time

VIDEO_MAJOR = 81


def _is_camera(path):
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) == VIDEO_MAJOR


def holds(pid):
    """How many descriptors of cameras a process has, and how many buffers of them it has mapped."""
    fds = f"/proc/{pid}/fd"
    with open(f"/proc/{pid}/maps") as maps:
        mapped = sum("/dev/video" in line for line in maps)
    return sum(_is_camera(f"{fds}/{fd}") for fd in os.listdir(fds)), mapped


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_s(pid):
    """Time that its threads have run."""
    tasks = f"/proc/{pid}/task"
    return sum(
        int(open(f"{tasks}/{task}/schedstat").read().split()[0]) for task in os.listdir(tasks)
    ) / 1e9


def fetch(port, path):
    """Status and body: for what is not for the network."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def first_picture_s(port):
    """From asking for the stream to the end of its first part: without the way out of the guest."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as stream, stream.makefile("rb") as lines:
        stream.sendall(b"GET /video_feed HTTP/1.0\r\n\r\n")
        size = next(line for line in lines if line.startswith(b"Content-Length:")).split()[1]
        while lines.readline() != b"\r\n":
            pass
        assert len(lines.read(int(size))) == int(size)
        return time.monotonic() - began


def tell(fifo, command):
    """When, by the guest's clock."""
    then = time.time()
    with open(fifo, "w") as control:
        control.write(f"{command}\n")
    return then


def set_mode(path, mode):
    """When, by the guest's clock."""
    then = time.time()
    os.chmod(path, mode)
    return then


def await_node(path, there):
    """When it was there, or gone, by the guest's clock."""
    while os.path.exists(path) != there:
        time.sleep(0.005)
    return time.time()


def contents(path):
    with open(path, errors="replace") as file:
        return file.read()
