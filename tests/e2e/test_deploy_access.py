# SPDX-License-Identifier: MIT
"""Who gets what with the examples about TLS, passwords and addresses."""

import contextlib
import http.server
import json
import subprocess
import threading

import pytest

import client
from recipes import PASSWORD, SECOND_NGINX, deploy, in_one_nginx
from test_routes import ORIGINS

VIEW = ["", "app.js", "style.css", "state", "snapshot", "snapshot.jpg", "?action=snapshot"]
CONTROL = ["start", "controls"]
OPERATE = ["metrics", "healthz", "readyz"]
STREAMS = ["video_feed", "stream", "?action=stream"]
UNAUTHORIZED = "no user/password was provided|password mismatch|was not found in"


@pytest.fixture
def make_site(make_stack):
    def make(*examples, arguments=(), **options):
        stack = make_stack(*arguments, start=False, cameras=("front",))
        site = deploy(stack, *examples, **options)
        stack.nginx.allowed += [UNAUTHORIZED, "access forbidden by rule"]
        return site

    return make


def camera_state(site, **options):
    return json.loads(site.get("/cam/front/state", **options).body)["result"]["camera"]["state"]


# --- https-password ---


def test_nothing_without_the_password(make_site):
    site = make_site("https-password")
    for path in VIEW + CONTROL + OPERATE + STREAMS:
        answer = site.curl(f"/cam/front/{path}")
        assert answer.status == 401 and "Basic" in answer.headers["WWW-Authenticate"], path
        assert site.curl(f"/cam/front/{path}", "-u", "me:wrong").status == 401, path
    for path in ("shutdown", "start", "controls"):
        assert site.curl(f"/cam/front/{path}", "-X", "POST").status == 401
    assert site.curl("/cam/front", *PASSWORD).headers["Location"].endswith("/cam/front/")
    for path in VIEW + CONTROL[1:] + OPERATE:
        assert site.curl(f"/cam/front/{path}", *PASSWORD).status == 200, path


def test_plain_http_leads_to_tls(make_site):
    site = make_site("https-password")
    for method in ("GET", "POST"):
        answer = site.get("/cam/front/start?x=1", method=method, headers={"Host": "camera.example"})
        assert answer.status == 308
        assert answer.headers["Location"] == "https://camera.example/cam/front/start?x=1"


def test_an_unknown_certificate_is_refused(make_site):
    site = make_site("https-password")
    context = ["curl", "-s", "--connect-to", f"camera.example:443:127.0.0.1:{site.ports[443]}"]
    run = subprocess.run([*context, "https://camera.example/"], timeout=20, capture_output=True)
    assert run.returncode == 60  # the peer's certificate cannot be verified


@pytest.mark.parametrize("version, name", [("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2")])
@pytest.mark.parametrize("path", STREAMS)
def test_streams_over_tls(make_site, version, name, path):
    site = make_site("https-password")
    out = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_version}", version, *PASSWORD]
        + site._to("/cam/front/state"),
        stdout=subprocess.PIPE,
        text=True,
        timeout=20,
    ).stdout
    assert f"HTTP/{out}" == name
    with contextlib.closing(site.curl_stream(f"/cam/front/{path}", version, *PASSWORD)) as stream:
        numbers = [client.pattern_number(part.body) for part in stream.pictures(10)]
    assert numbers == sorted(set(numbers))


def test_who_may_post_through_tls_with_the_password(make_site):
    """A browser sends the password it knows along with a foreign page's POST, too."""
    site = make_site("https-password", arguments=["--allow-origin", LISTED])
    own = "https://camera.example"
    rows = [
        ({}, 200),
        ({"Origin": own}, 200),
        ({"Origin": own + ":443"}, 200),
        ({"Origin": own, "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": own, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": own, "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://camera.example.evil"}, 403),
        ({"Origin": own + ":8443"}, 403),
    ]
    rows += [(headers, status) for headers, status in ORIGINS if "listed" in str(headers)]
    for headers, status in rows:
        lines = [x for k, v in headers.items() for x in ("-H", f"{k}: {v}")]
        for path in ("start", "shutdown"):
            answer = site.curl(f"/cam/front/{path}", "-X", "POST", *PASSWORD, *lines)
            assert answer.status == status, (path, headers)
            assert site.curl(f"/cam/front/{path}", "-X", "POST", *lines).status == 401


LISTED = "http://listed.example,https://other.example:8443"


# --- password-for-control ---


def test_password_for_control_alone(make_site):
    site = make_site("password-for-control")
    for path in VIEW + OPERATE:
        assert site.get(f"/cam/front/{path}").status == 200, path
    with site.stream() as stream:
        stream.pictures(3)
    assert site.get("/cam/front/controls").status == 401
    for path in ("start", "controls"):
        assert site.post(f"/cam/front/{path}").status == 401
    assert site.post("/cam/front/shutdown").status == 200
    basic = {"Authorization": "Basic bWU6c2VjcmV0"}
    evil = basic | {"Origin": "http://evil.example"}
    assert site.post("/cam/front/start", headers=evil).status == 403
    assert camera_state(site) == "released"
    assert site.post("/cam/front/start", headers=basic).status == 200
    assert site.get("/cam/front/controls", headers=basic).body == b"[]"


# --- login-service ---


class LoginService(http.server.BaseHTTPRequestHandler):
    """Lets those with a cookie pass."""

    def do_GET(self):
        asked = self.headers["X-Original-Method"], self.headers["X-Original-URI"]
        self.server.asked.append(asked)
        self.send_response(204 if self.headers["Cookie"] == "session=good" else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def login_service():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), LoginService) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_login_service_decides(make_site, login_service):
    address = f"127.0.0.1:{login_service.server_port}"
    site = make_site("login-service", replaced={"127.0.0.1:9091": address})
    good = {"Cookie": "session=good"}
    for path in VIEW + OPERATE:
        assert site.get(f"/cam/front/{path}").status == 401, path
        assert site.get(f"/cam/front/{path}", headers=good).status == 200, path
    assert site.post("/cam/front/shutdown").status == 401
    assert site.post("/cam/front/start", headers=good, body=b"").status == 200
    assert login_service.asked[-1] == ("POST", "/cam/front/start")
    assert site.get("/login-check", headers=good).status == 404
    with site.stream(headers=good) as stream:
        stream.pictures(5)


def test_without_a_login_service_nobody_gets_in(make_site, login_service):
    site = make_site("login-service", replaced={"127.0.0.1:9091": "127.0.0.1:1"})
    site.stack.nginx.allowed += ["Connection refused", "auth request unexpected status"]
    for path in VIEW + CONTROL + OPERATE:
        assert site.get(f"/cam/front/{path}").status == 500, path


# --- metrics, snapshot-without-login: a port of their own ---


def test_metrics_on_a_port_of_their_own(make_site):
    site = make_site("metrics")
    for path in OPERATE:
        assert site.get(f"/cam/front/{path}", 9180).status == 200, path
        assert site.get(f"/cam/front/{path}", 80).status == 404, path
    for path in VIEW + CONTROL + STREAMS + ["back/metrics"]:
        assert site.get(f"/cam/front/{path}", 9180).status == 404, path
    for path in VIEW:
        assert site.get(f"/cam/front/{path}", 80).status == 200, path


def from_address(site, path, address, port=80):
    url = f"http://127.0.0.1:{site.ports[port]}{path}"
    out = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--interface", address, url],
        stdout=subprocess.PIPE,
        timeout=20,
    )
    return int(out.stdout)


def test_snapshot_without_login(make_site):
    site = make_site("snapshot-without-login", replaced={"192.0.2.20": "127.0.0.2"})
    for path in ("snapshot", "snapshot.jpg"):
        assert site.get(f"/cam/front/{path}", 8081).headers["Content-Type"] == "image/jpeg"
    for path in ("snapshot", "snapshot.jpg", "?action=snapshot"):
        assert from_address(site, f"/cam/front/{path}", "127.0.0.2") == 200
        assert from_address(site, f"/cam/front/{path}", "127.0.0.3") == 401
        # This machine is nobody special on the public port.
        assert site.get(f"/cam/front/{path}").status == 401
    for path in ("state", "video_feed", "app.js", ""):
        assert from_address(site, f"/cam/front/{path}", "127.0.0.2") == 401, path
    for path in ("state", "video_feed", "app.js", "", "metrics"):
        assert site.get(f"/cam/front/{path}", 8081).status == 404, path
    basic = {"Authorization": "Basic bWU6c2VjcmV0"}
    assert site.get("/cam/front/snapshot", headers=basic).status == 200


@pytest.mark.parametrize("inner", ["real_ip", "none"])
def test_allow_loopback_is_wrong_behind_a_local_proxy(make_site, inner):
    """What the examples warn of: without real_ip the proxy's 127.0.0.1 opens the operate group."""
    replaced = {"real_ip_header": "#", "set_real_ip_from": "#"} if inner == "none" else {}
    site = make_site(*SECOND_NGINX, **in_one_nginx(replaced))
    expected = 403 if inner == "real_ip" else 200
    assert from_address(site, "/cam/front/healthz", "127.0.0.2") == expected
    assert site.get("/cam/front/healthz").status == 200


# --- only-this-name ---


def test_answers_to_its_own_names_alone(make_site):
    site = make_site("only-this-name")
    rebound = {"Host": "evil.example", "Origin": "http://evil.example"}
    with pytest.raises((ConnectionError, client.http.client.HTTPException)):
        site.post("/cam/front/shutdown", headers=rebound)
    with pytest.raises((ConnectionError, client.http.client.HTTPException)):
        site.get("/cam/front/snapshot", headers={"Host": "evil.example"})
    for host in ("camera.example", "localhost", "192.0.2.10"):
        assert site.get("/cam/front/state", headers={"Host": host}).status == 200
    assert camera_state(site, headers={"Host": "localhost"}) != "released"
    refused = subprocess.run(
        ["curl", "-sk", f"https://127.0.0.1:{site.ports[443]}/"], timeout=20, capture_output=True
    )
    assert refused.returncode == 35  # the handshake is rejected


def test_a_rebound_name_would_pass_without_it(make_site):
    """Why that example is there: for browser and worker alike it is the same site."""
    site = make_site("limits")
    rebound = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert site.post("/cam/front/shutdown", headers=rebound).status == 200
