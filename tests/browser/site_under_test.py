# SPDX-License-Identifier: MIT
"""The end-to-end tests' worker and nginx, with what only browsers need: a prefix, TLS, controls."""

import http.server
import json
import re
import subprocess
import threading
import urllib.parse

from stack import Stack

# What nginx says of a worker that was ended under it.
WORKER_GONE = [
    r"connect\(\) to unix:\S+ failed",
    r"upstream prematurely closed",
    r"recv\(\) failed .* while reading",
    r"readv\(\) failed",
    r"upstream timed out",
]


class Site(Stack):
    def __init__(self, *arguments, prefix="", tls=False, controls=None, **options):
        super().__init__(*arguments, **options)
        self.prefix = prefix
        self.tls = tls
        self.controls = controls

    @property
    def url(self):
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}{self.prefix or '/'}"

    def render(self, **settings):
        super().render(**settings)
        path = self.directory / "nginx.conf"
        text = path.read_text()
        if self.prefix:
            text = re.sub(r"rewrite \^\.\*.*;", "", text)
            text = text.replace("location ^~ /webcam/ {", f"location ^~ {self.prefix} {{")
        if self.tls:
            self._make_certificate()
            text = re.sub(r"listen (\S+);", r"listen \1 ssl http2;", text)
            keys = "ssl_certificate c.pem; ssl_certificate_key k.pem;"
            text = text.replace("server {", "server { " + keys, 1)
        if self.controls:
            target = f"{self.prefix or '/webcam/'}controls"
            there = f"location = {target} {{ proxy_pass http://127.0.0.1:{self.controls.port}; }}"
            text = text.replace("location / {", there + "\n\t\tlocation / {", 1)
        path.write_text(text)

    def _make_certificate(self):
        subprocess.run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
            " -subj /CN=localhost -keyout k.pem -out c.pem".split(),
            cwd=self.directory,
            check=True,
            capture_output=True,
        )

    def start_nginx(self, *arguments):
        nginx = super().start_nginx(*arguments)
        if self.controls:
            nginx.allowed.append("/controls")  # Python's small server closes as it likes
        return nginx

    def expect_gone_worker(self):
        self.nginx.allowed += WORKER_GONE

    def kill_worker(self):
        self.expect_gone_worker()
        self.worker.expected_status = -9
        self.worker.kill()


def control(id, type, value, **more):
    label = id.replace("_", " ").capitalize()
    shape = {"min": 0, "max": 255, "step": 1, "default": 128, "flags": []}
    return {"id": id, "label": label, "type": type} | shape | {"value": value} | more


CAMERA_CONTROLS = [
    control("brightness", "int", 100),
    control("contrast", "int", 128),
    control(
        "auto_exposure",
        "menu",
        3,
        max=3,
        default=3,
        menu=[{"value": 1, "label": "Manual"}, {"value": 3, "label": "Aperture priority"}],
    ),
    control("exposure_time_absolute", "int", 250, max=2047, default=250, flags=["inactive"]),
    control("white_balance_automatic", "bool", 1, max=1, default=1),
    control("pixel_rate", "int64", 5, max=2**40, default=5),
    control("focus_now", "button", 0, max=0, default=0),
]


class FakeControls:
    """GET and POST /controls as the contract has them; .posts are the bodies that came."""

    def __init__(self):
        self.list = json.loads(json.dumps(CAMERA_CONTROLS))
        self.posts = []
        self.status = 200
        controls = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("X-Camera-State", "live")
                if status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def do_GET(self):
                self.answer(controls.status, json.dumps(controls.list))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.answer(*controls.post(dict(urllib.parse.parse_qsl(body))))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def find(self, id):
        return next(c for c in self.list if c["id"] == id)

    def post(self, wishes):
        self.posts.append(wishes)
        if any(not 0 <= int(v) <= self.find(k)["max"] for k, v in wishes.items()):
            return 400, f"{wishes}: out of range"
        for id, value in wishes.items():
            # A driver that rounds: the page has to show 10 where 11 was asked.
            self.find(id)["value"] = int(value) // 10 * 10 if id == "contrast" else int(value)
        if "auto_exposure" in wishes:
            manual = self.find("auto_exposure")["value"] == 1
            self.find("exposure_time_absolute")["flags"] = [] if manual else ["inactive"]
        return 200, json.dumps(self.list)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
