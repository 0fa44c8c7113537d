# SPDX-License-Identifier: MIT
"""On only while watched, off when told, back by itself: the real drivers, viewers through nginx."""

import pathlib
import statistics
import threading
import time

import inside
import numpy
import pytest
from guest import BUILD, SECONDS
from stack import SLOW, Worker, wait_for
from viewer import Viewer, picture, says

HERE = pathlib.Path(__file__).resolve().parent
# What a webcam may take outside takes longer in here; the figures are printed.
EMULATED = 6 * SLOW
NOTICE_S, BACK_S, IDLE_PERCENT = 1.5, 2, 0.1
REPLUGS = 20


@pytest.fixture(scope="module")
def openings(guest):
    """openings(): how often the node of any camera has been opened so far, by anybody."""
    pid = guest.spawn(f"/usr/bin/python3 {HERE}/opens.py", "/tmp/opens.log")
    wait_for(lambda: "watching" in guest.call("contents", "/tmp/opens.log"), "inotify", SECONDS)
    yield lambda: guest.call("contents", "/tmp/opens.log").count("video")
    guest.kill(pid)


def told(name, values, target=""):
    values = sorted(values)
    return (
        f"{name}: median {statistics.median(values):.2f} s, most {values[-1]:.2f} s "
        f"of {len(values)}{target}"
    )


def test_twenty_times_unplugged_and_plugged_in(guest, usb, webcam, figures):
    """Three viewers stay connected all the time; nothing is left over of what was lost."""
    noticed, back = [], []
    with Viewer(usb) as one, Viewer(usb) as two, Viewer(usb) as three:
        viewers = (one, two, three)
        for viewer in viewers:
            viewer.wait(picture)
        opens = usb.state()["camera"]["opens"]
        fds = guest.call("descriptors", usb.worker)
        for number in range(REPLUGS):
            if number % 5 == 0:
                clock = usb.clock()
            marks = [viewer.mark() for viewer in viewers]
            away = webcam.unplug() + clock
            lost = [v.wait(says("no-device"), mark) for v, mark in zip(viewers, marks)]
            noticed += [seen.received - away for seen in lost]
            there = webcam.plug() + clock
            found = [v.wait(picture, seen.number) for v, seen in zip(viewers, lost)]
            back += [seen.received - there for seen in found]
        state = usb.state()
        assert guest.call("descriptors", usb.worker) == fds
        assert usb.holds() == (1, 4)
    assert all("waiting for" in seen.reason for seen in lost)
    assert state["camera"]["opens"] >= opens + REPLUGS and state["camera"]["state"] == "live"
    figures(told("an unplugging is seen after", noticed, f" (target {NOTICE_S} s)"))
    figures(told("the picture is back after the node", back, f" (target {BACK_S} s)"))
    assert max(noticed) < NOTICE_S * EMULATED and max(back) < BACK_S * EMULATED
    usb.await_rest()


@pytest.fixture
def never_suspended(guest, usb):
    """A USB device that has rested for two seconds takes longer to wake, whoever wakes it."""
    control = "/sys/class/video4linux/video2/device/../power/control"
    guest.sh(f"echo on >{control}")
    yield
    guest.sh(f"echo auto >{control}")


def test_the_first_viewer_wakes_it_and_the_last_closes_it(guest, usb, never_suspended, figures):
    """The guest's kernel has no sock_diag: that must cost a viewer nothing."""

    def driver_s(opened, first):
        return first["time"] + first["age"] - opened["began"]

    def streams_off():
        return guest.call("contents", "/tmp/uvc.log").count("stream off")

    usb.await_rest()
    opens, off = usb.state()["camera"]["opens"], streams_off()
    with Viewer(usb) as viewer:
        viewer.wait(picture)
        assert usb.holds() == (1, 4)
    usb.await_rest()
    assert usb.state()["camera"]["opens"] == opens + 1 and streams_off() > off
    times = []
    for _ in range(3):
        times.append(guest.call("first_picture_s", usb.port))
        usb.await_rest()
    events = guest.probe("-r 640x480 -n 1 -a 3 stream 2")
    pairs = zip(events[0::3], events[1::3])
    driver = statistics.median(driver_s(opened, first) for opened, first in pairs)
    beyond = statistics.median(times) - driver
    figures(f"waking takes {beyond:.2f} s more than the driver's own {driver:.2f} s")
    assert beyond < 0.5 * EMULATED


def test_a_snapshot_wakes_it_too(usb):
    usb.await_rest()
    answer = usb.get("/snapshot")
    assert answer.status == 200 and answer.headers["X-Frame-Seq"]
    usb.await_rest()


def test_asking_about_it_does_not_wake_or_open_it(usb, openings):
    usb.await_rest()
    before, opens = openings(), usb.state()["camera"]["opens"]
    began = time.monotonic()
    while time.monotonic() - began < 5:
        for path in ("/video_feed", "/snapshot"):
            assert usb.get(path, "HEAD").status == 200
        assert usb.state()["camera"]["state"] == "idle"
        for path in ("/readyz", "/metrics"):
            assert usb.inside(path)[0] == 200
    assert openings() == before and usb.state()["camera"]["opens"] == opens


def test_gone_and_back_while_idle_without_being_opened(usb, webcam, openings, figures):
    usb.await_rest()
    before = openings()
    away = webcam.unplug() + usb.clock()
    camera = usb.await_camera("no-device")["camera"]
    noticed = time.monotonic() - away
    status, body = usb.inside("/readyz")
    assert status == 503 and body.strip() == camera["reason"] and "waiting for" in body
    assert usb.get("/video_feed", "HEAD").status == 200
    webcam.plug()
    usb.await_camera("idle")
    assert usb.inside("/readyz")[0] == 200
    assert openings() == before
    figures(f"that an idle camera is gone is told after {noticed:.2f} s (looked for every 2 s)")


def test_unplugged_while_starting(usb, webcam):
    usb.await_rest()
    webcam.do("pause")
    with Viewer(usb) as viewer:
        usb.await_camera("starting", "stalled")
        webcam.unplug()
        lost = viewer.wait(says("no-device"))
        webcam.do("resume")
        webcam.plug()
        viewer.wait(picture, lost.number)
    usb.await_rest()


@pytest.mark.parametrize("first", ["unplugged", "released"])
def test_unplugged_while_stopping(usb, webcam, first):
    with Viewer(usb) as viewer:
        viewer.wait(picture)
        answers = []
        post = threading.Thread(target=lambda: answers.append(usb.get("/shutdown", "POST")))
        steps = [webcam.unplug, post.start]
        for step in steps if first == "unplugged" else reversed(steps):
            step()
        post.join(SECONDS)
        viewer.wait_end()
    assert (answers[0].status, answers[0].body) == (200, b"Capture released")
    assert usb.holds() == (0, 0)
    assert usb.state()["camera"]["state"] == "released" and usb.inside("/readyz")[0] == 200
    assert usb.get("/start", "POST").status == 200
    usb.await_camera("no-device")
    webcam.plug()
    usb.await_rest()


def test_terminated_while_it_is_unplugged(guest, site, webcam, by_id):
    third = site(f"--device {by_id} --resolution 640x480", "third")
    with Viewer(third) as viewer:
        viewer.wait(picture)
        guest.sh(f"kill -TERM {third.worker} & echo unplug >{webcam.CONTROL}; wait")
        viewer.wait_end()
    third.await_end()
    assert "stopped" in third.log()
    webcam.wait(there=False)
    webcam.plug()


def test_a_stable_name_that_appears_later(guest, site, by_id):
    guest.sh(f"rm {by_id}")
    third = site(f"--device {by_id} --resolution 640x480", "third")
    with Viewer(third) as viewer:
        lost = viewer.wait(says("no-device"))
        assert by_id in lost.reason
        guest.sh(f"ln -s ../../video2 {by_id}")
        viewer.wait(picture, lost.number)


@pytest.fixture
def native(tmp_path):
    """Two workers on this machine itself, nothing emulated: their names and pids."""
    (tmp_path / "released").touch()
    options = {"idle": [], "released": ["--state-dir", tmp_path]}
    workers = {
        name: Worker(
            BUILD / "webcam-fcgi",
            ["--device", "auto", "--listen", f"unix:{tmp_path}/{name}.sock", *more],
            tmp_path / f"{name}.log",
        ).wait_up()
        for name, more in options.items()
    }
    yield {name: worker.pid for name, worker in workers.items()}
    for worker in workers.values():
        assert worker.finish() == []


def test_watched_by_nobody_it_costs_nothing(guest, usb, vivid, native, figures):
    """Idle and released, ten seconds each, all at the same time.

    In the guest the figure has the emulation in it, and whatever else the machine does.
    """
    usb.await_rest()
    vivid.get("/shutdown", "POST")
    emulated = {"idle": usb.worker, "released": vivid.worker}

    def cpu_s():
        here = {name: inside.cpu_s(pid) for name, pid in native.items()}
        there = {name: guest.call("cpu_s", pid) for name, pid in emulated.items()}
        return numpy.array([[here[name], there[name]] for name in emulated])

    before, began = cpu_s(), time.monotonic()
    time.sleep(10)
    shares = 100 * (cpu_s() - before) / (time.monotonic() - began)
    vivid.get("/start", "POST")
    for name, (here, there) in zip(emulated, shares):
        figures(
            f"CPU while {name}: {here:.3f} % of a core without a camera (target {IDLE_PERCENT} %), "
            f"{there:.2f} % of an emulated one with it"
        )
    assert shares[:, 0].max() < IDLE_PERCENT * SLOW
    assert shares[:, 1].max() < IDLE_PERCENT * EMULATED * 10
    vivid.await_rest()
