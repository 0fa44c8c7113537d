# SPDX-License-Identifier: MIT
"""A plain HTTP client, and a viewer that checks every byte of its stream."""

import collections
import http.client
import io
import socket
import time

import PIL.Image

from multipart import Multipart

Answer = collections.namedtuple("Answer", "status headers body")


def accepts(address, port):
    try:
        socket.create_connection((address, port), timeout=5).close()
        return True
    except OSError:
        return False


def request(port, path, method="GET", headers=(), body=None, address="127.0.0.1", timeout=20):
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=dict(headers))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def decode(jpeg):
    """The picture, every pixel of it decoded."""
    image = PIL.Image.open(io.BytesIO(jpeg))
    assert image.format == "JPEG"
    image.load()
    return image


def pattern_number(jpeg):
    """The number that the test pattern shows in black and white at its bottom."""
    image = decode(jpeg).convert("L")
    width, height = image.size
    number = 0
    for cell in range(32):
        level = image.getpixel(((2 * cell + 1) * width // 64, height - height // 24))
        assert level < 90 or level > 165, f"cell {cell} is neither black nor white: {level}"
        number = number << 1 | (level > 127)
    return number


class Replay(io.RawIOBase):
    """Bytes that have been read already, then those of the socket."""

    def __init__(self, first, connection):
        self.first = first
        self.connection = connection

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self.first[: len(buffer)] or self.connection.recv(len(buffer))
        self.first = self.first[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


class Stream:
    """An open stream: part() gives the next part, or None after the closing tail."""

    def __init__(
        self,
        port,
        path="/video_feed",
        headers=(),
        address="127.0.0.1",
        timeout=20,
        receive_buffer=None,
        in_advance=False,
    ):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((address, port))
        self.asked = time.monotonic()
        lines = [f"GET {path} HTTP/1.1", f"Host: {address}:{port}"]
        lines += [f"{name}: {value}" for name, value in dict(headers).items()]
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        self.buffer = bytearray()
        self.received = 0.0  # when the newest bytes came
        self.status = None
        self.headers = None
        self.chunked = False
        self.multipart = Multipart(self, in_advance)

    # --- the source of bytes for Multipart ---

    def fill(self):
        """Waits for more bytes; False: the end."""
        if self.chunked:
            return self.fill_chunk()
        data = self.socket.recv(1 << 18)
        self.received = time.monotonic()
        self.buffer += data
        return bool(data)

    def fill_chunk(self):
        size = int(self.chunks.readline(), 16)
        data = self.chunks.read(size)
        assert len(data) == size and self.chunks.readline() == b"\r\n"
        self.received = time.monotonic()
        self.buffer += data
        return size > 0

    def take(self, size):
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def begin(self):
        """Reads the answer's head."""
        if self.status is not None:
            return self
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            assert self.fill(), f"the connection ended in the head: {bytes(self.buffer)}"
        head = self.take(end + 4)
        first, _, rest = head.partition(b"\r\n")
        self.status = int(first.split()[1])
        self.headers = http.client.parse_headers(io.BytesIO(rest))
        if self.headers["Transfer-Encoding"] == "chunked":
            # Only other servers do it; what has come already is read once more from the start.
            self.chunks = io.BufferedReader(Replay(self.take(len(self.buffer)), self.socket))
            self.chunked = True
        return self

    def part(self):
        self.begin()
        assert self.status == 200, f"{self.status}: {bytes(self.buffer)}"
        return self.multipart.part()

    def parts(self, count):
        found = [self.part() for _ in range(count)]
        assert None not in found, "the stream has ended"
        return found

    def pictures(self, count):
        """The next real, new pictures; placeholders and repeats are passed over."""
        found = []
        while len(found) < count:
            part = self.part()
            assert part is not None, "the stream has ended"
            if part.seq is not None and (not found or part.seq != found[-1].seq):
                found.append(part)
        return found

    def text(self):
        """The body of an answer that is no stream."""
        self.begin()
        while len(self.buffer) < int(self.headers["Content-Length"]):
            assert self.fill()
        return self.buffer.decode()

    def rest(self):
        """All parts up to a proper end."""
        found = []
        while (part := self.part()) is not None:
            found.append(part)
        return found

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
