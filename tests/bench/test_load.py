# SPDX-License-Identifier: MIT
"""The load client's judgement: a bench is worth what its client notices."""

import contextlib
import json
import pathlib
import socket
import subprocess
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
PICTURE = b"\xff\xd8" + b"x" * 5000 + b"\xff\xd9"
VIEWERS = 3


@pytest.fixture(scope="module")
def load():
    program = "build/tests/bench/load"
    subprocess.run(["make", "-s", program], cwd=ROOT, check=True, timeout=300)
    return ROOT / program


def part(seq, picture=PICTURE, length=None, age=0.0):
    number = "" if seq is None else f"X-Frame-Seq: {seq}\r\n"
    head = (f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {length or len(picture)}\r\n"
            f"X-Timestamp: {time.time() - age:.6f}\r\n{number}\r\n")
    return head.encode() + picture + b"\r\n"


def serve(connection, pieces):
    """One viewer's stream, split at every piece; the connection stays until the viewer leaves."""
    with connection, contextlib.suppress(ConnectionError):
        connection.recv(4096)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.001)  # so that pieces arrive one by one: this is the input, not a wait
        while connection.recv(4096):
            pass


def watch(load, make_pieces):
    """What the client reports of VIEWERS viewers of that stream."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        client = subprocess.Popen([load, "-v", str(VIEWERS), "-s", "1", "-w", "0", "-p", "10", "127.0.0.1", port, "/x"],
                                  stdout=subprocess.PIPE, text=True)
        viewers = [server.accept()[0] for _ in range(VIEWERS)]
        go = threading.Event()
        threads = [threading.Thread(target=serve, args=(v, waiting(make_pieces(), go))) for v in viewers]
        for thread in threads:
            thread.start()
        assert client.stdout.readline() == "begin\n"
        go.set()
        output = client.communicate(timeout=20)[0].splitlines()
        for thread in threads:
            thread.join(10)
    assert client.returncode == 0 and output[0] == "end"
    return json.loads(output[1])


def waiting(pieces, go):
    """The answer and the first part make a viewer count as started; the rest is measured."""
    yield ANSWER + part(1)
    go.wait(20)
    yield from pieces


def test_counts_whole_parts_however_they_are_cut(load):
    stream = b"".join(part(seq) for seq in range(2, 12))
    figures = watch(load, lambda: [stream[at:at + 777] for at in range(0, len(stream), 777)])
    assert (figures["started"], figures["frames"], figures["bad_parts"]) == (VIEWERS, 10 * VIEWERS, 0)
    assert (figures["skipped"], figures["repeats"], figures["disorder"], figures["ended"]) == (0, 0, 0, 0)
    assert figures["fps"]["min"] == figures["fps"]["max"] == pytest.approx(10, rel=0.2)


def test_reads_tiny_parts_that_come_together(load):
    figures = watch(load, lambda: [b"".join(part(seq, b"\xff\xd8\xff\xd9") for seq in range(2, 40))])
    assert (figures["frames"], figures["bad_parts"]) == (38 * VIEWERS, 0)


def test_counts_skipped_repeated_and_disordered_parts(load):
    figures = watch(load, lambda: [part(2), part(5), part(5), part(4)])
    assert (figures["skipped"], figures["repeats"], figures["disorder"]) == (2 * VIEWERS, VIEWERS, VIEWERS)


def test_a_placeholder_is_no_frame(load):
    figures = watch(load, lambda: [part(2), part(None), part(3)])
    assert (figures["frames"], figures["placeholders"]) == (2 * VIEWERS, VIEWERS)


@pytest.mark.parametrize("picture", [b"\x00" + PICTURE[1:], PICTURE[:-1] + b"\x00"])
def test_sees_a_picture_without_its_ends(load, picture):
    assert watch(load, lambda: [part(2), part(3, picture)])["bad_parts"] == VIEWERS


def test_a_wrong_length_ends_the_viewer(load):
    figures = watch(load, lambda: [part(2), part(3, length=len(PICTURE) - 7), part(4)])
    assert (figures["frames"], figures["ended"]) == (VIEWERS, VIEWERS)


def test_delay_is_the_age_of_the_picture(load):
    delay = watch(load, lambda: [part(2, age=4.0), part(3, age=4.0)])["delay_ms"]
    assert 4000 <= delay["p50"] <= delay["p99"] < 6000


def test_a_refusal_is_no_viewer(load):
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = subprocess.Popen([load, "-s", "0.1", "-w", "0", "127.0.0.1", str(server.getsockname()[1]), "/x"],
                                  stdout=subprocess.PIPE, text=True)
        with server.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        figures = json.loads(client.communicate(timeout=20)[0].splitlines()[-1])
    assert (figures["started"], figures["ended"], figures["frames"]) == (0, 1, 0)
