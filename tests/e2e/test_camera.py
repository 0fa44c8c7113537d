# SPDX-License-Identifier: MIT
"""Snapshots; the camera switched off and on, idle, missing, and back again."""

import concurrent.futures
import contextlib
import json
import time

import pytest

import client
import fastcgi
from stack import SLOW, wait_for


def taken(answer):
    return float(answer.headers["X-Timestamp"])


# --- snapshots ---


@pytest.mark.parametrize(
    "path", ["/snapshot", "/snapshot.jpg", "/?action=snapshot", "/a/snapshot?123"]
)
def test_snapshot(make_stack, path):
    stack = make_stack("--warmup", 0)
    before = time.time()
    answer = stack.get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert answer.headers["Cache-Control"] == "no-store, no-cache, must-revalidate, max-age=0"
    assert int(answer.headers["X-Frame-Seq"]) >= 1
    assert answer.headers["X-Camera-State"] == "live"
    assert client.decode(answer.body).size == (320, 240)
    client.pattern_number(answer.body)
    # To the microsecond, cut off.
    assert before - 1e-6 <= taken(answer) <= time.time()


def test_snapshot_is_captured_after_the_request(make_stack):
    stack = make_stack("--fps", 2, "--warmup", 0)
    with stack.stream() as stream:
        for _ in range(3):
            newest = stream.pictures(1)[0]
            asked = time.time()
            old = stack.get("/snapshot?max_age=60000")
            assert time.time() - asked < 0.3 * SLOW
            assert int(old.headers["X-Frame-Seq"]) >= newest.seq
            assert stack.get("/snapshot?max_delay=60000").status == 200
            asked = time.time()
            assert taken(stack.get("/snapshot")) >= asked - 1e-6
    assert taken(old) < asked


@pytest.mark.parametrize("value", ["x", "-1", "1e3", "nan"])
@pytest.mark.parametrize("name", ["max_age", "max_delay"])
def test_snapshot_of_a_bad_age(stack, name, value):
    answer = stack.get(f"/snapshot?{name}={value}")
    assert answer.status == 400 and name.encode() in answer.body


def test_snapshot_wakes_the_camera_and_lets_it_settle(make_stack):
    stack = make_stack("--warmup", "0.7", "--idle-release", "0.2")
    assert stack.camera_state() == "idle"
    for opens in (1, 2):
        began = time.monotonic()
        assert stack.get("/snapshot").status == 200
        assert 0.7 <= time.monotonic() - began < 3 * SLOW
        assert stack.state()["camera"]["opens"] == opens
        stack.wait_state("idle")
    with stack.stream() as stream:  # already settled: no second wait
        stream.pictures(30)
        began = time.monotonic()
        assert stack.get("/snapshot").status == 200
        assert time.monotonic() - began < 0.5 * SLOW


def test_unsettled_snapshot_after_five_seconds(make_stack):
    stack = make_stack("--warmup", 5, "--fps", 10)
    began = time.monotonic()
    answer = stack.get("/snapshot")
    assert answer.status == 200
    assert 4.5 < time.monotonic() - began < 6 + SLOW


def test_no_snapshot_after_five_seconds(make_stack):
    stack = make_stack("--fps", "0.1", "--warmup", 0)
    with stack.stream() as stream:
        stream.part()
        began = time.monotonic()
        answer = stack.get("/snapshot")
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.body.count(b"\n") == 1
    assert 4.5 < time.monotonic() - began < 6 + SLOW


def test_snapshots_wait_for_64_at_most(make_stack):
    stack = make_stack("--fps", "0.1", "--max-viewers", 1)
    with contextlib.ExitStack() as held:
        stream = held.enter_context(stack.stream())
        stream.part()
        waiting = [held.enter_context(fastcgi.Peer(stack.socket_path())) for _ in range(64)]
        for peer in waiting:
            peer.send(fastcgi.request("/snapshot"))
        wait_for(lambda: stack.get("/snapshot?max_age=0").status == 503)
        # Who goes away makes room; all others are told when the camera is switched off.
        waiting.pop().close()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            one_more = pool.submit(lambda: stack.get("/snapshot"))
            with pytest.raises(concurrent.futures.TimeoutError):
                one_more.result(timeout=0.3)
            assert stack.state()["stream"]["clients"] == 1
            assert stack.post("/shutdown").status == 200
            assert one_more.result().status == 503
        for peer in waiting:
            assert peer.answer()[1] == 503


def test_snapshot_is_never_a_placeholder(make_stack):
    stack = make_stack(device="file:/nonexistent/clip.mjpeg")
    with stack.stream() as stream:
        stream.part()
        began = time.monotonic()
        answer = stack.get("/snapshot")
        assert time.monotonic() - began < 2 * SLOW
    assert answer.status == 503
    assert answer.headers["X-Camera-State"] == "no-device"
    assert b"nonexistent" in answer.body


# --- switched off and on ---


def test_shutdown_and_start(stack):
    chromium = stack.stream("/video_feed?advance_headers=1", in_advance=True)
    with stack.stream() as one, chromium as two:
        one.pictures(3)
        two.parts(3)
        answer = stack.post("/shutdown")
        assert (answer.status, answer.body) == (200, b"Capture released")
        assert answer.headers["X-Camera-State"] == "released"
        assert all(part.seq for part in one.rest())
        two.rest()
    assert stack.camera_state() == "released"
    assert stack.state()["camera"]["reason"]
    for path in ("/video_feed", "/snapshot"):
        refused = stack.get(path)
        assert refused.status == 503
        assert refused.headers["X-Camera-State"] == "released"
        assert refused.headers["Retry-After"] is None
        assert refused.body.count(b"\n") == 1
    assert stack.metric('webcam_viewers_ended_total{reason="shutdown"}') == 2

    again = stack.post("/shutdown")
    assert (again.status, again.body) == (200, b"Capture released")

    for _ in range(2):
        answer = stack.post("/start")
        assert (answer.status, answer.body) == (200, b"Capture started")
    assert stack.camera_state() == "idle"
    before = time.time()
    with stack.stream() as stream:
        assert stream.pictures(1)[0].timestamp >= before - 1e-6
        assert stack.post("/start").body == b"Capture started"
        stream.pictures(3)  # and it does not disturb who watches


def test_camera_stays_off(make_stack, tmp_path):
    """--state-dir: the switch outlives the worker."""
    stack = make_stack("--state-dir", tmp_path)
    assert stack.post("/shutdown").status == 200
    assert (tmp_path / "released").read_bytes() == b""
    stack.worker.stop()
    stack.start_worker()
    assert stack.camera_state() == "released"
    assert "POST /start" in stack.worker.log
    assert stack.get("/video_feed").status == 503
    assert stack.post("/start").status == 200
    assert not (tmp_path / "released").exists()
    stack.worker.stop()
    stack.start_worker()
    assert stack.camera_state() == "idle"


def test_state_dir_that_cannot_be_written(make_stack):
    stack = make_stack("--state-dir", "/nonexistent/directory")
    answer = stack.post("/shutdown")
    assert (answer.status, answer.body) == (200, b"Capture released")
    assert stack.camera_state() == "released"
    assert "restart" in stack.worker.log


def test_many_switch_at_once(stack):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        paths = ["/shutdown", "/start"] * 40
        answers = list(pool.map(stack.post, paths))
    for path, answer in zip(paths, answers):
        if answer.status == 503:  # a full queue
            assert answer.headers["Retry-After"] == "1"
        else:
            text = b"Capture released" if path == "/shutdown" else b"Capture started"
            assert (answer.status, answer.body) == (200, text)
    assert stack.post("/start").status == 200
    with stack.stream() as stream:
        stream.pictures(2)


# --- idle ---


def test_idle_release_and_wake(make_stack):
    stack = make_stack("--idle-release", "0.3")
    for opens in (1, 2, 3):
        before = time.time()
        with stack.stream() as stream:
            assert stream.pictures(2)[0].timestamp >= before - 1e-6, "an old picture after a wake"
            assert stack.camera_state() == "live"
        left = time.monotonic()
        stack.wait_state("idle")
        assert time.monotonic() - left > 0.25
        assert stack.state()["camera"]["opens"] == opens
        assert stack.metric("webcam_up") == 0
        assert stack.get("/readyz").status == 200


def test_stays_open_between_viewers(make_stack):
    stack = make_stack("--idle-release", "never")
    for _ in range(3):
        with stack.stream() as stream:
            stream.pictures(2)
    assert stack.state()["camera"]["opens"] == 1
    assert stack.camera_state() == "live"


# --- no picture ---


def missing(tmp_path):
    empty = tmp_path / "empty.mjpeg"
    empty.write_bytes(b"no picture in here")
    return {
        "/dev/video99": "no-device",
        "99": "no-device",
        "/dev/null": None,  # no camera; which of the states is the driver's choice
        "file:/nonexistent/clip.mjpeg": "no-device",
        f"file:{empty}": "error",
        f"file:{tmp_path}": "error",
        f"auto --dev-dir {tmp_path}": "no-device",
    }


@pytest.mark.parametrize("index", range(7))
def test_placeholder_says_why_there_is_no_picture(make_stack, tmp_path, index):
    device, state = list(missing(tmp_path).items())[index]
    device, *more = device.split()
    stack = make_stack(*more, device=device)
    with stack.stream("/video_feed?frames=2") as stream:
        parts = stream.parts(3)
        result = stack.state()
        camera = result["camera"]
        assert camera["state"] in ((state,) if state else ("no-device", "error"))
        assert camera["reason"] and camera["errors"] >= 1
        for part in parts:
            assert part.seq is None
            assert part.headers["X-Camera-State"] == camera["state"]
            # A line has a bound.
            shown = part.headers["X-Camera-Reason"]
            assert len(shown) > 20 and camera["reason"].startswith(shown)
            assert client.decode(part.body).size == (320, 240)
        times = [part.received for part in parts]
        # Each may reach a busy client late, and the next one then sooner.
        assert 0.8 < (times[-1] - times[0]) / (len(times) - 1) < 2, times
        (figures,) = result["stream"]["clients_stat"].values()
        assert figures["frames"] == 0 and result["source"]["captured_fps"] == 0
        assert stack.metric("webcam_placeholders_sent_total") >= 3
        for name in ("webcam_frames_sent_total", "webcam_frames_captured_total", "webcam_up"):
            assert stack.metric(name) == 0
        assert stack.metric(f'webcam_camera_errors_total{{reason="{camera["state"]}"}}') >= 1
        for path in ("/readyz", "/snapshot", "/video_feed?placeholder=0"):
            refused = stack.get(path)
            assert refused.status == 503, path
            assert refused.headers["X-Camera-State"] == camera["state"]
            assert int(refused.headers["Retry-After"]) > 0
            assert refused.body.decode() == camera["reason"] + "\n"
        assert stack.get("/healthz").status == 200


def test_missing_camera_is_told_without_viewers(make_stack):
    stack = make_stack(device="file:/nonexistent/clip.mjpeg")
    stack.wait_state("no-device")
    assert stack.get("/readyz").status == 503
    assert stack.worker.log.count("camera: no-device") == 1


def test_picture_comes_on_the_same_connection(make_stack, clips, tmp_path):
    path = tmp_path / "later.mjpeg"
    stack = make_stack("--dev-dir", tmp_path, device=f"file:{path}")
    with stack.stream() as stream:
        assert stream.part().headers["X-Camera-State"] == "no-device"
        ready = tmp_path / "ready"
        ready.write_bytes(clips(20_000).read_bytes())
        ready.rename(path)
        appeared = time.monotonic()
        parts = stream.pictures(5)
        assert parts[0].received - appeared < 5 * SLOW
        assert all(part.body in path.read_bytes() for part in parts)
        assert stack.camera_state() == "live"
        assert stack.get("/readyz").status == 200
        # The placeholder had the wanted size; from now on it would have the picture's.
        assert stack.state()["source"]["resolution"]["width"] == client.decode(parts[0].body).width


def test_test_pattern_stands_in(make_stack, tmp_path):
    stack = make_stack("--dev-dir", tmp_path, device="auto,pattern")
    with stack.stream() as stream:
        numbers = [client.pattern_number(part.body) for part in stream.pictures(10)]
        assert numbers == sorted(set(numbers))
        camera = stack.state()["camera"]
        assert (camera["state"], camera["driver"]) == ("no-device", "pattern")
        assert camera["reason"]
        assert stack.metric("webcam_up") == 0
        for path in ("/readyz", "/snapshot"):
            answer = stack.get(path)
            assert answer.status == 503
            assert answer.headers["X-Camera-State"] == "no-device"
        assert stack.state()["source"]["online"] is False
        stream.pictures(10)  # nothing of this disturbed it
    assert stack.post("/shutdown").status == 200
    assert stack.get("/video_feed").status == 503
    assert stack.post("/start").status == 200
    with stack.stream() as stream:
        stream.pictures(2)


def test_camera_comes_back_from_behind_the_stand_in(make_stack, clips, tmp_path):
    path = tmp_path / "later.mjpeg"
    stack = make_stack("--dev-dir", tmp_path, device=f"file:{path},pattern")
    with stack.stream() as stream:
        client.pattern_number(stream.pictures(1)[0].body)
        (tmp_path / "ready").write_bytes(clips(20_000).read_bytes())
        (tmp_path / "ready").rename(path)
        clip = path.read_bytes()
        deadline = time.monotonic() + 20
        while (part := stream.part()).body not in clip:
            assert time.monotonic() < deadline
        assert part.seq is not None
        camera = stack.state()["camera"]
    assert (camera["state"], camera["driver"], camera["reason"]) == ("live", "file", "")
    assert stack.get("/readyz").status == 200


def test_public_texts_name_no_address(make_stack):
    stack = make_stack(device="/dev/video99")
    stack.wait_state("no-device")
    assert "127.0.0.1" not in json.dumps(stack.state())
