# SPDX-License-Identifier: MIT
"""For operators: alerts that fire when they should, a log that nobody else writes in, no cores."""

import contextlib
import re
import shutil
import subprocess

import pytest

import fastcgi
from stack import ROOT, wait_for

PROMETHEUS = ROOT / "conf/prometheus"
LABELS = 'instance="127.0.0.1:9180", job="webcam", camera="front"'
LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3} (error|warn |info |debug) [ -~]+")

# What the metrics do from minute to minute, and which alerts stand at the 40th.
CASES = {
    "all is well": (
        {"up{%s}": "1x60", "webcam_up{%s}": "1x60", 'webcam_camera_state{%s, state="live"}': "1x60"},
        [],
    ),
    "idle and released are as they should be": (
        {"webcam_up{%s}": "0x60", 'webcam_camera_state{%s, state="released"}': "1x60"},
        [],
    ),
    "no worker": ({"up{%s}": "1x20 0x40"}, ["WebcamWorkerDown"]),
    "no camera": ({'webcam_camera_state{%s, state="no-device"}': "0x20 1x40"}, ["WebcamNoPicture"]),
    "in use": ({'webcam_camera_state{%s, state="busy"}': "1x60"}, ["WebcamNoPicture"]),
    "back in time": ({'webcam_camera_state{%s, state="stalled"}': "1x38 0x20"}, []),
    "a loose cable": (
        {'webcam_camera_errors_total{%s, reason="stalled"}': "0+1x60"},
        ["WebcamLosesPicture"],
    ),
    "one stall": ({'webcam_camera_errors_total{%s, reason="stalled"}': "0x30 1x30"}, []),
    "damaged": (
        {
            "webcam_frames_captured_total{%s}": "0+1800x60",
            'webcam_frames_dropped_total{%s, reason="truncated"}': "0+200x60",
        },
        ["WebcamDamagedFrames"],
    ),
    "hardly damaged": (
        {
            "webcam_frames_captured_total{%s}": "0+1800x60",
            'webcam_frames_dropped_total{%s, reason="truncated"}': "0+2x60",
        },
        [],
    ),
    "full": (
        {
            "webcam_up{%s}": "1x60",
            'webcam_requests_total{%s, route="video_feed", code="503"}': "0+5x60",
        },
        ["WebcamNearlyFull"],
    ),
    "refused for want of a picture": (
        {
            "webcam_up{%s}": "0x60",
            'webcam_requests_total{%s, route="video_feed", code="503"}': "0+5x60",
        },
        [],
    ),
}
ALERTS = re.findall(r"alert: (\w+)", (PROMETHEUS / "alerts.yml").read_text())


def promtool(*arguments):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed (package prometheus)")
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True)


def test_rules_and_configuration():
    for command, file in ("rules", "alerts.yml"), ("config", "scrape.yml"):
        run = promtool("check", command, PROMETHEUS / file)
        assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("case", CASES)
def test_alerts(case, tmp_path):
    series, expected = CASES[case]
    lines = [f"rule_files: [{PROMETHEUS}/alerts.yml]", "tests:", "- interval: 1m", "  input_series:"]
    for name, values in series.items():
        lines += [f"  - series: '{name % LABELS}'", f"    values: '{values}'"]
    # ALERTS{…} counts those that fire, and by name, whatever their other labels.
    lines.append("  promql_expr_test:")
    for alert in ALERTS:
        selector = f'count(ALERTS{{alertname="{alert}", alertstate="firing", camera="front"}})'
        samples = "[{labels: '{}', value: 1}]" if alert in expected else "[]"
        lines += [f"  - expr: '{selector}'", "    eval_time: 40m", f"    exp_samples: {samples}"]
    (tmp_path / "test.yml").write_text("\n".join(lines) + "\n")
    run = promtool("test", "rules", tmp_path / "test.yml")
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_alert_has_a_case():
    assert {name for _, expected in CASES.values() for name in expected} == set(ALERTS)


def test_metrics_that_the_rules_name_exist(stack):
    rules = (PROMETHEUS / "alerts.yml").read_text()
    metrics = stack.get("/metrics").body.decode()
    for name in set(re.findall(r"\bwebcam_\w+", rules)):
        assert f"\n# TYPE {name} " in metrics, name
    for name, value in re.findall(r'(route|code)="(\w+)"', rules):
        assert f'{name}="{value}"' in metrics
    for state in re.search(r'state=~"([^"]+)"', rules)[1].split("|"):
        assert f'webcam_camera_state{{state="{state}"}}' in metrics


def test_requests_cannot_forge_a_line_of_the_log(stack):
    """Neither through nginx nor from whoever reaches the socket."""
    evil = "1.2.3.4\n12:00:00.000 error forged\r\x1b[2J\u009b2J"
    names = ["REMOTE_ADDR", "REMOTE_PORT", "HTTP_HOST", "HTTP_ORIGIN", "HTTP_USER_AGENT"]
    with contextlib.ExitStack() as held:
        for path in ("/video_feed", "/snapshot", "/state", "/shutdown", "/start", "/controls"):
            for method in ("GET", "POST"):
                peer = held.enter_context(fastcgi.Peer(stack.socket_path()))
                form = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
                body = b"brightness%0A%1B=1%0Aforged" if method == "POST" else b""
                params = form | {name: evil for name in names} | {"QUERY_STRING": f"fps={evil}"}
                peer.send(fastcgi.request(path, method, body=body, **params))
        viewer = held.enter_context(fastcgi.Peer(stack.socket_path()))
        viewer.send(fastcgi.request("/video_feed", **{name: evil for name in names}))
        assert viewer.record().content.startswith(b"Status: 200")
    wait_for(lambda: "it left" in stack.worker.log, "the viewer's line")
    lines = stack.worker.log.splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert [line for line in lines if " error " in line[:20]] == []


def test_one_line_per_viewer_at_its_end(stack):
    for _ in range(3):
        with stack.stream() as stream:
            stream.pictures(2)
    wait_for(lambda: stack.worker.log.count("it left") == 3, "three lines")
    for line in re.findall(r"viewer \d+ .*", stack.worker.log):
        assert re.search(r"\(127\.0\.0\.1\).* after [\d.]+ s, \d+ frames, \d+ skipped", line), line
    assert stack.worker.log.count("viewer ") == 3


def test_no_pictures_in_cores(stack):
    """No core file; and nothing but headers for a program that the kernel pipes cores to."""
    process = f"/proc/{stack.worker.pid}"
    with open(f"{process}/limits") as limits:
        assert re.search(r"^Max core file size +0 +0 +bytes", limits.read(), re.M)
    with open(f"{process}/coredump_filter") as mask:
        assert int(mask.read(), 16) == 0x10  # core(5): ELF headers alone
