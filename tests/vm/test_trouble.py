# SPDX-License-Identifier: MIT
"""Drivers that fail, fall silent, refuse or are taken: told, over when it is over, off when told."""

import contextlib

import pytest
from guest import BUILD, SECONDS
from stack import wait_for
from viewer import Viewer, picture, says


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
    usb.await_rest()
    with TROUBLES[state](guest, webcam):
        with Viewer(usb) as viewer:
            if state == "live":
                viewer.wait(picture)
            elif state != "starting":
                viewer.wait(says(state))
            # On a slow machine starting may be over before it is seen.
            usb.await_camera(*((state, "stalled") if state == "starting" else (state,)))
            answer = usb.get("/shutdown", "POST")
            assert (answer.status, answer.body) == (200, b"Capture released")
            assert usb.holds() == (0, 0)
            viewer.wait_end()
        camera = usb.state()["camera"]
        assert camera["state"] == "released" and "Start" in camera["reason"]
        assert usb.inside("/readyz")[0] == 200
        assert usb.get("/video_feed", "HEAD").status == 503
    assert usb.holds() == (0, 0)
    assert usb.get("/start", "POST").status == 200
    with Viewer(usb) as viewer:
        viewer.wait(picture)
    usb.await_rest()


@pytest.mark.parametrize("state", ["stalled", "error", "busy"])
def test_trouble_is_told_and_over_when_it_is_over(guest, usb, webcam, state):
    """On one connection."""
    usb.await_rest()
    with contextlib.ExitStack() as trouble:
        trouble.enter_context(TROUBLES[state](guest, webcam))
        with Viewer(usb) as viewer:
            seen = viewer.wait(says(state))
            camera = usb.await_camera(state)["camera"]
            assert seen.reason == camera["reason"]
            assert usb.inside("/readyz")[0] == 503
            trouble.close()
            viewer.wait(picture, seen.number)
            usb.await_camera("live")
            assert usb.inside("/readyz")[0] == 200
    usb.await_rest()


def set_controls(guest, **controls):
    settings = ",".join(f"{name}={value}" for name, value in controls.items())
    guest.sh(f"v4l2-ctl -d /dev/video0 -c {settings}")


@pytest.mark.parametrize("step", ["REQBUFS", "STREAMON"])
def test_a_driver_that_fails_to_start_is_tried_again(guest, vivid, step):
    vivid.await_rest()
    set_controls(guest, **{f"inject_vidioc_{step.lower()}_error": 1})
    with Viewer(vivid) as viewer:
        lost = viewer.wait(says("error"))
        assert lost.reason == f"the camera failed at {step}: Invalid argument"
        viewer.wait(picture, lost.number)
    vivid.await_rest()


@pytest.mark.parametrize("fault", ["inject_vidioc_qbuf_error", "inject_fatal_streaming_error"])
def test_a_driver_that_fails_in_the_middle_is_started_again(guest, vivid, fault):
    with Viewer(vivid) as viewer:
        viewer.wait(picture)
        set_controls(guest, **{fault: 1})
        lost = viewer.wait(says("error"))
        assert "the camera failed at" in lost.reason and "QBUF" in lost.reason
        viewer.wait(picture, lost.number)
        assert vivid.holds() == (1, 4)
    vivid.await_rest()


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
    vivid.await_rest()


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
    vivid.await_rest()


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
