# SPDX-License-Identifier: MIT
"""Options, environment, and what is said about a wrong one."""

import json
import os
import re
import socket
import subprocess

import pytest

import fastcgi
from stack import wait_for, worker_environment

# (option, environment, values that it refuses, a word of what it takes)
OPTIONS = [
    ("device", "DEVICE", ["", "nonsense:x", "pattern,,auto", ","], "pattern"),
    ("resolution", "RESOLUTION", ["640", "640x", "0x0", "99999x1", "1x2x3", "axb"], "WIDTHxHEIGHT"),
    ("fps", "FPS", ["0", "-1", "x", "1000", "nan", "0x10", " 30"], "0.1 to 240"),
    ("format", "FORMAT", ["X", "TOOLONG", "M J"], "MJPG"),
    ("quality", "QUALITY", ["0", "101", "80.5", "x"], "1 to 100"),
    ("control", "CONTROLS", ["brightness", "=1", "brightness="], "NAME=VALUE"),
    ("listen", "LISTEN", ["x", "unix:", "tcp:", "tcp:localhost", "/run/x.sock"], "unix:PATH"),
    ("socket-mode", "SOCKET_MODE", ["rw", "9", "77777", "-1"], "octal"),
    ("socket-group", "SOCKET_GROUP", ["no-such-group"], "group"),
    ("max-viewers", "MAX_VIEWERS", ["0", "-1", "x", "1.5", "100000000"], "1 to"),
    ("viewer-timeout", "VIEWER_TIMEOUT", ["0", "-1", "x", "never"], "seconds"),
    ("max-inflight", "MAX_INFLIGHT", ["0", "-1", "x"], "megabytes"),
    ("idle-release", "IDLE_RELEASE", ["-1", "x", "soon"], "never"),
    ("warmup", "WARMUP", ["-1", "x", "60"], "seconds"),
    ("state-dir", "STATE_DIR", [], ""),
    ("dev-dir", "DEV_DIR", ["relative/path"], "absolute"),
    ("allow-origin", "ALLOW_ORIGIN", ["a.org", "http://", "http://a/p", "http://a,,x"], "https:"),
    ("instance-id", "INSTANCE_ID", [], ""),
    ("log-level", "LOG_LEVEL", ["loud", "INFO ", "3"], "debug"),
]
BAD = [(option, name, value, takes) for option, name, values, takes in OPTIONS for value in values]


def run(program, *arguments, **environment):
    return subprocess.run(
        [program, *arguments],
        env=worker_environment(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )


def assert_usage(result, *words):
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr


@pytest.mark.parametrize("option, name, value, takes", BAD)
def test_bad_value(program, option, name, value, takes):
    assert_usage(run(program, f"--{option}={value}"), f"--{option}", takes)
    if value:  # set but empty is as good as unset
        assert_usage(run(program, **{f"WEBCAM_{name}": value}), f"WEBCAM_{name}", takes)


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["--nonsense"], "--nonsense"),
        (["--nonsense=3"], "--nonsense"),
        (["-Z"], "-Z"),
        (["stray"], "stray"),
        (["--device"], "--device"),
        (["-d"], "--device"),
        (["--list=x"], "--list"),
    ],
)
def test_wrong_command_line(program, arguments, word):
    assert_usage(run(program, *arguments), word)


def test_help_names_everything(program):
    for flag in ("-h", "--help"):
        result = run(program, flag)
        assert result.returncode == 0 and result.stderr == ""
        for option, _, _, _ in OPTIONS:
            assert f"--{option}" in result.stdout
        for option in ("list", "healthcheck", "help", "version"):
            assert f"--{option}" in result.stdout
        assert all(len(line) < 100 for line in result.stdout.splitlines())


def test_version(program):
    for flag in ("-v", "--version"):
        result = run(program, flag)
        assert result.returncode == 0
        assert re.fullmatch(r"webcam-fcgi \S+\n", result.stdout)


def test_list_without_cameras(program, tmp_path):
    result = run(program, "--list", "--dev-dir", str(tmp_path))
    assert result.returncode == 0
    assert result.stdout.strip(), "it says that there are none"


def test_healthcheck(program, make_worker):
    path = make_worker.directory / "w.sock"
    listen = f"unix:{path}"
    dead = run(program, "--healthcheck", "--listen", listen)
    assert dead.returncode == 1 and str(path) in dead.stderr
    worker = make_worker("--device", "file:/nonexistent", "--listen", listen).wait_up()
    assert run(program, "--healthcheck", "--listen", listen).returncode == 0
    assert run(program, "--healthcheck", WEBCAM_LISTEN=listen).returncode == 0
    worker.stop()
    assert run(program, "--healthcheck", "--listen", listen).returncode == 1


def test_healthcheck_of_something_else(program, tmp_path):
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "mute.sock"))
        mute.listen()
        result = run(program, "--healthcheck", "--listen", f"unix:{tmp_path}/mute.sock")
    assert result.returncode == 1 and "no answer" in result.stderr


@pytest.fixture
def state_of(make_worker):
    """state_of(arguments…, NAME=environment…): /state of a worker started so."""

    def ask(*arguments, **environment):
        path = make_worker.directory / f"{os.urandom(4).hex()}.sock"
        make_worker("--listen", f"unix:{path}", *arguments, environment=environment).wait_up()
        with fastcgi.Peer(path) as peer:
            _, status, _, body = peer.ask("/state")
        assert status == 200
        return json.loads(body)["result"]

    return ask


def settings(state):
    return (
        state["source"]["resolution"]["width"],
        state["source"]["desired_fps"],
        state["encoder"]["quality"],
        state["stream"]["max_clients"],
        state["instance_id"],
    )


def test_command_line_beats_environment_beats_default(state_of):
    environment = {
        "WEBCAM_DEVICE": "pattern",
        "WEBCAM_RESOLUTION": "640x480",
        "WEBCAM_FPS": "10",
        "WEBCAM_QUALITY": "50",
        "WEBCAM_MAX_VIEWERS": "7",
        "WEBCAM_INSTANCE_ID": "from environment",
    }
    assert settings(state_of("-d", "pattern")) == (1280, 30, 80, 100, "")
    assert settings(state_of(**environment)) == (640, 10, 50, 7, "from environment")
    arguments = ["-r", "320x240", "-f", "5", "-q", "90", "--max-viewers", "3", "--instance-id", "x"]
    assert settings(state_of(*arguments, **environment)) == (320, 5, 90, 3, "x")
    assert settings(state_of("-d", "pattern", WEBCAM_QUALITY="")) == (1280, 30, 80, 100, "")


def test_every_option_is_taken_both_ways(state_of, tmp_path):
    good = {
        "device": "pattern",
        "resolution": "320x240",
        "fps": "29.97",
        "format": "YUYV",
        "quality": "1",
        "control": "brightness=5",
        "socket-mode": "600",
        "socket-group": str(os.getgid()),
        "max-viewers": "100000",
        "viewer-timeout": "2.5",
        "max-inflight": "1",
        "idle-release": "never",
        "warmup": "0",
        "state-dir": str(tmp_path),
        "dev-dir": str(tmp_path),
        "allow-origin": "http://a.example,https://b.example:8443",
        "instance-id": "one",
        "log-level": "info",
    }
    assert set(good) == {option for option, _, _, _ in OPTIONS} - {"listen"}
    by_option = state_of(*(f"--{option}={value}" for option, value in good.items()))
    names = {option: name for option, name, _, _ in OPTIONS}
    by_name = state_of(**{f"WEBCAM_{names[option]}": value for option, value in good.items()})
    assert settings(by_option) == settings(by_name) == (320, 29.97, 1, 100000, "one")
    assert by_option["camera"]["state"] == "idle"


def test_log_levels(make_worker):
    path = make_worker.directory / "w.sock"
    base = ("--device", "file:/nonexistent", "--listen", f"unix:{path}")
    quiet = make_worker(*base, "--log-level", "error")
    wait_for(path.exists)
    with fastcgi.Peer(path) as peer:
        assert peer.ask()[1] == 200
    assert quiet.stop() == 0
    assert quiet.log == ""
    loud = make_worker(*base).wait_up()
    wait_for(lambda: "no-device" in loud.log)
