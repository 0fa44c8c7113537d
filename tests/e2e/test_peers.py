# SPDX-License-Identifier: MIT
"""Nonsense from whoever reaches the worker's socket: it costs nobody else anything."""

import concurrent.futures
import contextlib
import os
import random
import resource
import socket
import struct
import threading
import time

import pytest

import fastcgi
from fastcgi import BEGIN, END, PARAMS, STDIN, STDOUT, Peer
from stack import SLOW, wait_for
from test_viewers import watched_all

BEGUN = fastcgi.record(BEGIN, struct.pack(">HB5x", 1, 0))
PATH = fastcgi.pairs({"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/healthz"})


@pytest.fixture
def path(stack):
    return stack.socket_path()


@contextlib.contextmanager
def unnoticed(stack):
    """A viewer watches meanwhile and sees (nearly) every picture."""

    def watch():
        while not over.is_set() or len(numbers) < 30:
            numbers.append(stream.part().seq)

    with stack.stream() as stream, concurrent.futures.ThreadPoolExecutor(1) as pool:
        numbers, over = [stream.part().seq], threading.Event()
        watcher = pool.submit(watch)
        try:
            yield
            assert stack.get("/healthz").status == 200
        finally:
            over.set()
        watcher.result()
    assert watched_all(numbers)


def test_a_polite_peer(path):
    with Peer(path) as peer:
        records, status, head, body = peer.ask("/healthz")
    assert (status, body) == (200, b"ok\n")
    assert [r.type for r in records][-1] == END
    assert records[-1].content == bytes(8)


HALVES = {
    "nothing": b"",
    "a byte": b"\x01",
    "half a header": BEGUN[:5],
    "a beginning": BEGUN,
    "half a parameter record": BEGUN + fastcgi.record(PARAMS, PATH)[:20],
    "parameters without an end": BEGUN + fastcgi.record(PARAMS, PATH),
    "no end of the body": BEGUN + fastcgi.stream_of(PARAMS, PATH),
    "half a body": BEGUN
    + fastcgi.stream_of(PARAMS, PATH + fastcgi.pairs({"CONTENT_LENGTH": "100"}))
    + fastcgi.record(STDIN, b"x" * 50),
}


def test_halves_are_waited_for_but_not_long(stack):
    with unnoticed(stack), contextlib.ExitStack() as held:
        peers = [held.enter_context(Peer(stack.socket_path())).send(h) for h in HALVES.values()]
        began = time.monotonic()
        for name, peer in zip(HALVES, peers):
            assert peer.closed_by_worker(), name
        assert 1.5 < time.monotonic() - began < 5 * SLOW


def test_a_request_in_little_pieces(path):
    whole = fastcgi.request("/healthz")
    with Peer(path) as peer:
        for at in range(0, len(whole), 2):
            peer.send(whole[at : at + 2])
        assert peer.answer()[1] == 200


GARBAGE = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": bytes.fromhex("1603010200010001fc0303") + bytes(100),
    "zeros": bytes(4096),
    "ones": b"\xff" * 4096,
    "another version": fastcgi.record(BEGIN, bytes(8), version=2),
    "parameters first": fastcgi.stream_of(PARAMS, PATH),
    "a short beginning": fastcgi.record(BEGIN, b"\x00\x01"),
    "request 0": fastcgi.request(number=0),
    "an authorizer": fastcgi.request(role=2),
    "a filter": fastcgi.request(role=3),
    "role 0": fastcgi.request(role=0),
    "two requests in one": BEGUN + fastcgi.record(BEGIN, struct.pack(">HB5x", 1, 0), 2),
    "parameters of another": BEGUN + fastcgi.stream_of(PARAMS, PATH, number=2),
    "a body before the parameters": BEGUN + fastcgi.record(STDIN, b"x"),
    "an abort": BEGUN + fastcgi.record(2),
    "a name longer than its record": BEGUN
    + fastcgi.stream_of(PARAMS, b"\xff\xff\xff\xff\xff\xff\xff\xff" + b"x" * 8)
    + fastcgi.record(STDIN),
    "a cut length": BEGUN + fastcgi.stream_of(PARAMS, b"\x80") + fastcgi.record(STDIN),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage(path, name):
    with Peer(path) as peer:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            peer.send(GARBAGE[name])
        # Closed, or refused with a proper answer; never waited for for ever.
        with contextlib.suppress(ConnectionResetError):
            _, status, _, _ = peer.answer()
            assert status in (None, 400, 404, 405)
    with Peer(path) as peer:
        assert peer.ask()[1] == 200


def test_much_random_garbage(stack):
    dice = random.Random(1)
    with unnoticed(stack):
        for _ in range(300):
            good = bytearray(fastcgi.request("/state", PAD="x" * dice.randrange(300)))
            for _ in range(dice.randrange(1, 6)):
                good[dice.randrange(len(good))] = dice.randrange(256)
            with Peer(stack.socket_path()) as peer:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    peer.send(bytes(good[: dice.randrange(1, len(good) + 1)]))


@pytest.mark.parametrize(
    "size, good", [(10_000, True), (30_000, True), (33_000, False), (400_000, False)]
)
@pytest.mark.parametrize("piece", [65528, 500])
def test_long_parameters(path, size, good, piece):
    with Peer(path) as peer:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            peer.send(fastcgi.request("/healthz", piece=piece, HTTP_COOKIE="x" * size))
        if good:
            assert peer.answer()[1] == 200
        else:
            assert peer.closed_by_worker()


def test_many_parameters(path):
    many = {f"HTTP_X_{i}": "y" for i in range(2000)}
    with Peer(path) as peer:
        assert peer.ask("/healthz", **many)[1] == 200


def test_another_request_id(path):
    """Not nginx's 1: every record of the answer carries the id that was asked with."""
    for number in (7, 255, 256, 65535):
        with Peer(path) as peer:
            records, status, _, _ = peer.ask("/state", number=number)
        assert status == 200
        assert {r.id for r in records} == {number}
        with Peer(path) as peer:
            peer.send(fastcgi.request("/video_feed", number=number, QUERY_STRING="frames=3"))
            records, status, _, body = peer.answer()
        assert status == 200
        assert {r.id for r in records} == {number}
        assert body.startswith(b"--frame\r\n") and body.endswith(b"\r\n--frame--\r\n")
        assert body.count(b"--frame\r\n") == 3
        assert [r.type for r in records[-2:]] == [STDOUT, END]
        assert records[-2].content == b""


def test_end_without_a_body(path):
    with Peer(path) as peer:
        records, status, _, _ = peer.ask("/snapshot", number=7)
    assert status == 200 and {r.id for r in records} == {7}


def test_keep_connection_is_not_kept(path):
    """Who asks for FCGI_KEEP_CONN may not hold the worker."""
    with Peer(path) as peer:
        assert peer.ask(flags=1)[1] == 200  # answer() has read up to the close


def test_five_thousand_silent_connections(stack):
    count = 5000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count + 200:
        pytest.skip(f"this process may have {hard} descriptors only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 200, hard))
    try:
        with unnoticed(stack), contextlib.ExitStack() as held:
            for i in range(count):
                held.enter_context(Peer(stack.socket_path()))
                if i % 500 == 0:
                    assert stack.get("/healthz").status == 200
            # The lobby has 256 seats.
            assert stack.metric("process_open_fds") < 256 + 40
            assert stack.get("/healthz").status == 200
        wait_for(lambda: stack.metric("process_open_fds") < 40)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_out_of_descriptors(make_stack):
    """A 503 rather than spinning; and all is well again when there are some."""
    stack = make_stack("--fps", 5, start=False)
    (stack.directory / "html").mkdir()
    stack.render(listen=f"127.0.0.1:{stack.port}")
    worker = stack.start_worker(prefix=["prlimit", "--nofile=40:40"])
    stack.start_nginx()
    stack.nginx.allowed.append("upstream")
    with contextlib.ExitStack() as held:
        full = None
        for _ in range(60):
            stream = held.enter_context(stack.stream()).begin()
            if stream.status != 200:
                full = stream
                break
        assert full is not None and full.status == 503
        assert int(full.headers["Retry-After"]) > 0
        assert stack.get("/healthz").status == 503
        before, began = cpu_seconds(worker.pid), time.monotonic()
        for _ in range(20):
            assert stack.get("/healthz").status == 503
            time.sleep(0.05)
        assert cpu_seconds(worker.pid) - before < 0.5 * (time.monotonic() - began)
        assert worker.log.count("raise the limit of open files") == 1
    wait_for(lambda: stack.get("/healthz").status == 200)
    with stack.stream() as stream:
        stream.parts(2)


def test_log_cannot_be_forged(stack, path):
    """A peer chooses every parameter, also those that the log shows."""
    forged = "10.0.0.1)\nwebcam-fcgi: forged line\r\n<3>forged\x1b[31m"
    with Peer(path) as peer:
        peer.ask("/video_feed", QUERY_STRING="frames=1", REMOTE_ADDR=forged, HTTP_USER_AGENT=forged)
    with Peer(path) as peer:
        peer.ask("/video_feed\nforged", REMOTE_ADDR=forged)
    wait_for(lambda: "viewer 1 " in stack.worker.log)
    for line in stack.worker.log.splitlines():
        assert not line.lstrip().startswith(("webcam-fcgi: forged", "forged", "<3>forged")), line
    assert "\x1b" not in stack.worker.log


def test_answer_cannot_be_split(make_stack):
    stack = make_stack("--allow-origin", "http://good.example")
    evil = "http://good.example\r\nX-Evil: 1"
    for method, target in (("POST", "/shutdown"), ("GET", "/state"), ("OPTIONS", "/shutdown")):
        with Peer(stack.socket_path()) as peer:
            host = "a\r\nX-Evil: 2"
            _, _, head, body = peer.ask(target, method, HTTP_ORIGIN=evil, HTTP_HOST=host)
        assert "X-Evil" not in head.replace("\r\n ", "")
        assert body.count(b"\n") <= 1


def test_stream_of_a_peer_that_stops_reading(stack, path):
    with unnoticed(stack), Peer(path) as peer:
        peer.send(fastcgi.request("/video_feed"))
        assert peer.record().content.startswith(b"Status: 200")
        wait_for(lambda: any(v["skipped"] > 5 for v in stack.clients().values()))
    wait_for(lambda: stack.state()["stream"]["clients"] == 0)


def test_half_closed_peer(path):
    """A peer that says it will send no more has left, as far as a stream is concerned."""
    with Peer(path) as peer:
        peer.send(fastcgi.request("/healthz"))
        peer.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert peer.answer()[1] in (200, None)
