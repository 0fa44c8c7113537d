# SPDX-License-Identifier: MIT
"""What systemd is told."""

import os
import signal
import socket
import time

import pytest
from stack import SLOW, wait_for


class Manager:
    """Listens where systemd would."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(20)
        self.path = str(path)

    def next(self):
        return self.socket.recv(4096).decode()

    def until(self, start):
        """The next message that begins so, and those before it."""
        told = []
        while not (message := self.next()).startswith(start):
            told.append(message)
        return message, told

    def flush(self):
        self.socket.settimeout(0)
        try:
            while True:
                self.socket.recv(4096)
        except BlockingIOError:
            self.socket.settimeout(20)


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.socket.close()


def test_ready_status_and_stopping(make_stack, manager):
    stack = make_stack("--idle-release", 0, environment={"NOTIFY_SOCKET": manager.path})
    assert manager.next() == "READY=1"
    assert manager.until("STATUS=Camera idle")[0] == "STATUS=Camera idle: nobody watches"
    with stack.stream() as stream:
        stream.pictures(2)
        status, _ = manager.until("STATUS=Camera live")
        assert "320x240 at 30 fps" in status
    manager.until("STATUS=Camera idle")
    assert stack.post("/shutdown").status == 200
    status, before = manager.until("STATUS=Camera released")
    assert "switched off" in status and not before
    stack.worker.signal(signal.SIGTERM)
    message, before = manager.until("STOPPING=1")
    assert not any(text.startswith("WATCHDOG") for text in before)


def test_the_watchdog_is_fed_while_idle_and_live(make_stack, manager):
    seconds = 1.2 * SLOW
    settings = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": str(int(seconds * 1e6))}
    stack = make_stack("--idle-release", 0, environment=settings)

    def fed(times):
        manager.flush()
        for _ in range(times):
            began = time.monotonic()
            manager.until("WATCHDOG=1")
            assert time.monotonic() - began < seconds

    fed(4)
    with stack.stream() as stream:
        stream.pictures(2)
        fed(4)
    assert stack.post("/shutdown").status == 200
    fed(4)


def test_without_a_watchdog_idle_threads_sleep(make_stack, manager):
    """Nobody watches: less than ten wake-ups a second of the whole worker."""
    stack = make_stack("--idle-release", 0, environment={"NOTIFY_SOCKET": manager.path})
    stack.wait_state("idle")

    def switches():
        tasks = f"/proc/{stack.worker.pid}/task"
        return sum(
            int(line.split()[1])
            for task in os.listdir(tasks)
            for line in open(f"{tasks}/{task}/status")
            if line.startswith("voluntary_ctxt_switches")
        )

    began, before = time.monotonic(), switches()
    wait_for(lambda: time.monotonic() - began >= 2, "two seconds")
    # A sanitizer has a thread of its own.
    assert (switches() - before) / (time.monotonic() - began) < 10 * SLOW
