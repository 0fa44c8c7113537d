# SPDX-License-Identifier: MIT
"""Reads multipart/x-mixed-replace to the letter: whatever departs from it is an AssertionError."""

import collections
import re

BOUNDARY = b"--frame\r\n"
NEXT = b"\r\n--frame"
LINE_BYTES = 127
TIMESTAMP = re.compile(r"\d{10}\.\d{6}")

# received: when its last byte was there. tail_delay: how much later the boundary behind it came.
Part = collections.namedtuple("Part", "headers body seq timestamp received tail_delay")

PLAIN = {"Content-Type", "Content-Length", "X-Timestamp", "X-Frame-Seq"}
PLACEHOLDER = {"Content-Type", "Content-Length", "X-Timestamp", "X-Camera-State", "X-Camera-Reason"}


class Multipart:
    """`source` has .buffer, .fill(), .take() and .received."""

    def __init__(self, source, in_advance=False):
        self.source = source
        self.in_advance = in_advance
        self.opened = self.ended = False

    def _need(self, size):
        while len(self.source.buffer) < size:
            assert self.source.fill(), f"cut off: {bytes(self.source.buffer[:200])}"

    def _line(self):
        while (end := self.source.buffer.find(b"\r\n")) < 0:
            assert len(self.source.buffer) <= LINE_BYTES, "a line of a part's head is too long"
            assert self.source.fill(), f"cut off in a head: {bytes(self.source.buffer)}"
        line = self.source.take(end + 2)
        assert len(line) <= LINE_BYTES, line
        assert b"\n" not in line[:-2] and b"\r" not in line[:-2], line
        return line[:-2].decode("ascii")

    def _headers(self):
        headers = {}
        while line := self._line():
            name, colon, value = line.partition(": ")
            assert colon and re.fullmatch(r"[A-Za-z-]+", name) and value, line
            assert name not in headers, f"{name} stands there twice"
            headers[name] = value
        return headers

    def _check(self, headers):
        if self.in_advance:
            assert headers == {"Content-Type": "image/jpeg"}, headers
            return
        assert headers["Content-Type"] == "image/jpeg"
        assert set(headers) in (PLAIN, PLACEHOLDER), headers
        assert TIMESTAMP.fullmatch(headers["X-Timestamp"]), headers
        assert int(headers["Content-Length"]) > 0

    def _body(self, headers):
        if self.in_advance:
            at = 0
            while (size := self.source.buffer.find(NEXT, at)) < 0:
                at = max(0, len(self.source.buffer) - len(NEXT))
                assert self.source.fill(), "cut off in a picture"
        else:
            size = int(headers["Content-Length"])
            self._need(size)
        body = self.source.take(size)
        assert body.startswith(b"\xff\xd8") and body.endswith(b"\xff\xd9"), "no whole JPEG"
        return body

    def _tail(self):
        """True: another part follows. A boundary that came with the picture is here already."""
        self._need(len(NEXT) + 2)
        tail = self.source.take(len(NEXT) + 2)
        if tail == NEXT + b"\r\n":
            return True
        self._need(2)
        assert tail + self.source.take(2) == NEXT + b"--\r\n", tail
        assert not self.source.buffer and not self.source.fill(), "bytes behind the closing tail"
        return False

    def part(self):
        """The next part; None: the stream has ended as it should."""
        if self.ended:
            return None
        if not self.opened:
            self._need(len(BOUNDARY))
            assert self.source.take(len(BOUNDARY)) == BOUNDARY
            self.opened = True
        headers = self._headers()
        self._check(headers)
        body = self._body(headers)
        received = self.source.received
        self.ended = not self._tail()
        return Part(
            headers,
            body,
            int(headers["X-Frame-Seq"]) if "X-Frame-Seq" in headers else None,
            float(headers["X-Timestamp"]) if "X-Timestamp" in headers else None,
            received,
            self.source.received - received,
        )
