# SPDX-License-Identifier: MIT
"""Runs in the guest: a line for each opening of a /dev/videoN, by whomever (inotify)."""

import ctypes
import os
import struct

IN_OPEN = 0x20
HEAD = struct.Struct("iIII")

fd = ctypes.CDLL(None, use_errno=True).inotify_init()
assert ctypes.CDLL(None).inotify_add_watch(fd, b"/dev", IN_OPEN) >= 0
print("watching", flush=True)
while events := os.read(fd, 65536):
    while events:
        *_, size = HEAD.unpack_from(events)
        name = events[HEAD.size : HEAD.size + size].rstrip(b"\0").decode()
        events = events[HEAD.size + size :]
        if name.startswith("video"):
            print(name, flush=True)
