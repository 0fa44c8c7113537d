# SPDX-License-Identifier: MIT
"""A viewer who never looks away: what came last can be asked, what comes can be waited for."""

import collections
import socket
import threading
import time

from guest import SECONDS

# number: from 0, of the stream's parts. seq: None of a placeholder, which has state and reason.
Seen = collections.namedtuple("Seen", "number received seq state reason")


def picture(seen):
    return seen.seq is not None


def says(state):
    return lambda seen: seen.state == state


class Viewer:
    def __init__(self, site, path="/video_feed"):
        self.asked = time.monotonic()
        self.stream = site.stream(path)
        self.seen = []
        self.end = None  # "": a proper one; else what was wrong with it
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        end = ""
        try:
            while (part := self.stream.part()) is not None:
                state = part.headers.get("X-Camera-State")
                reason = part.headers.get("X-Camera-Reason")
                seen = Seen(len(self.seen), part.received, part.seq, state, reason)
                with self.changed:
                    self.seen.append(seen)
                    self.changed.notify_all()
        except (AssertionError, OSError) as error:
            # A stream that had nothing to show yet ends behind its head.
            empty = self.stream.status == 200 and not self.seen and not self.stream.buffer
            end = "" if empty and isinstance(error, AssertionError) else repr(error)
        with self.changed:
            self.end = end
            self.changed.notify_all()

    def mark(self):
        """The number of the part that comes next."""
        with self.changed:
            return len(self.seen)

    def wait(self, wanted, after=0, seconds=SECONDS):
        """The first part from number `after` on for which wanted() is true."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                for seen in self.seen[after:]:
                    if wanted(seen):
                        return seen
                after = max(after, len(self.seen))
                left = deadline - time.monotonic()
                told = self.seen[-3:]
                assert self.end is None and left > 0, f"{self.end}, {left:.1f} s left: {told}"
                self.changed.wait(left)

    def wait_end(self, seconds=SECONDS):
        """The server has to end it, and properly."""
        self.thread.join(seconds)
        assert self.end == "", f"{self.end}: {self.seen[-3:]}"
        self.stream.close()

    def close(self):
        """Goes away; until then it must not have been ended."""
        with self.changed:
            ended = self.end
        try:
            self.stream.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(SECONDS)
        self.stream.close()
        assert ended is None, ended

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None and self.end is None:
            self.close()
        else:
            self.stream.close()
