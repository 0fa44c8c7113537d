# SPDX-License-Identifier: MIT
"""Start, stop, restart; the worker's own socket and those that it inherits."""

import contextlib
import grp
import os
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

import fastcgi
from stack import SLOW, free_port, wait_for, worker_environment
from test_viewers import CUT, stuck_viewer

PATTERN = ("--device", "pattern", "--resolution", "320x240")


def asks(path):
    """The status that /healthz has on that socket."""
    with fastcgi.Peer(path) as peer:
        return peer.ask()[1]


# --- stop ---


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_with_open_streams(make_stack, clips, number):
    stack = make_stack(device=f"file:{clips(400_000)}")
    stack.nginx.allowed.append(CUT)
    with contextlib.ExitStack() as held:
        fine = [held.enter_context(stack.stream()) for _ in range(5)]
        held.enter_context(stuck_viewer(stack))
        wait_for(lambda: any(v["skipped"] > 5 for v in stack.clients().values()))
        for stream in fine:
            stream.pictures(2)
        ends = [threading.Thread(target=stream.rest) for stream in fine]
        for end in ends:
            end.start()
        began = time.monotonic()
        stack.worker.signal(number)
        assert stack.worker.wait() == 0
        assert time.monotonic() - began < 1 + (0 if SLOW == 1 else 3)
        for end in ends:
            end.join(20)
            assert not end.is_alive()
        assert all(stream.multipart.ended for stream in fine), "no closing tail"
    assert not stack.socket_path().exists()
    assert stack.worker.log.rstrip().endswith("stopped")


def test_stop_in_every_state(make_stack):
    """Idle, released, missing, with a snapshot waiting: exit 0 within a second."""
    for device, prepare in (
        ("pattern", lambda s: None),
        ("pattern", lambda s: s.post("/shutdown")),
        ("file:/nonexistent", lambda s: s.stream().part()),
        ("pattern", lambda s: fastcgi.Peer(s.socket_path()).send(fastcgi.request("/snapshot"))),
    ):
        stack = make_stack(device=device)
        stack.nginx.allowed.append(CUT)
        held = prepare(stack)
        began = time.monotonic()
        assert stack.worker.stop() == 0
        assert time.monotonic() - began < 1 + (0 if SLOW == 1 else 3), device
        del held


def test_hangup_without_a_terminal_is_ignored(stack):
    stack.worker.signal(signal.SIGHUP)
    with stack.stream() as stream:
        stream.pictures(5)
    assert stack.worker.running()


# --- restarts ---


def test_nginx_restarted(stack):
    stream = stack.stream()
    stream.pictures(2)
    assert stack.nginx.stop() == 0
    wait_for(lambda: "it left" in stack.worker.log)
    stream.close()
    stack.start_nginx()
    assert stack.state()["stream"]["clients"] == 0
    with stack.stream() as stream:
        stream.pictures(2)


def test_nginx_reloaded(stack):
    with stack.stream() as stream:
        stream.pictures(2)
        stack.nginx.signal(signal.SIGHUP)
        stream.pictures(10)
        assert stack.get("/healthz").status == 200


def test_worker_killed_and_started_again(stack):
    stack.nginx.allowed += [CUT, r"connect\(\) to unix:.*refused"]
    with stack.stream() as stream:
        stream.pictures(2)
        stack.worker.expected_status = -signal.SIGKILL
        stack.worker.kill()
        with pytest.raises(AssertionError, match="cut off"):
            stream.pictures(1000)
    assert stack.socket_path().exists()
    assert stack.get("/state").status == 502
    stack.start_worker()
    with stack.stream() as stream:
        stream.pictures(2)


# --- the socket of its own ---


def refused(make_worker, *arguments, status=1, **options):
    """The one line that a worker which will not run says."""
    worker = make_worker(*arguments, **options)
    worker.expected_status = status
    assert worker.wait(20) == status
    lines = worker.log.splitlines()
    assert len(lines) == 1, worker.log
    return lines[0]


def test_does_not_steal_a_live_socket(make_worker):
    path = make_worker.directory / "w.sock"
    make_worker(*PATTERN, "--listen", f"unix:{path}").wait_up()
    line = refused(make_worker, *PATTERN, "--listen", f"unix:{path}")
    assert str(path) in line and "another program listens" in line
    assert asks(path) == 200


def test_replaces_a_dead_socket(make_worker):
    path = make_worker.directory / "w.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    make_worker(*PATTERN, "--listen", f"unix:{path}").wait_up()
    assert asks(path) == 200


def test_two_start_at_once(make_worker):
    path = make_worker.directory / "w.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    workers = [make_worker(*PATTERN, "--listen", f"unix:{path}") for _ in range(4)]
    wait_for(lambda: sum(w.running() for w in workers) == 1)
    (winner,) = [w for w in workers if w.running()]
    for worker in workers:
        if worker is not winner:
            worker.expected_status = 1
    winner.wait_up()
    assert asks(path) == 200


@pytest.mark.parametrize(
    "listen, message",
    [
        ("unix:{d}/file", "is no socket"),
        ("unix:{d}", "is no socket"),
        ("unix:{d}/missing/w.sock", "its directory must exist"),
        ("unix:{d}/" + "x" * 120, "path"),
        ("tcp:127.0.0.1:{taken}", "Address already in use"),
        ("tcp:192.0.2.1:9000", "Cannot assign"),
    ],
)
def test_cannot_listen(make_worker, listen, message):
    (make_worker.directory / "file").write_text("precious")
    with socket.create_server(("127.0.0.1", 0)) as server:
        listen = listen.format(d=make_worker.directory, taken=server.getsockname()[1])
        line = refused(make_worker, *PATTERN, "--listen", listen)
    assert message in line and listen.partition(":")[2] in line
    assert (make_worker.directory / "file").read_text() == "precious"


def test_socket_mode_and_group(make_worker):
    path = make_worker.directory / "w.sock"
    worker = make_worker(*PATTERN, "--listen", f"unix:{path}").wait_up()
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert str(path) in worker.log and "660" in worker.log
    assert worker.stop() == 0 and not path.exists()

    group = grp.getgrnam("www-data") if os.getuid() == 0 else grp.getgrgid(os.getgid())
    for name in (group.gr_name, group.gr_gid):
        worker = make_worker(
            *PATTERN, "--listen", f"unix:{path}", "--socket-mode", "0600", "--socket-group", name
        ).wait_up()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_gid == group.gr_gid
        assert worker.stop() == 0


def test_leaves_the_socket_of_a_successor(make_worker):
    """Unlinks only what it has bound itself."""
    path = make_worker.directory / "w.sock"
    first = make_worker(*PATTERN, "--listen", f"unix:{path}").wait_up()
    path.unlink()
    make_worker(*PATTERN, "--listen", f"unix:{path}").wait_up()
    assert first.stop() == 0
    assert asks(path) == 200


def test_tcp(make_worker):
    port = free_port()
    worker = make_worker(*PATTERN, "--listen", f"tcp:127.0.0.1:{port}").wait_up()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        peer.sendall(fastcgi.request())
        answer = b""
        while data := peer.recv(65536):
            answer += data
    assert b"Status: 200" in answer
    # A port is free again at once.
    assert worker.stop() == 0
    make_worker(*PATTERN, "--listen", f"tcp:127.0.0.1:{port}").wait_up()


# --- an inherited socket ---


@pytest.fixture
def parents_socket(make_worker):
    path = make_worker.directory / "parent.sock"
    with socket.socket(socket.AF_UNIX) as parent:
        parent.bind(str(path))
        parent.listen(64)
        yield parent, path


def assert_parent_keeps_its_socket(parents_socket, start):
    """What waits while no worker runs is answered by the next one."""
    _, path = parents_socket
    for _ in range(2):
        with fastcgi.Peer(path) as early:
            early.send(fastcgi.request())
            worker = start()
            assert early.answer()[1] == 200
        with fastcgi.Peer(path) as viewer:
            viewer.send(fastcgi.request("/video_feed"))
            assert viewer.record().content.startswith(b"Status: 200")
            assert worker.stop() == 0
            while viewer.record() is not None:
                pass
        assert path.exists()


def test_socket_inherited_as_descriptor_0(make_worker, parents_socket):
    assert_parent_keeps_its_socket(
        parents_socket, lambda: make_worker(*PATTERN, stdin=parents_socket[0]).wait_up()
    )


def listen_fds(number, count=1):
    """A shell that passes its descriptor `number` on as systemd would."""
    script = f'export LISTEN_FDS={count} LISTEN_PID=$$; exec "$@" 3<&{number} 4<&{number}'
    return ["bash", "-c", script, "bash"]


def test_socket_inherited_by_listen_fds(make_worker, parents_socket):
    number = parents_socket[0].fileno()
    assert_parent_keeps_its_socket(
        parents_socket,
        lambda: make_worker(*PATTERN, prefix=listen_fds(number), pass_fds=[number]).wait_up(),
    )


def test_listen_beats_an_inherited_socket(make_worker, parents_socket):
    path = make_worker.directory / "own.sock"
    make_worker(*PATTERN, "--listen", f"unix:{path}", stdin=parents_socket[0]).wait_up()
    assert asks(path) == 200


def test_listen_fds_that_are_no_use(make_worker, parents_socket):
    with open(os.devnull) as null:
        number = null.fileno()
        line = refused(make_worker, *PATTERN, prefix=listen_fds(number), pass_fds=[number])
        assert "LISTEN_FDS" in line
    number = parents_socket[0].fileno()
    line = refused(make_worker, *PATTERN, prefix=listen_fds(number, 2), pass_fds=[number])
    assert "LISTEN_FDS" in line


def test_spawn_fcgi(program, make_worker):
    path = make_worker.directory / "spawned.sock"
    log = make_worker.directory / "spawned.log"
    with open(log, "wb") as stderr:
        worker = subprocess.Popen(
            ["spawn-fcgi", "-n", "-s", path, "--", program, *PATTERN],
            stderr=stderr,
            stdout=subprocess.DEVNULL,
            env=worker_environment(),
        )
    try:
        wait_for(lambda: "listens on" in log.read_text() or worker.poll() is not None)
        assert "inherited as fd 0" in log.read_text()
        assert asks(path) == 200
        worker.terminate()
        assert worker.wait(20) == 0
        assert path.exists(), "it is spawn-fcgi's"
    finally:
        worker.kill()
        worker.wait()
