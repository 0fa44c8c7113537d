# SPDX-License-Identifier: MIT
"""/controls of sources that have none, and the file that keeps what was set."""

import json

import client
import pytest
from stack import wait_for

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_a_pattern_has_no_controls(stack):
    answer = stack.get("/controls")
    assert answer.status == 200 and json.loads(answer.body) == []
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Camera-State"] in ("idle", "live")


def test_a_file_has_no_controls(make_stack, clips):
    stack = make_stack(device=f"file:{clips(20000)}")
    assert json.loads(stack.get("/cam/front/controls").body) == []
    assert stack.post("/controls", FORM, body="brightness=5").status == 400


def test_what_is_unknown_is_named(stack):
    answer = stack.post("/controls", FORM, body="brightness=5")
    assert answer.status == 400
    assert answer.body == b"brightness: there is no such control; this source has none\n"


@pytest.mark.parametrize("body", ["", "&&", "brightness", "brightness=", "=5"])
def test_a_post_of_nothing_is_told_what_to_give(stack, body):
    answer = stack.post("/controls", FORM, body=body)
    assert answer.status == 400 and b"give name=value" in answer.body


def test_what_may_be_done_with_controls(stack):
    head = client.request(stack.port, "/controls", "HEAD")
    assert head.status == 200 and head.body == b""
    put = client.request(stack.port, "/controls", "PUT", FORM, "brightness=5")
    assert put.status == 405 and put.headers["Allow"] == "GET, HEAD, POST"
    typed = stack.post("/controls", {"Content-Type": "application/json"}, body='{"brightness":5}')
    assert typed.status == 415
    stack.nginx.allowed.append("too large body")
    long = stack.post("/controls", FORM, body="a=1&" * 3000)
    assert long.status == 413


def test_other_sites_may_not_set(stack):
    answer = stack.post(
        "/controls", FORM | {"Origin": "http://elsewhere.example"}, body="brightness=5"
    )
    assert answer.status == 403


def test_listed_sites_may_ask_and_set(make_stack):
    origin = "https://panel.example"
    stack = make_stack("--allow-origin", origin)
    asked = client.request(stack.port, "/controls", "OPTIONS", {"Origin": origin})
    assert asked.status == 204
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST"
    listed = stack.get("/controls", headers={"Origin": origin})
    assert listed.headers["Access-Control-Allow-Origin"] == origin
    set_one = stack.post("/controls", FORM | {"Origin": origin}, body="brightness=5")
    assert set_one.status == 400


def test_while_released_nothing_is_set(stack):
    assert stack.post("/shutdown").status == 200
    answer = stack.post("/controls", FORM, body="brightness=5")
    assert answer.status == 503 and b"switched off" in answer.body
    assert answer.headers["Retry-After"] is None
    assert stack.get("/controls").status == 200
    assert client.request(stack.port, "/controls", "HEAD").status == 200


def test_without_a_device_nothing_is_set(make_stack, tmp_path):
    stack = make_stack("--dev-dir", tmp_path, device="auto")
    stack.wait_state("no-device")
    answer = stack.post("/controls", FORM, body="brightness=5")
    assert answer.status == 503 and b"no camera found" in answer.body
    assert answer.headers["Retry-After"] == "5"
    assert json.loads(stack.get("/controls").body) == []


def test_asking_wakes_nobody(stack):
    stack.wait_state("idle")
    for _ in range(5):
        stack.get("/controls")
        stack.post("/controls", FORM, body="brightness=5")
        client.request(stack.port, "/controls", "HEAD")
    assert stack.state()["camera"]["opens"] == 0


@pytest.mark.parametrize(
    "damaged", [b"brightness=5\nhalf a l", b"\0\1\2\3", b"x" * 70000], ids=["cut", "binary", "huge"]
)
def test_a_damaged_file_is_told_and_stops_nothing(make_stack, tmp_path, damaged):
    (tmp_path / "controls").write_bytes(damaged)
    stack = make_stack("--state-dir", tmp_path)
    assert stack.get("/snapshot").status == 200
    assert stack.worker.log.count("ignored, and written anew when a control is set") == 1


def test_what_is_kept_beats_the_command_line_and_is_told(make_stack, tmp_path):
    (tmp_path / "controls").write_text("brightness=5\n")
    stack = make_stack("--state-dir", tmp_path, "--control", "brightness=7", "--control", "gain=3")
    assert "brightness=5, kept in" in stack.worker.log
    assert "gain" not in stack.worker.log


def test_every_request_is_counted(stack):
    stack.get("/controls")
    stack.post("/controls", FORM, body="brightness=5")
    name = 'webcam_requests_total{route="controls",code="%d"}'
    wait_for(lambda: stack.metric(name % 200) == 1 and stack.metric(name % 400) == 1, "counts")
