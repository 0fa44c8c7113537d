# SPDX-License-Identifier: MIT
"""What may happen to a worker, its camera and its viewers, at random; and what must then be true."""

import random
import time

from stack import SLOW, wait_for
from viewer import Viewer

VIEWERS_MAX = 6
SETTLED_S = 60 * SLOW
BUFFERS = 4
STATES = "live idle starting released no-device busy denied stalled error".split()


class World:
    """step() lets one thing happen and waits until all that can be asked agrees with it."""

    def __init__(self, site, webcam, seed):
        self.site, self.webcam = site, webcam
        self.random = random.Random(seed)
        self.plugged, self.paused, self.latched = True, False, False
        self.viewers = []
        self.acted = time.monotonic()
        # Once woken: libraries keep a descriptor of what they have used.
        assert site.get("/snapshot").status == 200
        wait_for(lambda: site.state()["camera"]["state"] == "idle", "the beginning", SETTLED_S)
        self.descriptors = self.metrics()["process_open_fds"]

    # --- what happens: a name, how likely, and when it can ---

    def events(self):
        room = len(self.viewers) < VIEWERS_MAX
        idle = self.state() == "idle"
        return {
            self.viewer_comes: 6 * (room and not self.latched),
            self.viewer_is_refused: self.latched,
            self.viewer_goes: 4 * bool(self.viewers),
            self.viewer_meets_a_failing_camera: 6 * (idle and not self.paused),
            self.snapshot: 2,
            self.unplug: 4 * self.plugged,
            self.plug: 8 * (not self.plugged),
            self.pause: 2 * (self.plugged and not self.paused),
            self.resume: 6 * (self.plugged and self.paused),
            self.spoil: 5 if self.state() == "live" else self.plugged,
            self.shutdown: 1 if self.latched else 2,
            self.start: 8 if self.latched else 1,
        }

    def viewer_comes(self):
        self.viewers.append(Viewer(self.site))

    def viewer_is_refused(self):
        with self.site.stream() as stream:
            assert stream.begin().status == 503

    def viewer_goes(self):
        self.viewers.pop(self.random.randrange(len(self.viewers))).close()

    def viewer_meets_a_failing_camera(self):
        self.webcam.do(f"stall {self.random.randint(1, 3)}")
        self.viewer_comes()

    def snapshot(self):
        answer = self.site.get("/snapshot")
        assert answer.status in (200, 503), answer
        if answer.status == 200:
            assert self.plugged and not self.paused and not self.latched

    def unplug(self):
        self.plugged = False
        self.webcam.unplug()

    def plug(self):
        self.plugged = True
        self.webcam.plug()

    def pause(self):
        self.paused = True
        self.webcam.do("pause")

    def resume(self):
        self.paused = False
        self.webcam.do("resume")

    def spoil(self):
        """Up to three seconds of it: more than the watchdog stands."""
        how = self.random.choice(("error", "truncate", "garbage", "empty"))
        self.webcam.do(f"{how} {self.random.randint(1, 30)}")

    def shutdown(self):
        answer = self.site.get("/shutdown", "POST")
        assert (answer.status, answer.body) == (200, b"Capture released")
        assert self.site.holds() == (0, 0)
        self.latched = True
        while self.viewers:
            self.viewers.pop().wait_end()

    def start(self):
        self.latched = False
        assert self.site.get("/start", "POST").status == 200

    # --- what must be true ---

    def state(self):
        if self.latched:
            return "released"
        if not self.plugged:
            return "no-device"
        if not self.viewers:
            return "idle"
        return "stalled" if self.paused else "live"

    def metrics(self):
        status, body = self.site.inside("/metrics")
        assert status == 200
        samples = (line.rsplit(" ", 1) for line in body.splitlines() if line[:1] != "#")
        return {name: float(value) for name, value in samples}

    def held(self, state):
        """Descriptors of a camera that may be open."""
        return {"live": (1,), "stalled": (0, 1)}.get(state, (0,))

    def shows(self, viewer, state):
        newest = viewer.seen[-1] if viewer.seen else None
        if viewer.end is not None or not newest or newest.received < self.acted:
            return False
        return newest.state == (None if state == "live" else state)

    def lies(self):
        """Whatever does not agree with what has happened."""
        state, live = self.state(), self.state() == "live"
        told, metrics = self.site.state(), self.metrics()
        fds, maps = self.site.holds()
        ready, reason = self.site.inside("/readyz")
        well = state in ("live", "idle", "released")
        claims = {
            "/state": (told["camera"]["state"], state),
            "online": (told["source"]["online"], live),
            "clients": (told["stream"]["clients"], len(self.viewers)),
            "/readyz": (ready, 200 if well else 503),
            "its text": (reason.strip(), "ok" if well else told["camera"]["reason"]),
            "webcam_up": (metrics["webcam_up"], live),
            "webcam_viewers": (metrics["webcam_viewers"], len(self.viewers)),
            "the camera is open": (fds in self.held(state), True),
            "mapped buffers": (maps, BUFFERS * fds),
            "descriptors": (
                metrics["process_open_fds"],
                self.descriptors + len(self.viewers) + fds,
            ),
        }
        for name in STATES:
            sample = f'webcam_camera_state{{state="{name}"}}'
            claims[sample] = (metrics[sample], name == state)
        for number, viewer in enumerate(self.viewers):
            claims[f"viewer {number} sees it"] = (self.shows(viewer, state), True)
        return [f"{what}: {one}, not {two}" for what, (one, two) in claims.items() if one != two]

    def settle(self):
        deadline = time.monotonic() + SETTLED_S
        self.site.await_state(lambda now: now["camera"]["state"] == self.state(), SETTLED_S)
        while lies := self.lies():
            assert time.monotonic() < deadline, f"{lies}\n{self.site.log()[-3000:]}"

    def step(self):
        """The name of what happened."""
        events = self.events()
        (event,) = self.random.choices(list(events), events.values())
        self.acted = time.monotonic()
        event()
        self.settle()
        return event.__name__

    def end_well(self):
        """Whatever has happened: the worker is live, and then at rest."""
        for mend in (self.resume, self.start) + (() if self.plugged else (self.plug,)):
            mend()
        self.acted = time.monotonic()
        if not self.viewers:
            self.viewer_comes()
        self.settle()
        while self.viewers:
            self.viewer_goes()
        self.settle()
