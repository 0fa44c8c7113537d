# SPDX-License-Identifier: MIT
"""Every route: methods, refusals, HEAD, and what the status routes say."""

import json
import re
import shutil
import subprocess
import time

import pytest

import client
import fastcgi
from stack import wait_for

READ = ["/video_feed", "/snapshot", "/state", "/metrics", "/healthz", "/readyz"]
POST = ["/shutdown", "/start"]
STATES = "idle starting live released no-device busy denied stalled error".split()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def one_line(answer):
    assert answer.headers["Content-Type"].startswith("text/plain")
    text = answer.body.decode()
    assert text.endswith("\n") and text.count("\n") == 1, text
    return text


def test_every_answer_of_the_worker(stack):
    """… carries the camera's state, and is neither kept nor guessed at."""
    answers = [stack.get(path, method="HEAD") for path in READ]
    answers += [stack.get(path) for path in POST]  # 405
    answers += [stack.post(path) for path in POST]
    answers += [stack.post("/shutdown", {"Origin": "http://evil.example"})]
    answers += [stack.get("/video_feed?frames=x"), stack.get("/snapshot?max_age=x")]
    for answer in answers:
        assert answer.headers["X-Camera-State"] in STATES
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", [*READ, "/stream", "/snapshot.jpg", "/"])
def test_head_answers_and_never_wakes_the_camera(stack, path):
    answer = stack.get(path, method="HEAD")
    assert answer.status == 200 and answer.body == b""
    assert stack.state()["camera"]["opens"] == 0
    assert stack.camera_state() == "idle"


@pytest.mark.parametrize("action", ["stream", "snapshot"])
def test_head_of_the_old_addresses(stack, action):
    answer = stack.get(f"/?action={action}", method="HEAD")
    assert answer.status == 200
    kind = "multipart/x-mixed-replace; boundary=frame" if action == "stream" else "image/jpeg"
    assert answer.headers["Content-Type"] == kind
    assert stack.state()["camera"]["opens"] == 0


def test_head_has_the_status_of_get_when_released(stack):
    stack.post("/shutdown")
    for path in READ:
        head, get = stack.get(path, method="HEAD"), stack.get(path)
        assert head.status == get.status, path
        assert head.status == (503 if path in ("/video_feed", "/snapshot") else 200), path
        assert head.body == b""


@pytest.mark.parametrize("path", [*READ, *POST])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
def test_methods(stack, path, method):
    if (method == "GET") == (path in READ) and method in ("GET", "POST"):
        return  # what it is for: elsewhere
    answer = stack.get(path, method=method)
    assert answer.status == 405
    assert answer.headers["Allow"] == ("GET, HEAD" if path in READ else "POST")
    one_line(answer)


@pytest.mark.parametrize("path", ["/nonsense", "/video_feed2", "/state.json", "/.git"])
def test_unknown_routes(stack, path):
    assert stack.get(path).status == 404


def test_unknown_routes_of_the_worker_itself(stack):
    for path in ("/", "/nonsense", "", "/video_feed/x", "/state%00"):
        with fastcgi.Peer(stack.socket_path()) as peer:
            assert peer.ask(path)[1] == 404
    assert stack.metric('webcam_requests_total{route="other",code="404"}') == 5


@pytest.mark.parametrize("path", POST)
def test_types_of_a_post(stack, path):
    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x"):
        answer = stack.post(path, {"Content-Type": kind}, body=b"{}")
        assert answer.status == 415, kind
        assert "application/x-www-form-urlencoded" in one_line(answer)
    for headers in ({}, FORM, {"Content-Type": FORM["Content-Type"] + "; charset=utf-8"}):
        assert stack.post(path, headers, body=b"").status == 200


def test_a_long_body(stack):
    stack.nginx.allowed.append("too large body")
    assert stack.post("/start", FORM, body=b"x" * 8192).status == 200
    assert stack.post("/start", FORM, body=b"x" * 8193).status == 413


@pytest.mark.parametrize("size", [8193, 65536, 3_000_000])
def test_a_long_body_past_a_careless_server(stack, size):
    with fastcgi.Peer(stack.socket_path()) as peer:
        _, status, _, body = peer.ask(
            "/start", "POST", body=b"x" * size, CONTENT_TYPE=FORM["Content-Type"]
        )
    assert status == 413 and b"8192" in body


ORIGINS = [
    # (request headers, status); HOST stands for the address and port that were asked
    ({}, 200),
    ({"Origin": "http://HOST"}, 200),
    ({"Origin": "HTTP://HOST"}, 200),
    ({"Origin": "http://HOST", "Sec-Fetch-Site": "same-origin"}, 200),
    ({"Sec-Fetch-Site": "none"}, 200),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "http://elsewhere.example"}, 200),
    ({"Sec-Fetch-Site": "same-site", "Origin": "http://HOST"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://HOST"}, 403),
    ({"Sec-Fetch-Site": "nonsense"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://127.0.0.1"}, 403),  # another port
    ({"Origin": "https://HOST"}, 200),  # TLS may end before us
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "http://evil.example/HOST"}, 403),
    ({"Origin": "http://HOST.evil.example"}, 403),
    ({"Origin": "http://xHOST"}, 403),
    ({"Origin": "ftp://HOST"}, 403),
    ({"Origin": "HOST"}, 403),
    ({"Origin": "http://Pi.Local", "Host": "pi.local"}, 200),
    ({"Origin": "http://pi.local", "Host": "pi.local:80"}, 200),
    ({"Origin": "http://pi.local:80", "Host": "pi.local"}, 200),
    ({"Origin": "https://pi.local", "Host": "pi.local:443"}, 200),
    ({"Origin": "https://pi.local:443", "Host": "pi.local"}, 200),
    ({"Origin": "http://pi.local", "Host": "pi.local:443"}, 403),
    ({"Origin": "https://pi.local", "Host": "pi.local:80"}, 403),
    ({"Origin": "http://pi.local:8080", "Host": "pi.local:8080"}, 200),
    ({"Origin": "http://pi.local:8081", "Host": "pi.local:8080"}, 403),
    ({"Origin": "http://listed.example"}, 200),
    ({"Origin": "http://LISTED.example"}, 200),
    ({"Origin": "http://listed.example", "Sec-Fetch-Site": "cross-site"}, 200),
    ({"Origin": "https://other.example:8443", "Sec-Fetch-Site": "cross-site"}, 200),
    ({"Origin": "http://listed.example.evil", "Sec-Fetch-Site": "cross-site"}, 403),
    ({"Origin": "http://listed.example,https://other.example:8443"}, 403),
]


def test_who_may_post(make_stack):
    """On a port of its own, by IP address."""
    stack = make_stack("--allow-origin", "http://listed.example,https://other.example:8443")
    here = f"127.0.0.1:{stack.port}"
    wrong = []
    for row, status in ORIGINS:
        headers = {k: v.replace("HOST", here) for k, v in row.items()}
        for path in POST:
            answer = stack.post(path, headers)
            listed = "listed.example" in row.get("Origin", "").lower() and status == 200
            listed |= row.get("Origin") == "https://other.example:8443"
            if answer.status != status:
                wrong.append((path, row, answer.status))
            allowed = answer.headers["Access-Control-Allow-Origin"]
            assert allowed == (headers["Origin"] if listed else None), row
            assert ("Origin" in (answer.headers["Vary"] or "")) == listed
            if status == 403:
                text = one_line(answer)
                assert headers.get("Origin", "Sec-Fetch-Site") in text
    assert not wrong, wrong


def test_refusal_names_both_values(stack):
    answer = stack.post("/shutdown", {"Origin": "http://evil.example"})
    text = one_line(answer)
    assert answer.status == 403
    assert "http://evil.example" in text and f"127.0.0.1:{stack.port}" in text
    assert stack.camera_state() == "idle"


def test_pages_of_listed_origins(make_stack):
    stack = make_stack("--allow-origin", "http://listed.example")
    listed = {"Origin": "http://listed.example"}
    for path in POST:
        answer = stack.get(path, method="OPTIONS", headers=listed)
        assert answer.status == 204 and answer.body == b""
        assert answer.headers["Access-Control-Allow-Origin"] == "http://listed.example"
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert stack.get(path, method="OPTIONS").status == 405
        other = stack.get(path, method="OPTIONS", headers={"Origin": "http://evil.example"})
        assert other.status == 405 and other.headers["Access-Control-Allow-Origin"] is None
    for path in ("/state", "/snapshot", "/healthz", "/metrics"):
        answer = stack.get(path, headers=listed)
        assert answer.headers["Access-Control-Allow-Origin"] == "http://listed.example"
        assert answer.headers["Vary"] == "Origin"
    with stack.stream(headers=listed) as stream:
        assert stream.begin().headers["Access-Control-Allow-Origin"] == "http://listed.example"


STATE = {
    "ok": bool,
    "result": {
        "instance_id": str,
        "now": float,
        "camera": {
            "state": str,
            "reason": str,
            "since": float,
            "device": str,
            "driver": str,
            "card": str,
            "bus": str,
            "format": str,
            "opens": int,
            "errors": int,
            "dropped": {"flagged": int, "truncated": int, "not_jpeg": int},
        },
        "encoder": {"type": str, "quality": int, "ms_per_frame": (int, float)},
        "source": {
            "resolution": {"width": int, "height": int},
            "online": bool,
            "desired_fps": (int, float),
            "captured_fps": (int, float),
            "last_frame_age": (int, float, type(None)),
        },
        "stream": {
            "queued_fps": (int, float),
            "clients": int,
            "max_clients": int,
            "clients_stat": dict,
        },
    },
}


def assert_shape(value, shape, path=""):
    if not isinstance(shape, dict):
        assert isinstance(value, shape), f"{path}: {value!r}"
        return
    assert set(value) == set(shape), path
    for key in shape:
        assert_shape(value[key], shape[key], f"{path}.{key}")


def test_state(make_stack):
    stack = make_stack("--instance-id", 'the "front" one')
    answer = stack.get("/state")
    assert answer.headers["Content-Type"] == "application/json"
    assert_shape(json.loads(answer.body), STATE)
    assert json.loads(answer.body)["result"]["camera"]["opens"] == 0
    with stack.stream() as stream:
        stream.pictures(10)
        body = json.loads(stack.get("/state").body)
    assert_shape(body, STATE)
    result = body["result"]
    assert body["ok"] is True
    assert result["instance_id"] == 'the "front" one'
    assert abs(result["now"] - time.time()) < 5
    assert result["camera"]["state"] == "live" and result["camera"]["reason"] == ""
    assert result["now"] - 20 < result["camera"]["since"] <= result["now"]
    assert result["camera"]["driver"] == "pattern" and result["camera"]["opens"] == 1
    assert result["encoder"]["type"] == "CPU" and result["encoder"]["quality"] == 80
    assert result["encoder"]["ms_per_frame"] > 0
    assert result["source"]["resolution"] == {"width": 320, "height": 240}
    assert result["source"]["online"] is True and result["source"]["desired_fps"] == 30
    assert result["source"]["last_frame_age"] < 2
    assert result["stream"]["clients"] == 1 and result["stream"]["max_clients"] == 100
    assert "127.0.0.1" not in json.dumps(body), "an address is for the log alone"


def test_state_of_a_file(make_stack, clips):
    stack = make_stack(device=f"file:{clips(20_000)}")
    with stack.stream() as stream:
        picture = client.decode(stream.pictures(3)[-1].body)
        result = stack.state()
    assert result["camera"]["driver"] == "file" and result["camera"]["format"] == "MJPG"
    assert result["encoder"]["type"] == "PASSTHROUGH"
    assert result["source"]["resolution"] == {"width": picture.width, "height": picture.height}


def samples(stack):
    found = {}
    for line in stack.get("/metrics").body.decode().splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            assert re.fullmatch(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})?', name), line
            assert name not in found, f"{name} stands there twice"
            found[name] = float(value)
    return found


def expected_samples():
    plain = """webcam_up webcam_frames_captured_total webcam_frames_sent_total
        webcam_placeholders_sent_total webcam_frames_skipped_total webcam_sent_bytes_total
        webcam_viewers webcam_viewer_lag_max_seconds webcam_last_frame_timestamp_seconds
        webcam_capture_fps webcam_camera_opens_total webcam_encode_seconds_total
        process_cpu_seconds_total process_resident_memory_bytes process_open_fds
        process_max_fds process_start_time_seconds""".split()
    labels = {
        "webcam_camera_state": ("state", STATES),
        "webcam_camera_errors_total": ("reason", STATES[4:]),
        "webcam_frames_dropped_total": ("reason", ["flagged", "truncated", "not_jpeg"]),
        "webcam_viewers_ended_total": ("reason", ["client", "timeout", "limit", "shutdown"]),
    }
    names = set(plain)
    names |= {f'{n}{{{key}="{v}"}}' for n, (key, values) in labels.items() for v in values}
    routes = [path[1:] for path in READ + POST] + ["controls", "other"]
    codes = [200, 204, 400, 403, 404, 405, 409, 413, 415, 503]
    return names | {
        f'webcam_requests_total{{route="{r}",code="{c}"}}' for r in routes for c in codes
    }


def test_metrics_are_all_there_from_the_start(stack):
    answer = stack.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(stack)
    (build,) = [name for name in found if name.startswith("webcam_build_info{version=")]
    assert set(found) - {build} == expected_samples()
    assert found['webcam_camera_state{state="idle"}'] == 1
    assert sum(v for k, v in found.items() if k.startswith("webcam_camera_state")) == 1
    assert found["webcam_up"] == 0
    assert abs(found["process_start_time_seconds"] - time.time()) < 60
    assert 5 < found["process_open_fds"] < 40
    assert found["process_max_fds"] > 500
    assert found["process_resident_memory_bytes"] > 1 << 20


def test_metrics_count(stack):
    with stack.stream() as stream:
        size = sum(len(part.body) for part in stream.pictures(10))
        # What came through nginx has left the worker.
        found = samples(stack)
        assert found["webcam_up"] == 1 and found["webcam_viewers"] == 1
        assert found["webcam_frames_captured_total"] >= 10
        assert found["webcam_frames_sent_total"] >= 10
        assert found["webcam_sent_bytes_total"] > size
        assert abs(found["webcam_last_frame_timestamp_seconds"] - time.time()) < 5
        assert found["webcam_encode_seconds_total"] > 0
        assert found["webcam_camera_opens_total"] == 1
        assert found['webcam_camera_state{state="live"}'] == 1
    stack.get("/snapshot?max_age=x")
    stack.get("/shutdown")
    after = samples(stack)
    assert after['webcam_requests_total{route="video_feed",code="200"}'] == 1
    assert after['webcam_requests_total{route="snapshot",code="400"}'] == 1
    assert after['webcam_requests_total{route="shutdown",code="405"}'] == 1
    assert after['webcam_requests_total{route="metrics",code="200"}'] >= 1


def test_promtool_finds_nothing(stack):
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed (package prometheus)")
    check = subprocess.run(
        [promtool, "check", "metrics"],
        input=stack.get("/metrics").body,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert check.returncode == 0 and check.stdout == b"", check.stdout.decode()


def test_health_and_readiness(stack):
    for path in ("/healthz", "/readyz"):
        assert stack.get(path).body == b"ok\n"  # idle, and the camera is there
    with stack.stream() as stream:
        stream.pictures(2)
        assert stack.get("/readyz").status == 200
    stack.post("/shutdown")
    assert stack.get("/readyz").status == 200  # released on purpose
    assert stack.get("/healthz").status == 200


def test_routes_by_path_info(stack):
    """Servers that split the path (lighttpd, Apache) give the rest in PATH_INFO."""
    with fastcgi.Peer(stack.socket_path()) as peer:
        assert peer.ask("/cam/front", PATH_INFO="/healthz")[1] == 200
    with fastcgi.Peer(stack.socket_path()) as peer:
        assert peer.ask("/cam/front/healthz", REQUEST_URI="/state")[3] == b"ok\n"
    wait_for(lambda: stack.metric('webcam_requests_total{route="healthz",code="200"}') == 2)
