# SPDX-License-Identifier: MIT
"""The programs that people really point at a stream."""

import json
import shutil
import subprocess

import pytest

import client

cv2 = pytest.importorskip("cv2", reason="OpenCV (python3-opencv) is not installed")


def tool(name):
    return pytest.mark.skipif(not shutil.which(name), reason=f"{name} is not installed")


def url(stack, path="/video_feed"):
    return f"http://127.0.0.1:{stack.port}{path}"


def run(*command, **options):
    command = list(map(str, command))
    return subprocess.run(command, capture_output=True, timeout=60, **options)


@tool("curl")
def test_curl(stack):
    result = run("curl", "-sS", "-f", url(stack, "/video_feed?frames=10"))
    assert result.returncode == 0, result.stderr
    assert result.stdout.count(b"--frame\r\n") == 10
    assert result.stdout.endswith(b"\r\n--frame--\r\n")
    assert run("curl", "-sS", "-X", "POST", url(stack, "/shutdown")).stdout == b"Capture released"
    assert run("curl", "-sS", "-d", "", url(stack, "/start")).stdout == b"Capture started"
    assert client.decode(run("curl", "-sS", "-f", url(stack, "/snapshot")).stdout)


@tool("ffmpeg")
@pytest.mark.parametrize("demuxer", [["-f", "mpjpeg"], []])
@pytest.mark.parametrize("query", ["", "?advance_headers=1"])
def test_ffmpeg(stack, demuxer, query):
    result = run(
        *("ffmpeg", "-v", "warning", "-progress", "-", *demuxer),
        *("-i", url(stack, "/video_feed" + query)),
        *("-frames:v", 30, "-f", "null", "-"),
    )
    assert result.returncode == 0, result.stderr
    assert b"frame=30" in result.stdout
    for complaint in (b"corrupt", b"rror", b"nvalid", b"overread"):
        assert complaint not in result.stderr, result.stderr


@tool("ffmpeg")
def test_ffmpeg_reads_to_the_end(stack):
    """The closing tail is no broken packet to it."""
    result = run(
        *("ffmpeg", "-v", "warning", "-progress", "-", "-f", "mpjpeg"),
        *("-i", url(stack, "/video_feed?frames=12"), "-fps_mode", "passthrough", "-f", "null", "-"),
    )
    assert result.returncode == 0, result.stderr
    assert b"frame=12" in result.stdout
    # It says this of any answer without a length or chunks, however it ends.
    complaints = [x for x in result.stderr.splitlines() if b"Stream ends prematurely" not in x]
    assert not [x for x in complaints if b"Input/output error" not in x], result.stderr


@tool("ffprobe")
def test_ffprobe(stack):
    result = run(
        *("ffprobe", "-v", "error", "-f", "mpjpeg", "-show_streams", "-of", "json"),
        url(stack, "/video_feed?frames=20"),
    )
    assert result.returncode == 0, result.stderr
    (stream,) = json.loads(result.stdout)["streams"]
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("mjpeg", 320, 240)


def test_opencv(stack):
    video = cv2.VideoCapture(url(stack), cv2.CAP_FFMPEG)
    try:
        assert video.isOpened()
        numbers = []
        for _ in range(30):
            good, picture = video.read()
            assert good and picture.shape == (240, 320, 3)
            row = picture[240 - 10].mean(axis=1)
            cells = [row[(2 * cell + 1) * 320 // 64] > 127 for cell in range(32)]
            numbers.append(sum(1 << (31 - i) for i, cell in enumerate(cells) if cell))
    finally:
        video.release()
    assert numbers == sorted(set(numbers))
