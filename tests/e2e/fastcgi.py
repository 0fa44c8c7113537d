# SPDX-License-Identifier: MIT
"""A web server's side of FastCGI, polite or not, straight on the worker's socket."""

import collections
import socket
import struct

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
Record = collections.namedtuple("Record", "type id content")


def record(kind, content=b"", number=1, padding=0, version=1):
    head = struct.pack(">BBHHBB", version, kind, number, len(content), padding, 0)
    return head + content + bytes(padding)


def length(size):
    return bytes([size]) if size < 128 else struct.pack(">I", size | 1 << 31)


def pairs(params):
    out = b""
    for name, value in params.items():
        name, value = name.encode(), value.encode("latin-1")
        out += length(len(name)) + length(len(value)) + name + value
    return out


def stream_of(kind, content, number=1, piece=65528):
    """Records of one kind, and the empty one that ends them."""
    out = b""
    for at in range(0, len(content), piece):
        out += record(kind, content[at : at + piece], number)
    return out + record(kind, b"", number)


def request(
    path="/healthz", method="GET", number=1, role=1, flags=0, body=b"", piece=65528, **more
):
    params = {"REQUEST_METHOD": method, "SCRIPT_NAME": path, "QUERY_STRING": ""} | more
    if body:
        params["CONTENT_LENGTH"] = str(len(body))
    return (
        record(BEGIN, struct.pack(">HB5x", role, flags), number)
        + stream_of(PARAMS, pairs(params), number, piece)
        + stream_of(STDIN, body, number, piece)
    )


class Peer:
    def __init__(self, path, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))

    def send(self, data):
        self.socket.sendall(data)
        return self

    def read_exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                assert not data, "the worker closed in the middle of a record"
                return None
            data += more
        return data

    def record(self):
        """The next record; None: closed."""
        head = self.read_exactly(8)
        if head is None:
            return None
        version, kind, number, size, padding, _ = struct.unpack(">BBHHBB", head)
        assert version == 1
        content = self.read_exactly(size) if size else b""
        if padding:
            self.read_exactly(padding)
        return Record(kind, number, content)

    def answer(self):
        """All records to the end: (records, status, head, body)."""
        records = []
        while (one := self.record()) is not None:
            records.append(one)
        out = b"".join(r.content for r in records if r.type == STDOUT)
        head, _, body = out.partition(b"\r\n\r\n")
        status = int(head.split()[1]) if head.startswith(b"Status: ") else None
        return records, status, head.decode("latin-1"), body

    def ask(self, *args, **kwargs):
        return self.send(request(*args, **kwargs)).answer()

    def closed_by_worker(self):
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
