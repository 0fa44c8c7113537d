# SPDX-License-Identifier: MIT
"""Readers that take a stream apart as programs in the field do: by their rules, and no kinder.

Each takes the pieces of a body as they come from the network, and gives a picture at the moment
at which its program shows it.
"""

import email.feedparser
import io

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
BOUNDARY = b"\r\n--frame"


def pieces(stream):
    """The body of a client.Stream, as a browser's fetch hands it to a script."""
    stream.begin()
    assert stream.status == 200, stream.status
    while stream.buffer or stream.fill():
        yield stream.take(len(stream.buffer))


def mainsail(body):
    """All up to FF D8 is headers, its Content-Length counts, and the byte behind it paints."""
    headers, length, image = "", 0, bytearray()
    for piece in body:
        for at, byte in enumerate(piece):
            if piece[at : at + 2] == SOI:
                assert not image, "it would begin another picture here"
                pairs = [line.split(":")[:2] for line in headers.split("\n") if ":" in line]
                length = int({name.lower(): value for name, value in pairs}["content-length"])
            if length <= 0:
                headers += chr(byte)
            elif len(image) < length:
                image.append(byte)
            else:
                yield bytes(image)
                headers, length, image = "", 0, bytearray()


class Pieces(io.RawIOBase):
    """A body as a file."""

    def __init__(self, body):
        self.body = iter(body)
        self.rest = b""

    def readable(self):
        return True

    def readinto(self, buffer):
        self.rest = self.rest or next(self.body, b"")
        size = min(len(buffer), len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        return size


def go2rtc(body):
    """What stands between parts is empty or begins with --; each part has a Content-Length."""
    file = io.BufferedReader(Pieces(body))
    while line := file.readline():
        if line == b"\r\n":
            continue
        assert line.startswith(b"--"), f"wrong boundary: {line}"
        headers = {}
        while line := file.readline().strip():
            name, colon, value = line.partition(b":")
            assert colon, f"malformed header: {line}"
            headers[name.lower()] = value.strip()
        if headers:  # else it was the closing line
            yield file.read(int(headers[b"content-length"]))


def scanner(body):
    """Home Assistant, and a hundred scripts: from the first FF D8 to the first FF D9."""
    data = b""
    for piece in body:
        data += piece
        while (end := data.find(EOI)) >= 0 and (start := data.find(SOI)) >= 0:
            yield data[start : end + 2]
            data = data[end + 2 :]


def image_element(body, waits_for_headers):
    """<img>: Chromium shows a part when it has the next one's headers, Firefox at the boundary."""
    data, picture, in_headers = b"", None, True
    for piece in body:
        data += piece
        while True:
            end = data.find(b"\r\n\r\n" if in_headers else BOUNDARY)
            if end < 0 or len(data) < end + len(BOUNDARY) + 2 and not in_headers:
                break
            if in_headers:
                if picture:
                    yield picture
                data, picture, in_headers = data[end + 4 :], None, False
                continue
            picture, tail = data[:end], data[end + len(BOUNDARY) :]
            if tail.startswith(b"--") or not waits_for_headers:
                yield picture
                picture = None
            if tail.startswith(b"--"):
                return
            data, in_headers = tail[2:], True


def chromium_image(body):
    return image_element(body, True)


def firefox_image(body):
    return image_element(body, False)


def email_parser(body):
    """Python's: strict about the end, and knows only whole messages."""
    parser = email.feedparser.BytesFeedParser()
    parser.feed(b"Content-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n")
    for piece in body:
        parser.feed(piece)
    message = parser.close()
    assert not message.defects, message.defects
    assert not message.preamble and not message.epilogue
    for part in message.get_payload():
        assert not part.defects, part.defects
        assert part.get_content_type() == "image/jpeg"
        yield part.get_payload(decode=True)
