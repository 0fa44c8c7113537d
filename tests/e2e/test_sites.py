# SPDX-License-Identifier: MIT
"""The snippet in an admin's own site, and a second nginx in front."""

import json
import statistics
import subprocess
import time

import pytest

import client
from stack import ROOT, SLOW, Nginx, free_port, wait_for

SITE = """
	server {
		listen 127.0.0.1:%(port)s;
		root %(directory)s/neighbour;
		index index.html;

		# The neighbour's own, which would take the camera's files without the ^~.
		location ~* \\.(css|js|jpg|html)$ { add_header X-Neighbour yes; }
		location ~ ^/(state|start|cam/.*/metrics)$ { return 418; }

		location = /cam/front { return 301 /cam/front/; }
		location ^~ /cam/front/ {
			%(front)s
			include webcam-fcgi.conf;
		}
		location = /cam/back { return 301 /cam/back/; }
		location ^~ /cam/back/ { include webcam-fcgi.conf; }
	}
}
"""


@pytest.fixture
def site(make_stack):
    """site(what stands before the include of camera `front`): the neighbour's nginx."""

    def make(front=""):
        stack = make_stack(start=False, cameras=("front", "back"))
        stack.render(listen=f"127.0.0.1:{stack.port}", html=ROOT / "html")
        neighbour = stack.directory / "neighbour"
        neighbour.mkdir()
        for name in ("index.html", "app.js", "style.css", "snapshot.jpg"):
            (neighbour / name).write_text("the neighbour's")
        path = stack.directory / "nginx.conf"
        http = path.read_text().partition("\tserver {")[0]
        names = {"port": stack.port, "directory": stack.directory, "front": front}
        path.write_text(http + SITE % names)
        for name in stack.cameras:
            stack.workers[name] = stack.start_worker(
                name, [*stack.arguments, "--instance-id", name]
            )
        stack.start_nginx()
        return stack

    return make


def test_two_cameras_beside_a_neighbour(site):
    stack = site()
    for name in ("front", "back"):
        redirect = stack.get(f"/cam/{name}")
        assert redirect.status == 301
        assert redirect.headers["Location"].endswith(f"/cam/{name}/")
        page = stack.get(f"/cam/{name}/")
        assert page.status == 200 and b"<html" in page.body
        for file in ("app.js", "style.css"):
            ours = stack.get(f"/cam/{name}/{file}")
            assert ours.status == 200 and b"neighbour" not in ours.body
            assert ours.headers["X-Neighbour"] is None
        state = json.loads(stack.get(f"/cam/{name}/state").body)
        assert state["result"]["instance_id"] == name
        for path in ("video_feed", "stream", "?action=stream"):
            with stack.stream(f"/cam/{name}/{path}") as stream:
                client.pattern_number(stream.pictures(2)[1].body)
        for path in ("snapshot", "snapshot.jpg", "?action=snapshot"):
            assert stack.get(f"/cam/{name}/{path}").headers["Content-Type"] == "image/jpeg"
        assert b"webcam_up" in stack.get(f"/cam/{name}/metrics").body
    assert stack.get("/").body == b"the neighbour's"
    assert stack.get("/app.js").headers["X-Neighbour"] == "yes"
    assert stack.get("/snapshot.jpg").body == b"the neighbour's"


def test_one_camera_off_the_other_on(site):
    stack = site()
    with stack.stream("/cam/front/stream") as front, stack.stream("/cam/back/stream") as back:
        front.pictures(2)
        back.pictures(2)
        assert stack.post("/cam/front/shutdown").status == 200
        front.rest()
        back.pictures(20)
    assert stack.get("/cam/front/stream").status == 503
    assert stack.get("/cam/back/snapshot").status == 200


def test_a_path_cannot_name_another_camera(site):
    stack = site()
    stack.nginx.allowed.append("neighbour/.* failed .2: No such file")
    for path in (
        "/cam/front/back/state",
        "/cam/front/back/video_feed",
        "/cam/state",
        "/cam/other/state",
        "/back/state",
        "/cam/front/../secret",
    ):
        assert stack.get(path).status == 404, path


def test_missing_worker_is_a_502(site):
    stack = site()
    stack.nginx.allowed.append("connect\\(\\) to unix:.*No such file")
    stack.workers["back"].stop()
    assert stack.get("/cam/back/state").status == 502
    assert stack.get("/cam/back/").status == 200
    assert stack.get("/cam/front/state").status == 200


def test_control_protected_alone(site):
    stack = site("location ~ /(?:start|controls)$ { deny all; }")
    stack.nginx.allowed.append("access forbidden by rule")
    assert stack.post("/cam/front/start").status == 403
    assert stack.get("/cam/front/controls").status == 403
    assert stack.get("/cam/front/state").status == 200
    assert stack.post("/cam/front/shutdown").status == 200
    assert stack.post("/cam/back/start").status == 200


def test_all_of_a_camera_protected(site):
    stack = site("deny all;")
    stack.nginx.allowed.append("access forbidden by rule")
    for path in ("", "app.js", "video_feed", "snapshot", "state", "start", "?action=stream"):
        assert stack.get(f"/cam/front/{path}").status == 403, path
    assert stack.get("/cam/back/state").status == 200


def test_control_off(make_stack):
    """What `make run` renders for the network."""
    stack = make_stack(start=False)
    stack.render(listen=f"127.0.0.1:{stack.port}", control="off")
    stack.start_worker()
    stack.start_nginx()
    stack.nginx.allowed.append("access forbidden by rule")
    assert stack.post("/start").status == 403
    assert stack.post("/shutdown").status == 200


def test_operate_is_not_public(make_stack):
    """From an address that is not loopback's own: a neighbour on 127.0.0.2 counts as public."""
    stack = make_stack()
    stack.nginx.allowed.append("access forbidden by rule")
    for path in ("/metrics", "/healthz", "/readyz"):
        answer = subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--interface", "127.0.0.2"]
            + [f"http://127.0.0.1:{stack.port}{path}"],
            stdout=subprocess.PIPE,
            timeout=20,
        )
        assert answer.stdout == b"403"
        assert stack.get(path).status == 200


FRONT = """
daemon off;
pid nginx.pid;
error_log stderr warn;
events { }
http {
	access_log off;
	client_body_temp_path body;
	fastcgi_temp_path fastcgi;
	proxy_temp_path proxy;
	scgi_temp_path scgi;
	uwsgi_temp_path uwsgi;
	server {
		listen 127.0.0.1:%d;
		location /keeps/ { proxy_pass http://127.0.0.1:%d; }
		location /strips/ { proxy_pass http://127.0.0.1:%d/; }
		location /host/ { proxy_pass http://127.0.0.1:%d/; proxy_set_header Host $http_host; }
	}
}
"""


@pytest.fixture
def front(make_stack, tmp_path):
    """(inner stack, port of a plain nginx in front of it)."""
    stack = make_stack("--fps", 5)
    port = free_port()
    (tmp_path / "nginx.conf").write_text(FRONT % (port, *[stack.port] * 3))
    nginx = Nginx(tmp_path)
    # It has no buffers set for us, as nobody's has.
    nginx.allowed.append("buffered to a temporary file")
    yield stack, nginx.wait_up(port) and port
    assert not nginx.finish()


@pytest.mark.parametrize("prefix", ["/keeps/", "/strips/", "/host/"])
def test_second_nginx_does_not_buffer(front, prefix):
    """Parts arrive as they are sent: a buffer would hold the small ones for half a second."""
    _, port = front
    with client.Stream(port, f"{prefix}video_feed") as stream:
        stream.pictures(2)
        wall = time.time() - time.monotonic()
        delays = [wall + part.received - part.timestamp for part in stream.pictures(8)]
    assert statistics.median(delays) < 0.1 * SLOW, delays
    page = client.request(port, prefix)
    assert page.status == 200 and b"<html" in page.body


def test_post_through_a_second_nginx(front):
    stack, port = front
    outer = {"Origin": f"http://127.0.0.1:{port}"}

    def post(path, headers=()):
        return client.request(port, path, method="POST", headers=headers)

    # Browsers on https or localhost say it themselves; scripts say nothing.
    assert post("/strips/shutdown", outer | {"Sec-Fetch-Site": "same-origin"}).status == 200
    assert post("/strips/start").status == 200
    # Others need the Host that the browser sees …
    assert post("/host/shutdown", outer).status == 200
    # … and are told so: plain proxy_pass makes it the inner address.
    refused = post("/strips/shutdown", outer)
    assert refused.status == 403
    assert outer["Origin"].encode() in refused.body
    assert f"127.0.0.1:{stack.port}".encode() in refused.body


def test_viewer_leaves_through_two(front):
    stack, port = front
    with client.Stream(port, "/strips/video_feed") as stream:
        stream.pictures(2)
        assert stack.state()["stream"]["clients"] == 1
    wait_for(lambda: stack.state()["stream"]["clients"] == 0)
