# SPDX-License-Identifier: MIT
"""On only while watched, off when told, back by itself: the real drivers, viewers through nginx."""

import contextlib
import pathlib
import statistics
import threading
import time

import inside
import numpy
import pytest
from guest import BUILD, SECONDS, Site
from stack import SLOW, Worker, wait_for
from viewer import Viewer, picture, says

HERE = pathlib.Path(__file__).resolve().parent
# What a webcam may take outside takes longer in here; the figures are printed.
EMULATED = 6 * SLOW
NOTICE_S, BACK_S, IDLE_PERCENT = 1.5, 2, 0.1
REPLUGS = 20


@pytest.fixture(scope="module")
def by_id(guest, webcam):
    """The USB webcam's stable name, which udev would have made."""
    name = "/dev/v4l/by-id/usb-Lab_UVC_Test_Camera_0001-video-index0"
    guest.sh(f"mkdir -p {pathlib.Path(name).parent}; ln -sfn ../../video2 {name}")
    return name


@pytest.fixture(scope="module")
def usb(guest, by_id):
    one = Site(guest, "front", f"--device {by_id} --resolution 640x480 --idle-release 1")
    yield one
    one.stop()


@pytest.fixture(scope="module")
def vivid(guest):
    one = Site(guest, "back", "--device 0 --resolution 320x180 --fps 10 --idle-release 1")
    yield one
    one.stop()


@pytest.fixture(scope="module")
def openings(guest):
    """openings(): how often the node of any camera has been opened so far, by anybody."""
    pid = guest.spawn(f"/usr/bin/python3 {HERE}/opens.py", "/tmp/opens.log")
    wait_for(lambda: "watching" in guest.call("contents", "/tmp/opens.log"), "inotify", SECONDS)
    yield lambda: guest.call("contents", "/tmp/opens.log").count("video")
    guest.kill(pid)


def await_state(site, *names):
    return site.await_state(lambda state: state["camera"]["state"] in names)


def rests(site):
    """Nobody watches: idle, and the device is closed."""
    await_state(site, "idle")
    assert site.holds() == (0, 0)


def ready(site):
    """Status and body of /readyz, which is for the machine itself."""
    return site.inside("/readyz")


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
            clock = clock if number % 5 else usb.clock()
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
    rests(usb)


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

    rests(usb)
    opens, off = usb.state()["camera"]["opens"], streams_off()
    with Viewer(usb) as viewer:
        viewer.wait(picture)
        assert usb.holds() == (1, 4)
    rests(usb)
    assert usb.state()["camera"]["opens"] == opens + 1 and streams_off() > off
    times = []
    for _ in range(3):
        times.append(guest.call("first_picture_s", usb.port))
        rests(usb)
    events = guest.probe("-r 640x480 -n 1 -a 3 stream 2")
    pairs = zip(events[0::3], events[1::3])
    driver = statistics.median(driver_s(opened, first) for opened, first in pairs)
    beyond = statistics.median(times) - driver
    figures(f"waking takes {beyond:.2f} s more than the driver's own {driver:.2f} s")
    assert beyond < 0.5 * EMULATED


def test_a_snapshot_wakes_it_too(usb):
    rests(usb)
    answer = usb.get("/snapshot")
    assert answer.status == 200 and answer.headers["X-Frame-Seq"]
    rests(usb)


def test_asking_about_it_does_not_wake_or_open_it(usb, openings):
    rests(usb)
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
    rests(usb)
    before = openings()
    away = webcam.unplug() + usb.clock()
    camera = await_state(usb, "no-device")["camera"]
    noticed = time.monotonic() - away
    status, body = ready(usb)
    assert status == 503 and body.strip() == camera["reason"] and "waiting for" in body
    assert usb.get("/video_feed", "HEAD").status == 200
    webcam.plug()
    await_state(usb, "idle")
    assert ready(usb)[0] == 200
    assert openings() == before
    figures(f"that an idle camera is gone is told after {noticed:.2f} s (looked for every 2 s)")


def test_unplugged_while_starting(usb, webcam):
    rests(usb)
    webcam.do("pause")
    with Viewer(usb) as viewer:
        await_state(usb, "starting", "stalled")
        webcam.unplug()
        lost = viewer.wait(says("no-device"))
        webcam.do("resume")
        webcam.plug()
        viewer.wait(picture, lost.number)
    rests(usb)


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
    assert usb.state()["camera"]["state"] == "released" and ready(usb)[0] == 200
    assert usb.get("/start", "POST").status == 200
    await_state(usb, "no-device")
    webcam.plug()
    rests(usb)


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


@contextlib.contextmanager
def as_it_is(guest, webcam):
    yield


@contextlib.contextmanager
def silent(guest, webcam):
    webcam.do("pause")
    try:
        yield
    finally:
        webcam.do("resume")


@contextlib.contextmanager
def unplugged(guest, webcam):
    webcam.unplug()
    try:
        yield
    finally:
        webcam.plug()


@contextlib.contextmanager
def failing(guest, webcam):
    """It refuses every format."""
    webcam.do("stall 100000")
    try:
        yield
    finally:
        webcam.do("stall 0")


@contextlib.contextmanager
def taken(guest, webcam):
    """Another program streams."""
    holder = guest.spawn(
        f"{BUILD}/tests/vm/source_probe -n 100000 -t 300 stream 2", "/tmp/holder.log"
    )
    wait_for(lambda: "picture" in guest.call("contents", "/tmp/holder.log"), "its picture", SECONDS)
    try:
        yield
    finally:
        guest.kill(holder, "KILL")


TROUBLES = {
    "live": as_it_is,
    "starting": silent,
    "stalled": silent,
    "no-device": unplugged,
    "error": failing,
    "busy": taken,
}


@pytest.mark.parametrize("state", TROUBLES)
def test_released_at_any_time_it_is_closed(guest, usb, webcam, state):
    rests(usb)
    with TROUBLES[state](guest, webcam):
        with Viewer(usb) as viewer:
            if state == "live":
                viewer.wait(picture)
            elif state != "starting":
                viewer.wait(says(state))
            # On a slow machine starting may be over before it is seen.
            await_state(usb, *((state, "stalled") if state == "starting" else (state,)))
            answer = usb.get("/shutdown", "POST")
            assert (answer.status, answer.body) == (200, b"Capture released")
            assert usb.holds() == (0, 0)
            viewer.wait_end()
        camera = usb.state()["camera"]
        assert camera["state"] == "released" and "Start" in camera["reason"]
        assert ready(usb)[0] == 200
        assert usb.get("/video_feed", "HEAD").status == 503
    assert usb.holds() == (0, 0)
    assert usb.get("/start", "POST").status == 200
    with Viewer(usb) as viewer:
        viewer.wait(picture)
    rests(usb)


@pytest.mark.parametrize("state", ["stalled", "error", "busy"])
def test_trouble_is_told_and_over_when_it_is_over(guest, usb, webcam, state):
    """On one connection."""
    rests(usb)
    with contextlib.ExitStack() as trouble:
        trouble.enter_context(TROUBLES[state](guest, webcam))
        with Viewer(usb) as viewer:
            seen = viewer.wait(says(state))
            camera = await_state(usb, state)["camera"]
            assert seen.reason == camera["reason"]
            assert ready(usb)[0] == 503
            trouble.close()
            viewer.wait(picture, seen.number)
            await_state(usb, "live")
            assert ready(usb)[0] == 200
    rests(usb)


def set_controls(guest, **controls):
    settings = ",".join(f"{name}={value}" for name, value in controls.items())
    guest.sh(f"v4l2-ctl -d /dev/video0 -c {settings}")


@pytest.mark.parametrize("step", ["REQBUFS", "STREAMON"])
def test_a_driver_that_fails_to_start_is_tried_again(guest, vivid, step):
    rests(vivid)
    set_controls(guest, **{f"inject_vidioc_{step.lower()}_error": 1})
    with Viewer(vivid) as viewer:
        lost = viewer.wait(says("error"))
        assert lost.reason == f"the camera failed at {step}: Invalid argument"
        viewer.wait(picture, lost.number)
    rests(vivid)


@pytest.mark.parametrize("fault", ["inject_vidioc_qbuf_error", "inject_fatal_streaming_error"])
def test_a_driver_that_fails_in_the_middle_is_started_again(guest, vivid, fault):
    with Viewer(vivid) as viewer:
        viewer.wait(picture)
        set_controls(guest, **{fault: 1})
        lost = viewer.wait(says("error"))
        assert "the camera failed at" in lost.reason and "QBUF" in lost.reason
        viewer.wait(picture, lost.number)
        assert vivid.holds() == (1, 4)
    rests(vivid)


def test_a_flagged_picture_is_not_shown(guest, vivid):
    with Viewer(vivid) as viewer:
        first = viewer.wait(picture)
        state = vivid.state()["camera"]
        set_controls(guest, inject_v4l2_buf_flag_error=1)
        flagged = state["dropped"]["flagged"] + 1
        vivid.await_state(lambda now: now["camera"]["dropped"]["flagged"] == flagged)
        viewer.wait(picture, viewer.mark())
        assert not any(seen.state for seen in viewer.seen[first.number :])
        assert vivid.state()["camera"]["opens"] == state["opens"]
    rests(vivid)


def test_silence_without_an_error_is_noticed(guest, vivid):
    with Viewer(vivid) as viewer:
        viewer.wait(picture)
        mark = viewer.mark()
        set_controls(guest, percentage_of_dropped_buffers=100)
        try:
            lost = viewer.wait(says("stalled"), mark)
            assert lost.reason == "the camera sends no pictures; starting it again"
        finally:
            set_controls(guest, percentage_of_dropped_buffers=0)
        viewer.wait(picture, lost.number)
    rests(vivid)


def test_a_permission_given_later_is_noticed_at_once(guest, site, figures):
    """As udev does it: the node first, then its mode. inotify cuts the back-off short."""
    somebody = "setpriv --reuid 65534 --regid 65534 --clear-groups"
    guest.sh("chown root:video /dev/video1; chmod 660 /dev/video1")
    third = site("--device 1 --resolution 320x180 --fps 10", "third", somebody)
    with Viewer(third) as viewer:
        assert "for group video (44)" in viewer.wait(says("denied")).reason
        assert third.get("/shutdown", "POST").status == 200
        viewer.wait_end()
    assert third.get("/start", "POST").status == 200
    with Viewer(third) as viewer:
        # Tried after 0.5, 1.5, 3.5, 7.5 and next after 15.5 s.
        denied = viewer.wait(says("denied")).received
        mark = viewer.wait(lambda seen: seen.received > denied + 8.5).number
        given = guest.call("set_mode", "/dev/video1", 0o666) + third.clock()
        back = viewer.wait(picture, mark).received
    guest.sh("chmod 600 /dev/video1")
    figures(f"the picture is there {back - given:.2f} s after the permission")
    assert back < denied + 15


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
    rests(usb)
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
    rests(vivid)
