# SPDX-License-Identifier: MIT
"""README.md, "Use it with …": every snippet there is run, or parsed and its addresses fetched."""

import configparser
import contextlib
import html.parser
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

import client
from stack import ROOT, SLOW
from test_sites import site  # noqa: F401 (a fixture)

SECTION = re.search(r"^## Use it with …\n(.*?)^## ", (ROOT / "README.md").read_text(), re.M | re.S)[1]
SNIPPETS = re.findall(r"^```(\w+)\n(.*?)^```$", SECTION, re.M | re.S)
HOST = "http://pi.local:5000"
ADDRESS = re.compile(re.escape(HOST) + r"[^\s\"'`#<>]*")
STREAM, STILL = "multipart/x-mixed-replace", "image/jpeg"


def snippet(language, word):
    """The one snippet of that language with that word in it."""
    (text,) = [text for kind, text in SNIPPETS if kind == language and word in text]
    return text.rstrip("\n")


def line(language, word):
    return next(x for x in snippet(language, word).splitlines() if word in x)


def kind_of(stack, address):
    """What is at an address of the README, its first picture decoded."""
    with stack.stream(address.removeprefix(HOST)) as answer:
        answer.begin()
        kind = answer.headers.get_content_type()
        assert answer.status == 200, address
        if kind == STREAM:
            client.pattern_number(answer.part().body)
    return kind


def aimed(command, stack, frames=None):
    """A command as a person would type it, at our stack; `frames` makes its stream end."""
    addresses = ADDRESS.findall(command)
    assert len(addresses) == 1, command
    ending = f"{'&' if '?' in addresses[0] else '?'}frames={frames}" if frames else ""
    ours = addresses[0].replace(HOST, f"http://127.0.0.1:{stack.port}") + ending
    # The & that an address has now is none of the shell's.
    return command.replace(f'"{addresses[0]}"', addresses[0]).replace(addresses[0], f'"{ours}"')


def shell(command, directory, **options):
    return subprocess.run(
        ["sh", "-c", command],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        **options,
    )


def tool(name):
    return pytest.mark.skipif(not shutil.which(name), reason=f"{name} is not installed")


@pytest.fixture
def quick(make_stack):
    return make_stack("--warmup", 0)


def test_every_address(quick):
    addresses = {ADDRESS.search(text)[0] for text in re.findall(r"http://pi\.local\S+", SECTION)}
    assert len(addresses) >= 6
    for address in addresses - {HOST + "/"}:
        still = "snapshot" in address
        assert kind_of(quick, address) == (STILL if still else STREAM), address
    assert b"<html" in quick.get("/").body


def test_every_snippet_has_a_test_here():
    """What stands in the README and is not below fails."""
    tested = [
        ("yaml", "classicwebcam"),
        ("ini", "[webcam bed]"),
        ("text", "MJPEG URL"),
        ("yaml", "go2rtc"),
        ("sh", "recording.mkv"),
        ("sh", "mpv"),
        ("python", "cv2"),
        ("crontab", "curl"),
        ("sh", "timelapse.mp4"),
        ("html", HOST),
        ("html", "/cam/front/"),
    ]
    assert sorted((kind, snippet(kind, word)) for kind, word in tested) == sorted(
        (kind, text.rstrip("\n")) for kind, text in SNIPPETS
    )


# --- settings ---


def parsed(word):
    yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
    return yaml.safe_load(snippet("yaml", word))


def test_octoprint(quick):
    camera = parsed("classicwebcam")["plugins"]["classicwebcam"]
    assert set(camera) == {"stream", "snapshot"}
    assert kind_of(quick, camera["stream"]) == STREAM
    assert kind_of(quick, camera["snapshot"]) == STILL


def test_moonraker(quick):
    config = configparser.ConfigParser(interpolation=None)
    config.read_string(snippet("ini", "[webcam bed]"))
    camera = dict(config["webcam bed"])
    # Mainsail and Fluidd know it by this name; Moonraker insists on both addresses.
    assert camera.pop("service") == "mjpegstreamer"
    assert kind_of(quick, camera.pop("stream_url")) == STREAM
    assert kind_of(quick, camera.pop("snapshot_url")) == STILL
    assert not camera


def test_mainsail_from_its_own_origin(make_stack):
    """The setting that the README gives for it."""
    name, origin = re.search(r"`(WEBCAM_ALLOW_ORIGIN)=(\S+)`", SECTION).groups()
    for environment, allowed in (({}, None), ({name: origin}, origin)):
        stack = make_stack(environment=environment)
        with stack.stream("/?action=stream&timestamp=1", headers={"Origin": origin}) as stream:
            assert stream.begin().headers["Access-Control-Allow-Origin"] == allowed


def test_home_assistant(quick):
    fields = dict(re.split(r"\s{2,}", text) for text in snippet("text", "MJPEG URL").splitlines())
    assert kind_of(quick, fields.pop("MJPEG URL")) == STREAM
    assert kind_of(quick, fields.pop("Still Image URL")) == STILL
    assert not fields


def test_frigate(quick):
    config = parsed("go2rtc")
    ((name, source),) = config["go2rtc"]["streams"].items()
    program, _, address = source.partition(":")
    address, _, options = address.partition("#")
    assert program == "ffmpeg" and options == "video=h264"
    assert kind_of(quick, address) == STREAM
    # Frigate reads what go2rtc serves under that name.
    assert list(config["cameras"]) == [name]
    (source,) = config["cameras"][name]["ffmpeg"]["inputs"]
    assert source == {"path": f"rtsp://127.0.0.1:8554/{name}", "roles": ["detect", "record"]}


class Images(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        assert tag == "img" and dict(attributes)["alt"]
        self.found.append(dict(attributes)["src"])


def test_image_on_another_page(quick):
    (address,) = Images(snippet("html", HOST)).found
    assert kind_of(quick, address) == STREAM


def test_several_cameras(site):  # noqa: F811
    stack = site()
    addresses = Images(snippet("html", "/cam/front/")).found
    with contextlib.ExitStack() as streams:
        for name, address in zip(("front", "back"), addresses, strict=True):
            assert address.startswith(f"/cam/{name}/")
            stream = streams.enter_context(stack.stream(address))
            stream.pictures(2)
            clients = json.loads(stack.get(f"/cam/{name}/state").body)["result"]["stream"]
            assert clients["clients"] == 1


# --- programs ---


def probe(path):
    answer = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_frames", "-of", "json"]
        + [path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    assert answer.returncode == 0 and not answer.stderr, answer.stderr
    found = json.loads(answer.stdout)
    (stream,) = found["streams"]
    return stream, [float(frame["pts_time"]) for frame in found["frames"]]


@tool("ffmpeg")
def test_ffmpeg_recording(stack, tmp_path):
    answer = shell(aimed(snippet("sh", "recording.mkv"), stack, frames=25), tmp_path)
    assert answer.returncode == 0, answer.stdout
    stream, times = probe(tmp_path / "recording.mkv")
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("mjpeg", 320, 240)
    assert len(times) == 25 and times == sorted(times)
    # A few may have come in a hurry, after one that was late.
    assert len(set(times)) >= 20
    # At the speed of life: 24 intervals of a tenth of a second.
    assert 2.2 < times[-1] - times[0] < 2.4 + 2 * SLOW
    (tmp_path / "recording.mkv").unlink()
    stack.post("/shutdown")
    answer = shell(aimed(snippet("sh", "recording.mkv"), stack), tmp_path)
    assert answer.returncode != 0 and b"503" in answer.stdout
    assert not (tmp_path / "recording.mkv").exists()


@tool("ffmpeg")
@tool("curl")
def test_timelapse(quick, tmp_path):
    *when, command = snippet("crontab", "curl").split(" ", 5)
    assert when == ["*"] * 5
    # cron ends a line at %, unless there is a \ before it, which it takes away.
    assert not re.search(r"(?<!\\)%", command)
    command = aimed(command.replace("\\%", "%"), quick)
    pictures = tmp_path / "timelapse"
    pictures.mkdir()
    assert shell(command, tmp_path).stdout == b""
    ((name, jpeg),) = [(path.name, path.read_bytes()) for path in pictures.iterdir()]
    assert re.fullmatch(r"\d{10}\.jpg", name)
    client.pattern_number(jpeg)
    for number in range(9):
        (pictures / f"200000000{number}.jpg").write_bytes(quick.get("/snapshot").body)
    film = shell(snippet("sh", "timelapse.mp4"), tmp_path)
    assert film.returncode == 0, film.stdout
    stream, times = probe(tmp_path / "timelapse.mp4")
    assert stream["codec_name"] == "h264" and stream["pix_fmt"] == "yuv420p" and len(times) == 10


@tool("curl")
def test_timelapse_while_the_camera_is_off(quick, tmp_path):
    quick.post("/shutdown")
    (tmp_path / "timelapse").mkdir()
    command = aimed(line("crontab", "curl").split(" ", 5)[5].replace("\\%", "%"), quick)
    answer = shell(command, tmp_path)
    assert answer.returncode != 0 and b"503" in answer.stdout
    assert not list((tmp_path / "timelapse").iterdir())


def test_opencv(stack):
    pytest.importorskip("cv2", reason="OpenCV (python3-opencv) is not installed")
    code = aimed(snippet("python", "cv2"), stack, frames=20)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102
    lines = printed.getvalue().splitlines()
    assert len(lines) == 20
    assert all(text.startswith("(240, 320, 3) ") for text in lines)


@pytest.fixture
def anybody():
    """A directory, and how to run a program in it as nobody in particular."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="webcam-e2e-anybody."))
    directory.chmod(0o777)
    drop = "setpriv --reuid=65534 --regid=65534 --clear-groups " if os.getuid() == 0 else ""
    environment = {"HOME": str(directory), "PATH": os.environ["PATH"]}
    yield directory, lambda command: shell(drop + command, directory, env=environment)
    shutil.rmtree(directory)


@tool("mpv")
@pytest.mark.parametrize("advance", ["", "&advance_headers=1"])
def test_mpv(stack, anybody, advance):
    directory, run = anybody
    command = aimed(line("sh", "mpv"), stack, frames=f"20{advance}")
    answer = run(command.replace("mpv ", "mpv --no-config --vo=image ", 1))
    assert answer.returncode == 0, answer.stdout
    shown = [client.pattern_number(path.read_bytes()) for path in sorted(directory.glob("*.jpg"))]
    assert len(shown) == 20 and shown == sorted(set(shown)), answer.stdout


@tool("vlc")
@pytest.mark.parametrize("advance", ["", "&advance_headers=1"])
def test_vlc(stack, anybody, advance):
    """It refuses root. What it takes from the stream is written behind one another."""
    directory, run = anybody
    command = aimed(line("sh", "vlc"), stack, frames=f"40{advance}")
    headless = "vlc -I dummy --no-audio --play-and-exit --sout=#std{access=file,mux=dummy,dst=out} "
    answer = run(command.replace("vlc ", headless, 1))
    assert answer.returncode == 0, answer.stdout
    jpegs = (directory / "out").read_bytes().split(b"\xff\xd8")[1:]
    shown = [client.pattern_number(b"\xff\xd8" + jpeg) for jpeg in jpegs]
    # It waits for the boundary behind a picture, and the last one's is a closing one.
    assert len(shown) >= 39 and shown == sorted(set(shown)), answer.stdout
