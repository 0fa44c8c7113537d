# SPDX-License-Identifier: MIT
"""The other examples, a worker on TCP, many viewers through TLS, restarts under load."""

import concurrent.futures
import contextlib
import re
import signal
import statistics
import subprocess
import threading
import time

import PIL.Image
import pytest

import client
import secure
from recipes import SECOND_NGINX, deploy, in_one_nginx
from stack import SLOW, free_port, wait_for
from test_viewers import CUT

VIEWERS = 100
BASIC = {"Authorization": "Basic bWU6c2VjcmV0"}


@pytest.fixture
def make_site(make_stack):
    def make(*examples, arguments=(), **options):
        stack = make_stack(*arguments, start=False, cameras=("front",))
        return deploy(stack, *examples, **options)

    return make


# --- limits ---


def test_streams_of_one_address_are_limited(make_site):
    site = make_site("limits")
    site.stack.nginx.allowed.append("limiting connections by zone")
    with contextlib.ExitStack() as held:
        for path in ("video_feed", "stream", "?action=stream", "video_feed?fps=1"):
            held.enter_context(site.stream(f"/cam/front/{path}")).pictures(1)
        for path in ("video_feed", "stream", "?action=stream"):
            assert site.get(f"/cam/front/{path}").status == 429, path
        for path in ("", "state", "snapshot"):
            assert site.get(f"/cam/front/{path}").status == 200, path
    wait_for(lambda: can_stream(site), "a place is free again")


def can_stream(site):
    with site.stream() as stream:
        return stream.begin().status == 200


def test_posts_of_one_address_are_limited(make_site):
    site = make_site("limits")
    site.stack.nginx.allowed.append("limiting requests|delaying request")
    statuses = [site.post("/cam/front/start").status for _ in range(30)]
    assert statuses[:11] == [200] * 11
    assert statuses.count(429) >= 15
    assert {site.get("/cam/front/state").status for _ in range(30)} == {200}


# --- second-nginx ---


def test_behind_a_second_nginx(make_site):
    site = make_site(*SECOND_NGINX, **in_one_nginx(), arguments=["--fps", 5])
    site.stack.nginx.allowed.append("buffered to a temporary file")
    here = f"127.0.0.1:{site.ports[80]}"
    redirect = site.get("/cam/front").headers["Location"]
    assert redirect in ("/cam/front/", f"http://{here}/cam/front/")
    with site.stream() as stream:
        stream.pictures(2)
        wall = time.time() - time.monotonic()
        delays = [wall + part.received - part.timestamp for part in stream.pictures(6)]
    assert statistics.median(delays) < 0.1 * SLOW, delays
    for headers, status in (
        ({}, 200),
        ({"Origin": f"http://{here}"}, 200),
        ({"Origin": f"http://127.0.0.1:{site.ports[8080]}"}, 403),
        ({"Origin": "http://evil.example"}, 403),
    ):
        assert site.post("/cam/front/shutdown", headers=headers).status == status, headers


def test_a_viewer_cannot_choose_its_address(make_site):
    """X-Forwarded-For of the client is replaced by the front nginx."""
    site = make_site(*SECOND_NGINX, **in_one_nginx())
    with site.stream(headers={"X-Forwarded-For": "6.6.6.6"}) as stream:
        stream.pictures(1)
    wait_for(lambda: "it left" in site.stack.worker.log)
    assert "6.6.6.6" not in site.stack.worker.log and "127.0.0.1" in site.stack.worker.log


# --- picture-when-down ---


def test_a_picture_while_the_worker_is_down(make_site):
    site = make_site("picture-when-down", start_worker=False)
    site.stack.nginx.allowed.append(r"connect\(\) to unix:.*No such file")
    (site.directory / "www").mkdir()
    PIL.Image.new("RGB", (64, 48), "red").save(site.directory / "www/camera-down.jpg")
    for path in ("video_feed", "stream", "snapshot", "snapshot.jpg", "?action=stream"):
        answer = site.get(f"/cam/front/{path}")
        assert answer.status == 503 and answer.headers["Retry-After"] == "5", path
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert client.decode(answer.body).size == (64, 48)
    for path in ("state", "controls", "healthz"):
        answer = site.get(f"/cam/front/{path}")
        assert answer.status == 503 and b"JFIF" not in answer.body, path
    assert site.post("/cam/front/shutdown").status == 503
    assert site.get("/cam/front/").status == 200
    site.stack.start_worker("front")
    assert client.decode(site.get("/cam/front/snapshot").body).size == (320, 240)
    assert site.post("/cam/front/shutdown").status == 200
    released = site.get("/cam/front/snapshot")
    assert released.status == 503 and released.headers["X-Camera-State"] == "released"


# --- snapshot-cache ---


def test_one_snapshot_a_second_for_everybody(make_site):
    site = make_site("snapshot-cache")
    first = site.get("/cam/front/snapshot")
    assert client.decode(first.body).size == (320, 240)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: site.get("/cam/front/snapshot"), range(100)))
    seconds = time.monotonic() - began
    assert {a.status for a in answers} == {200}
    seen = {a.headers["X-Frame-Seq"] for a in answers}
    assert len(seen) <= seconds + 2
    # HEAD does not spoil it, nor does a parameter go round it.
    assert site.get("/cam/front/snapshot", method="HEAD").status == 200
    for path in ("snapshot.jpg", "?action=snapshot", "snapshot?max_age=0&1608856928650"):
        client.decode(site.get(f"/cam/front/{path}").body)
    assert site.post("/cam/front/shutdown").status == 200
    wait_for(lambda: site.get("/cam/front/snapshot").status == 503, "no picture from the cache")


# --- a worker on TCP ---


def test_a_worker_on_tcp(make_site, make_worker):
    """The snippet, but for the address, by the sed of the README."""
    port = free_port()
    site = make_site("limits", start_worker=False)
    snippet = site.directory / "snippets/webcam-fcgi.conf"
    subprocess.run(
        ["sed", "-i", f"s|unix:.*sock|127.0.0.1:{port}|", snippet], check=True
    )
    make_worker("-d", "pattern", "-r", "320x240", "--listen", f"tcp:127.0.0.1:{port}").wait_up()
    site.stack.nginx.signal(signal.SIGHUP)
    wait_for(lambda: site.get("/cam/front/healthz").status == 200, "nginx has the new address")
    site.stack.nginx.allowed.append("No such file")
    with site.stream() as stream:
        stream.pictures(5)
    assert site.post("/cam/front/shutdown").status == 200


# --- many, and for long ---


def restart_nginx_with(stack, **settings):
    """Other values of some of its settings."""
    stack.nginx.stop()
    config = stack.directory / "nginx.conf"
    text = config.read_text()
    for name, value in settings.items():
        text, count = re.subn(rf"{name} \w+;", f"{name} {value};", text)
        assert count == 1, name
    config.write_text(text)
    return stack.start_nginx()


def test_a_hundred_viewers_through_tls(make_site):
    site = make_site("https-password", arguments=["--fps", 5, "--max-viewers", VIEWERS])
    stack = site.stack
    # Two a viewer, and a few for itself.
    restart_nginx_with(stack, worker_processes=1, worker_connections=2 * VIEWERS + 20)
    with contextlib.ExitStack() as held:
        viewers = [
            held.enter_context(
                secure.TlsStream(
                    site.ports[443], "/cam/front/video_feed", site.certificate, BASIC, 60
                )
            )
            for _ in range(VIEWERS)
        ]
        for viewer in viewers:
            numbers = [client.pattern_number(part.body) for part in viewer.pictures(5)]
            assert numbers == sorted(set(numbers))
        full = site.curl("/cam/front/video_feed", "-u", "me:secret")
        assert full.status == 503 and full.headers["Retry-After"] == "5"
        assert b'"clients":100' in site.curl("/cam/front/state", "-u", "me:secret").body
    wait_for(
        lambda: b'"clients":0' in site.curl("/cam/front/state", "-u", "me:secret").body,
        "all have left",
    )


class Watcher(threading.Thread):
    """A viewer that comes back a quarter of a second after it was sent away, as the page does."""

    def __init__(self, site):
        super().__init__()
        self.site = site
        self.done = threading.Event()
        self.newest = time.monotonic()
        self.longest_gap = 0.0
        self.pictures = self.connections = 0

    def watch(self):
        with secure.TlsStream(
            self.site.ports[443], "/cam/front/video_feed", self.site.certificate, BASIC
        ) as stream:
            self.connections += 1
            while not self.done.is_set() and (part := stream.part()):
                self.longest_gap = max(self.longest_gap, part.received - self.newest)
                self.newest = part.received
                self.pictures += 1

    def run(self):
        while not self.done.is_set():
            with contextlib.suppress(OSError, AssertionError):
                self.watch()
            self.done.wait(0.25)


@pytest.fixture
def watched(make_site):
    """A site with ten watchers on it; what happened to them is looked at in the end."""
    site = make_site("https-password", arguments=["--fps", 10])
    restart_nginx_with(site.stack, worker_shutdown_timeout="2s")
    site.stack.nginx.allowed += [CUT, "Connection refused", "No such file"]
    watchers = [Watcher(site) for _ in range(10)]
    for watcher in watchers:
        watcher.start()

    def progress(count=10):
        """Everybody sees so many more pictures."""
        goals = [(w, w.pictures + count) for w in watchers]
        wait_for(lambda: all(w.pictures >= goal for w, goal in goals), "all see pictures", 40)

    progress()
    yield site, watchers, progress
    for watcher in watchers:
        watcher.done.set()
    for watcher in watchers:
        watcher.join(30)


def test_nginx_reloads_under_load(watched):
    """Old processes keep their streams for worker_shutdown_timeout; shortened here."""
    site, watchers, progress = watched
    for _ in range(2):
        site.stack.nginx.signal(signal.SIGHUP)
        progress()
        wait_for(lambda: old_processes(site) == 0, "the old processes have gone")
    progress()
    assert max(w.longest_gap for w in watchers) < 2 * SLOW
    assert max(w.connections for w in watchers) > 1


def old_processes(site):
    command = ["ps", "--ppid", str(site.stack.nginx.pid), "-o", "args="]
    return subprocess.run(command, stdout=subprocess.PIPE).stdout.count(b"shutting down")


def test_everything_restarts_under_load(watched):
    site, watchers, progress = watched
    stack = site.stack
    assert stack.nginx.stop() == 0
    stack.start_nginx().allowed += [CUT, "Connection refused", "No such file"]
    progress()
    assert stack.worker.stop() == 0
    stack.start_worker("front")
    progress()
    assert max(w.longest_gap for w in watchers) < 4 * SLOW
