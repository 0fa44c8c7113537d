# SPDX-License-Identifier: MIT
"""Clients that speak TLS and HTTP/2: curl, which verifies, and a viewer of our own."""

import http.client
import io
import socket
import ssl
import subprocess
import time

import client
from multipart import Multipart

NAME = "camera.example"


def make_certificate(directory):
    """camera.crt and camera.key, for NAME and signed by itself."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
        + ["-keyout", directory / "camera.key", "-out", directory / "camera.crt"],
        check=True,
        capture_output=True,
    )
    return directory / "camera.crt"


def curl(*arguments, prefix=()):
    """One answer; or None: there was none."""
    run = subprocess.run(
        [*prefix, "curl", "-s", "-i", "--max-time", "20", *map(str, arguments)],
        stdout=subprocess.PIPE,
        timeout=30,
    )
    head, _, body = run.stdout.partition(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    if not first.startswith(b"HTTP/"):
        return None
    return client.Answer(
        int(first.split()[1]), http.client.parse_headers(io.BytesIO(rest + b"\r\n\r\n")), body
    )


class CurlStream(client.Stream):
    """A viewer that is a curl process; begins with the first part."""

    def __init__(self, *arguments, prefix=()):
        self.curl = subprocess.Popen(
            [*prefix, "curl", "-s", "-N", "--max-time", "60", *map(str, arguments)],
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self.buffer = bytearray()
        self.received = 0.0
        self.status, self.chunked = 200, False
        self.multipart = Multipart(self)

    def fill(self):
        data = self.curl.stdout.read(1 << 18)
        self.received = time.monotonic()
        self.buffer += data
        return bool(data)

    def close(self):
        self.curl.kill()
        self.curl.wait()
        self.curl.stdout.close()


class TlsStream(client.Stream):
    """A viewer on https://NAME at 127.0.0.1:port, by HTTP/1.1."""

    def __init__(self, port, path, certificate, headers=(), timeout=20):
        context = ssl.create_default_context(cafile=certificate)
        plain = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket = context.wrap_socket(plain, server_hostname=NAME)
        lines = [f"GET {path} HTTP/1.1", f"Host: {NAME}"]
        lines += [f"{name}: {value}" for name, value in dict(headers).items()]
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        self.buffer = bytearray()
        self.received = 0.0
        self.status = self.headers = None
        self.chunked = False
        self.multipart = Multipart(self)
