# SPDX-License-Identifier: MIT
"""A foreign page tries all it can to switch the camera, in browsers that know the way there."""

import http.server
import threading

import pytest
from browsers import Chromium

from stack import wait_for

PAGE = """<!doctype html>
<title>A page of somebody else</title>
<iframe name="sink"></iframe>
<body>
<script>
const camera = "CAMERA";
const attack = (route) => {
    const url = camera + route;
    const ignore = () => {};
    const form = new URLSearchParams({ brightness: "1" });
    const post = { method: "POST", credentials: "include" };
    fetch(url, { ...post, mode: "no-cors", body: form }).catch(ignore);
    fetch(url, { ...post, mode: "cors" }).catch(ignore);
    navigator.sendBeacon(url, form);
    for (const how of ["", 'referrerpolicy="no-referrer"', 'enctype="text/plain"']) {
        const frame = document.createElement("iframe");
        frame.srcdoc = `<meta name="referrer" content="no-referrer"><form method="post" ${how}
            action="${url}"><input name="brightness" value="1"></form>
            <script>document.forms[0].submit()<${"/"}script>`;
        document.body.append(frame);
    }
    const sandbox = document.createElement("iframe");
    sandbox.sandbox = "allow-scripts allow-forms";
    sandbox.srcdoc = `<form method="post" action="${url}"></form>
        <script>document.forms[0].submit()<${"/"}script>`;
    document.body.append(sandbox);
    new Image().src = url;
};
["shutdown", "start", "controls"].forEach(attack);

window.read = [];
const read = (what) => window.read.push(what);
fetch(camera + "state", { credentials: "include" }).then(() => read("state"), () => read("no"));
const image = new Image();
image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.getContext("2d").drawImage(image, 0, 0);
    try {
        canvas.toDataURL();
        read("pixels");
    } catch {
        read("no");
    }
};
image.src = camera + "snapshot";
</script>
"""
WAYS = 7  # of a POST, for each route


@pytest.fixture
def attacker():
    """attacker(camera's URL): serves PAGE against it; the port."""
    servers = []

    def serve(camera):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page = PAGE.replace("CAMERA", camera).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append((server, threading.Thread(target=server.serve_forever)))
        servers[-1][1].start()
        return server.server_port

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def requests(site, route, *codes):
    names = (f'webcam_requests_total{{route="{route}",code="{code}"}}' for code in codes)
    return sum(site.metric(name) for name in names)


def assert_refused(site, browser):
    """Every one of them came, and none got through."""
    for route in ("shutdown", "start", "controls"):
        # 415: a form of plain text, refused for its type before it comes to that.
        wait_for(lambda: requests(site, route, 403, 415) >= WAYS, f"{WAYS} refused: {route}")
    assert requests(site, "shutdown", 200) == requests(site, "start", 200) == 0
    assert site.state()["camera"]["state"] != "released"
    wait_for(lambda: len(browser.evaluate("window.read")) == 2, "both tried to read")
    assert browser.evaluate("window.read") == ["no", "no"]


def test_a_foreign_page(browser, site, attacker):
    """Browsers say Sec-Fetch-Site to such addresses."""
    port = attacker(site.url)
    browser.open(f"http://localhost:{port}/")
    assert_refused(site, browser)


@pytest.mark.parametrize("name", ["evil.example", "camera.example"])
def test_a_foreign_page_on_a_plain_network(site, attacker, name):
    """Over plain HTTP and by name there is no Sec-Fetch-Site: Origin against Host decides."""
    browser = Chromium("--host-resolver-rules=MAP *.example 127.0.0.1")
    try:
        port = attacker(f"http://camera.example:{site.port}/")
        browser.open(f"http://{name}:{port}/")
        assert_refused(site, browser)
        # The camera's own page may.
        browser.open(f"http://camera.example:{site.port}/")
        browser.wait_moving()
        assert browser.wait_for_promise(
            'return (await fetch("shutdown", { method: "POST" })).text()'
        ) == "Capture released"
    finally:
        browser.close()
