# SPDX-License-Identifier: MIT
"""What people have already: dashboards, players and scripts, with their addresses and their rules."""

import concurrent.futures
import itertools
import json
import shutil
import signal
import subprocess
import time
import urllib.parse

import pytest

import client
import readers
from stack import SLOW, wait_for

requests = pytest.importorskip("requests", reason="python3-requests is not installed")

CHROMIUM = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
IMAGE = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"

# What each reads by, and what it says of itself: mainsail's page is a script in a Chromium.
READERS = {
    "mainsail": (readers.mainsail, {"User-Agent": CHROMIUM, "Accept": "*/*"}),
    "go2rtc": (readers.go2rtc, {"User-Agent": "Go-http-client/1.1"}),
    "home-assistant": (readers.scanner, {"User-Agent": "HomeAssistant/2024.6", "Accept": "*/*"}),
    "chromium-img": (readers.chromium_image, {"User-Agent": CHROMIUM, "Accept": IMAGE}),
    "firefox-img": (readers.firefox_image, {"User-Agent": FIREFOX, "Accept": IMAGE}),
    "email": (readers.email_parser, {}),
    # Those that need no Content-Length, with the other kind of headers.
    "scanner-in-advance": (readers.scanner, {"User-Agent": CHROMIUM, "Accept": IMAGE}),
    "email-in-advance": (readers.email_parser, {"User-Agent": CHROMIUM, "Accept": IMAGE}),
}
LIVE = {name: reader for name, reader in READERS.items() if "email" not in name}


def tool(name):
    return pytest.mark.skipif(not shutil.which(name), reason=f"{name} is not installed")


def run(*command, **options):
    return subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **options
    )


def watch(stack, reader, path="/video_feed"):
    """(the open stream, an iterator of what that reader shows)"""
    read, headers = reader
    stream = stack.stream(path, headers=headers)
    return stream, read(readers.pieces(stream))


# --- readers ---


def lags(stack, reader, count, query=""):
    """By how many pictures what it shows is behind the newest, each time that it shows one."""
    stream, shown = watch(stack, reader, f"/video_feed{query}")
    with stream:
        next(shown)
        found = []
        for jpeg in itertools.islice(shown, count):
            newest = stack.get("/snapshot?max_age=10000").body
            found.append(client.pattern_number(newest) - client.pattern_number(jpeg))
    return found


def test_reader_shows_a_picture_when_it_comes(make_stack):
    """… and not with the next one, which at this rate is most of a second away."""
    stack = make_stack("--fps", "1.2", "--warmup", 0)
    plain = (readers.chromium_image, {})
    with concurrent.futures.ThreadPoolExecutor(len(LIVE) + 1) as pool:
        late = pool.submit(lags, stack, plain, 3, "?advance_headers=0")
        found = {name: pool.submit(lags, stack, reader, 3) for name, reader in LIVE.items()}
    for name, lag in found.items():
        assert sorted(lag.result())[1] == 0, name
    # Why Chromium's gets the headers in advance; and proof that the measure can tell.
    assert sorted(late.result())[1] == 1


def test_reader_shows_why_there_is_no_picture(make_stack):
    stack = make_stack(device="/nonexistent")

    def first_two(reader):
        stream, shown = watch(stack, reader)
        with stream:
            return [client.decode(jpeg).size for jpeg in itertools.islice(shown, 2)]

    with concurrent.futures.ThreadPoolExecutor(len(LIVE)) as pool:
        for name, sizes in zip(LIVE, pool.map(first_two, LIVE.values())):
            assert sizes == [(320, 240)] * 2, name


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_reader_shows_every_picture_to_the_end(stack, reader):
    stream, shown = watch(stack, reader, "/video_feed?frames=20")
    with stream:
        numbers = [client.pattern_number(jpeg) for jpeg in shown]
    assert len(numbers) == 20 and numbers == sorted(set(numbers))


ENDS = {
    "shutdown": lambda stack: stack.post("/shutdown"),
    "SIGTERM": lambda stack: stack.worker.signal(signal.SIGTERM),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("device", ["pattern", "/nonexistent"])
def test_reader_at_the_end_of_the_camera(make_stack, device, end):
    """Whatever they have been given is whole pictures, and their stream has an end."""
    stack = make_stack(device=device)

    def read_all(reader):
        stream, shown = watch(stack, reader)
        with stream:
            return [client.decode(jpeg).size for jpeg in shown]

    with concurrent.futures.ThreadPoolExecutor(len(READERS)) as pool:
        found = {name: pool.submit(read_all, reader) for name, reader in READERS.items()}
        wait_for(
            lambda: stack.state()["stream"]["clients"] == len(READERS)
            and stack.metric("webcam_sent_bytes_total") > len(READERS) * 1000,
            "all readers have their first picture",
        )
        end(stack)
        for name, sizes in found.items():
            assert sizes.result() and set(sizes.result()) == {(320, 240)}, name


# --- addresses ---


def search_params(address, name, value):
    """What url.searchParams.append(name, value) makes of it in a browser."""
    parts = urllib.parse.urlsplit(address)
    pairs = urllib.parse.parse_qsl(parts.query, keep_blank_values=True) + [(name, value)]
    return urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(pairs)))


NOW = "1608856928650"
STREAMS = {
    "mjpg-streamer": lambda at: f"{at}?action=stream",
    "octoprint": lambda at: f"{at}?action=stream&{NOW}",
    "octoprint-plain": lambda at: f"{at}stream?{NOW}",
    "octoprint-first": lambda at: f"{at}?{NOW}&action=stream",
    "mainsail": lambda at: search_params(f"{at}?action=stream", "timestamp", NOW),
    "mainsail-twice": lambda at: search_params(f"{at}?action=stream&{NOW}", "timestamp", NOW),
    "fluidd": lambda at: search_params(f"{at}?action=stream", "cacheBust", NOW),
    "ustreamer": lambda at: f"{at}stream?extra_headers=1&dual_final_frames=1&key=k&zero_data=1",
    "flask": lambda at: f"{at}video_feed",
    "flask-busted": lambda at: f"{at}video_feed?t={NOW}",
}
SNAPSHOTS = {
    "mjpg-streamer": lambda at: f"{at}?action=snapshot",
    "octoprint": lambda at: f"{at}?action=snapshot&{NOW}",
    "mainsail-adaptive": lambda at: search_params(f"{at}?action=snapshot", "bypassCache", NOW),
    "fluidd-adaptive": lambda at: search_params(f"{at}?action=snapshot", "cacheBust", NOW),
    "ustreamer": lambda at: f"{at}snapshot",
    "cameras": lambda at: f"{at}snapshot.jpg?{NOW}",
}


@pytest.mark.parametrize("prefix", ["/", "/webcam/", "/webcam2/", "/cam/front/"])
def test_addresses_as_clients_make_them(make_stack, prefix):
    stack = make_stack("--warmup", 0)
    for name, address in STREAMS.items():
        with stack.stream(address(prefix)) as stream:
            assert client.pattern_number(stream.part().body), name
        assert stream.headers.get_content_type() == "multipart/x-mixed-replace", name
    for name, address in SNAPSHOTS.items():
        answer = stack.get(address(prefix))
        assert answer.status == 200 and answer.headers["Content-Type"] == "image/jpeg", name
        client.pattern_number(answer.body)


# --- the ways they ask ---


def base(stack):
    return f"http://127.0.0.1:{stack.port}"


def octoprint_snapshot(stack):
    """Its time-lapse: five seconds, in pieces of 1024 bytes, an error for any other status."""
    response = requests.get(f"{base(stack)}/webcam/?action=snapshot", stream=True, timeout=5)
    response.raise_for_status()
    return b"".join(response.iter_content(chunk_size=1024))


def test_octoprint_snapshot_of_a_sleeping_camera(stack):
    assert stack.camera_state() == "idle"
    assert client.pattern_number(octoprint_snapshot(stack)) > 1
    stack.post("/shutdown")
    with pytest.raises(requests.HTTPError, match="503"):
        octoprint_snapshot(stack)


@tool("wget")
def test_moonraker_timelapse(stack, tmp_path):
    """It gives wget two seconds, also for a camera that sleeps."""
    began = time.monotonic()
    for number in (1, 2):
        frame = tmp_path / f"frame{number:06}.jpg"
        answer = run("wget", f"{base(stack)}/webcam/?action=snapshot", "-O", frame)
        assert answer.returncode == 0, answer.stderr
        client.pattern_number(frame.read_bytes())
    assert time.monotonic() - began < 2 * SLOW
    stack.post("/shutdown")
    assert run("wget", "-t", 1, f"{base(stack)}/?action=snapshot", "-O", frame).returncode != 0


def home_assistant_image(stack):
    """Without a still image's address: the first picture in a stream's first 100 KB."""
    response = requests.get(f"{base(stack)}/video_feed", stream=True, timeout=10)
    with response:
        response.raise_for_status()
        return next(readers.scanner(response.iter_content(102400)))


def test_home_assistant_image(stack):
    with stack.stream() as stream:
        newest = stream.pictures(30)[-1]
        began = time.monotonic()
        assert client.pattern_number(home_assistant_image(stack)) >= newest.seq
        assert time.monotonic() - began < 10  # then it gives up
    wait_for(lambda: stack.state()["stream"]["clients"] == 0, "it has hung up")


def ustreamer_summary(stack):
    """The keys that µStreamer's users read, as they read them."""
    answer = requests.get(f"{base(stack)}/state", timeout=5).json()
    assert answer["ok"] is True
    encoder, source = answer["result"]["encoder"], answer["result"]["source"]
    size, stream = source["resolution"], answer["result"]["stream"]
    for number in (encoder["quality"], size["width"], size["height"], stream["clients"]):
        assert type(number) is int
    assert stream["clients"] == len(stream["clients_stat"])
    rates = [source["captured_fps"], stream["queued_fps"]]
    rates += [viewer["fps"] for viewer in stream["clients_stat"].values()]
    return source["online"], f"{size['width']}x{size['height']}", [round(rate) for rate in rates]


def test_ustreamer_state(make_stack):
    stack = make_stack("--fps", 10)
    assert ustreamer_summary(stack) == (False, "320x240", [0, 0])
    with stack.stream() as first, stack.stream() as second:
        first.pictures(30)
        second.pictures(10)
        online, size, rates = ustreamer_summary(stack)
    assert online and size == "320x240" and len(rates) == 4
    assert all(8 <= rate <= 12 for rate in rates), rates
    missing = make_stack(device="/nonexistent")
    assert ustreamer_summary(missing) == (False, "320x240", [0, 0])


# --- programs ---

# Frigate's preset-http-mjpeg-generic, and its raw pictures for detection.
FRIGATE = """-hide_banner -loglevel warning -threads 2 -user_agent FFmpeg/Frigate
    -avoid_negative_ts make_zero -fflags nobuffer -flags low_delay -strict experimental
    -fflags +genpts+discardcorrupt -use_wallclock_as_timestamps 1""".split()
# What go2rtc runs for "ffmpeg:http://…#video=h264".
GO2RTC = "-hide_banner -v error -fflags nobuffer -flags low_delay".split()
H264 = """-c:v libx264 -g 50 -profile:v high -level:v 4.1 -preset:v superfast -tune:v zerolatency
    -pix_fmt:v yuv420p -an""".split()


@tool("ffmpeg")
def test_frigate(stack):
    answer = run(
        *("ffmpeg", *FRIGATE, "-i", f"{base(stack)}/video_feed", "-r", 5, "-vf", "fps=5,scale=320:240"),
        *("-threads", 2, "-frames:v", 10, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"),
    )
    assert answer.returncode == 0, answer.stderr
    assert len(answer.stdout) == 10 * 320 * 240 * 3 // 2


@tool("ffmpeg")
def test_go2rtc_as_h264(stack, tmp_path):
    film = tmp_path / "film.ts"
    answer = run(
        *("ffmpeg", *GO2RTC, "-i", f"{base(stack)}/video_feed?frames=45", *H264),
        *("-fps_mode", "passthrough", film),
    )
    assert answer.returncode == 0, answer.stderr
    probe = run("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", film)
    (video,) = json.loads(probe.stdout)["streams"]
    assert video["codec_name"] == "h264" and int(video["nb_read_frames"]) >= 44
