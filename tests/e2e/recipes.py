# SPDX-License-Identifier: MIT
"""conf/examples/ in a real nginx: as shipped but for addresses, ports and directories."""

import re
import shutil
import subprocess

import client
import secure
from stack import ROOT, free_port

PASSWORD = ["-u", "me:secret"]
LISTEN = re.compile(r"\blisten (?:127\.0\.0\.1:)?(\d+)")


class Site:
    """Camera `front` behind an nginx with some of the examples; ports[80] is where port 80 is."""

    def __init__(self, stack, ports):
        self.stack = stack
        self.directory = stack.directory
        self.ports = ports
        self.certificate = None

    def get(self, path, port=80, **options):
        return client.request(self.ports[port], path, **options)

    def post(self, path, port=80, **options):
        return self.get(path, port, method="POST", **options)

    def stream(self, path="/cam/front/video_feed", port=80, **options):
        return client.Stream(self.ports[port], path, **options)

    def _to(self, path):
        to = f"{secure.NAME}:443:127.0.0.1:{self.ports[443]}"
        return ["--cacert", self.certificate, "--connect-to", to, f"https://{secure.NAME}{path}"]

    def curl(self, path, *arguments):
        return secure.curl(*arguments, *self._to(path))

    def curl_stream(self, path, *arguments):
        return secure.CurlStream(*arguments, *self._to(path))


def make_password(directory):
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=b"secret\n", stdout=subprocess.PIPE, check=True
    ).stdout.decode()
    (directory / "camera.htpasswd").write_text(f"me:{hashed}")


def install(stack, examples, ports, replaced):
    """Writes the examples to be included; what each says is left but for where things are."""
    (stack.directory / "sites").mkdir()
    for name in examples:
        text = (ROOT / f"conf/examples/{name}.conf").read_text()
        text = re.sub(r"^\s*listen \[::\].*\n", "", text, flags=re.M)
        for port in LISTEN.findall(text):
            ports.setdefault(int(port), free_port())
        text = LISTEN.sub(lambda m: f"listen 127.0.0.1:{ports[int(m[1])]}", text)
        for old, new in replaced.items():
            text = text.replace(old, str(new))
        (stack.directory / f"sites/{name}.conf").write_text(text)


SECOND_NGINX = ["second-nginx-camera", "second-nginx-front"]


def in_one_nginx(replaced=()):
    """Options of deploy() for both halves of SECOND_NGINX; port 80 is the front one's."""
    inner = free_port()
    places = {"192.0.2.1;": "127.0.0.1;", "192.0.2.10:8080": f"127.0.0.1:{inner}"}
    return {"replaced": places | dict(replaced), "ports": {8080: inner}}


def deploy(stack, *examples, replaced=(), start_worker=True, ports=None):
    directory, ports = stack.directory, {} if ports is None else ports
    stack.render(html=ROOT / "html")
    (directory / "snippets").mkdir()
    shutil.copy(directory / "webcam-fcgi.conf", directory / "snippets")
    places = {
        "/run/webcam-fcgi/": f"{directory}/",
        "/run/nginx-camera": directory / "cache",
        "/var/www/html": directory / "www",
    }
    install(stack, examples, ports, places | dict(replaced))
    config = directory / "nginx.conf"
    http = config.read_text().partition("\tserver {")[0]
    config.write_text(http + "\tinclude sites/*.conf;\n}\n")
    site = Site(stack, ports)
    make_password(directory)
    if 443 in ports:
        (directory / "tls").mkdir()
        site.certificate = secure.make_certificate(directory / "tls")
    if start_worker:
        stack.start_worker("front")
    stack.port = ports[max(ports)]
    stack.start_nginx()
    return site
