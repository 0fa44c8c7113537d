# SPDX-License-Identifier: MIT
"""README's lines in an nginx that serves another site already, over TLS and with a password."""

import contextlib
import re

import pytest
from container import require_nspawn, wait_for
from machine import ROOT, SOCKET, Machine

import secure

SHOP = """
server {
	listen 443 ssl;
	server_name camera.example;
	ssl_certificate /etc/nginx/tls/camera.crt;
	ssl_certificate_key /etc/nginx/tls/camera.key;
	root /var/www/shop;
	error_page 404 /missing.html;

	location ~* \\.(css|js|jpg)$ { expires 1h; add_header X-Shop yes; }
	location ~ ^/(state|snapshot|start|shutdown)$ { return 418; }
	location /cam/ { return 200 "the shop's own cameras"; }
	# HERE
}
"""
PATHS = ["/", "/app.js", "/style.css", "/snapshot.jpg", "/state", "/start", "/nothing", "/cam"]
PATHS += ["/cam/", "/cam/other/", "/cam/frontal/", "/cam/other/state", "/cam/front.jpg"]
BASE = "https://camera.example/cam/front/"
TRUST = ["--cacert", "/etc/nginx/tls/camera.crt"]
TRUST += ["--connect-to", "camera.example:443:127.0.0.1:443"]
LOGIN = ["-u", "me:secret"]


class Shop(Machine):
    def __init__(self):
        super().__init__()
        nginx = self.root / "etc/nginx"
        (nginx / "tls").mkdir()
        secure.make_certificate(nginx / "tls")
        self.site = nginx / "sites-enabled/shop"
        self.site.write_text(SHOP)
        pages = self.root / "var/www/shop"
        pages.mkdir()
        for name in "index.html", "missing.html", "app.js", "style.css", "snapshot.jpg":
            (pages / name).write_text(f"the shop's {name}\n")
        (nginx / "camera.htpasswd").write_text("me:{PLAIN}secret\n")

    def ask(self, path, *arguments, base=BASE):
        return self.get(path, *TRUST, *arguments, base=base)

    def all_others(self):
        """What the shop and Debian's default site answer."""
        answers = [self.ask(path, base="https://camera.example") for path in PATHS]
        answers += [self.get(path, base="http://127.0.0.1") for path in PATHS]
        for answer in answers:
            del answer.headers["Date"], answer.headers["Expires"]
        return [(a.status, a.headers.items(), a.body) for a in answers]


def readme_lines():
    """The two lines that README.md says to put into a server block."""
    found = re.search(
        r"^location = /cam/front .*\nlocation \^~ /cam/front/ .*$",
        (ROOT / "README.md").read_text(),
        re.M,
    )
    assert found, "README.md has the two lines"
    return found[0]


@pytest.fixture(scope="module")
def shop():
    require_nspawn()
    shop = Shop()
    try:
        shop.boot()
        shop.before = shop.all_others()
        password = 'auth_basic "Camera"; auth_basic_user_file camera.htpasswd; include'
        lines = readme_lines().replace("include", password)
        shop.site.write_text(SHOP.replace("# HERE", lines))
        shop.systemctl("enable", "--now", SOCKET)
        shop.run("nginx", "-t")
        shop.systemctl("reload", "nginx")
        wait_for(lambda: shop.ask("app.js").status == 401, "nginx has the new lines")
        yield shop
    finally:
        shop.close()


def test_the_camera_is_there(shop):
    page = shop.ask("", *LOGIN)
    assert page.status == 200 and b"<html" in page.body
    assert shop.ask("snapshot", *LOGIN).body.startswith(b"\xff\xd8")
    assert shop.ask("app.js", *LOGIN).headers["X-Shop"] is None
    for version in "--http1.1", "--http2":
        viewer = secure.CurlStream(
            *TRUST, *LOGIN, version, BASE + "video_feed", prefix=shop.enter
        )
        with contextlib.closing(viewer) as stream:
            stream.pictures(20)


def test_nobody_gets_in_without_the_password(shop):
    for path in ("", "app.js", "state", "snapshot", "video_feed", "controls", "metrics", "healthz"):
        assert shop.ask(path).status == 401, path
        assert shop.ask(path, "-u", "me:guess").status == 401, path
    for path in ("shutdown", "start", "controls"):
        assert shop.ask(path, "-X", "POST").status == 401, path


def test_nothing_else_has_changed(shop):
    assert shop.all_others() == shop.before
    assert {status for status, _, _ in shop.before} >= {200, 404, 418}


def test_an_attackers_page_cannot_switch_it(shop):
    """The victim's browser knows the password and sends it along."""
    assert shop.ask("snapshot", *LOGIN).status == 200
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://camera.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://other.camera.example", "Sec-Fetch-Site": "same-site"},
        {"Origin": "https://camera.example:8443"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        lines = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
        for path in ("shutdown", "start", "controls"):
            answer = shop.ask(path, *LOGIN, "-X", "POST", *lines)
            assert answer.status == 403, (path, headers)
            assert answer.headers["Access-Control-Allow-Origin"] is None
    for path, method in ("shutdown", "GET"), ("start", "GET"), ("shutdown", "PUT"):
        assert shop.ask(path, *LOGIN, "-X", method).status == 405
    assert b'"state":"live"' in shop.ask("state", *LOGIN).body
    own = ["-H", "Origin: https://camera.example", "-H", "Sec-Fetch-Site: same-origin"]
    assert shop.ask("shutdown", *LOGIN, *own, "-X", "POST").status == 200
    assert shop.ask("start", *LOGIN, *own, "-X", "POST").status == 200


@pytest.mark.parametrize("name", sorted(f.name for f in (ROOT / "conf/examples").glob("*.conf")))
def test_examples_are_accepted_as_they_are(shop, name):
    """With Debian's paths, to the letter; what they do is tested elsewhere."""
    example = f"/usr/local/share/webcam-fcgi/examples/{name}"
    (shop.root / "etc/nginx/try.conf").write_text(f"events {{}}\nhttp {{ include {example}; }}\n")
    said = shop.run("nginx", "-t", "-c", "/etc/nginx/try.conf")
    assert "test is successful" in said and "[" not in said, said
