# SPDX-License-Identifier: MIT
"""Random events against uvcvideo, through nginx. `make soak` has more of them, and new ones."""

import collections
import os
import time

import events
from guest import BUILD, Site

COUNT = int(os.environ.get("SOAK_EVENTS") or 60)
SEED = int(os.environ.get("SOAK_SEED") or 60)
GROWTH_MAX = 16 << 20


def test_after_random_events_it_is_live_and_has_lost_nothing(guest, webcam, figures):
    front = Site(guest, "front", "--device /dev/video2 --resolution 640x480 --idle-release 1")
    world = events.World(front, webcam, SEED)
    memory = world.metrics()["process_resident_memory_bytes"]
    began, happened = time.monotonic(), collections.Counter()
    try:
        print(f"{COUNT} events, SEED={SEED}", flush=True)
        for number in range(1, COUNT + 1):
            name = world.step()
            happened[name] += 1
            seconds = time.monotonic() - began
            print(f"{seconds:6.1f} s {number:4} {name}: {world.state()}", flush=True)
        world.end_well()
    finally:
        for viewer in world.viewers:
            viewer.stream.close()
    grown = world.metrics()["process_resident_memory_bytes"] - memory
    camera = front.state()["camera"]
    front.stop()
    figures(
        f"{COUNT} random events (SEED={SEED}) in {time.monotonic() - began:.0f} s: "
        f"{camera['opens']} openings, {camera['errors']} faults, "
        f"{grown / 2**20:.1f} MB more memory than before"
    )
    print(dict(happened), camera)
    assert BUILD.name != "build" or grown < GROWTH_MAX
