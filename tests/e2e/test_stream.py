# SPDX-License-Identifier: MIT
"""The stream, part by part."""

import time

import client


def test_every_part_and_every_picture(stack):
    with stack.stream() as stream:
        parts = stream.pictures(60)
    assert stream.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
    numbers = [client.pattern_number(part.body) for part in parts]
    assert [b - a for a, b in zip(numbers, numbers[1:])] == [
        b.seq - a.seq for a, b in zip(parts, parts[1:])
    ]
    assert all(a.seq < b.seq and a.timestamp < b.timestamp for a, b in zip(parts, parts[1:]))
    assert {client.decode(part.body).size for part in parts} == {(320, 240)}
    assert abs(parts[-1].timestamp - time.time()) < 60
