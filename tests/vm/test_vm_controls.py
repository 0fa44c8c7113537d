# SPDX-License-Identifier: MIT
"""Every control of vivid and of the USB webcam, beside what v4l2-ctl says."""

import json
import re
import threading
import time

import client
import pytest
from guest import BUILD, SECONDS
from stack import wait_for

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TYPES = ("int", "int64", "bool", "menu", "intmenu", "button", "bitmask")
CONTROL = re.compile(r"^ +(\w+) 0x[0-9a-f]{8} \((\w+)\) *:(.*?)(?: flags=(.*))?$")
CHOICE = re.compile(r"^\s+(\d+): (.*)$")
# Pressed, these break the device; each has a test of its own elsewhere.
BREAKS = re.compile("inject_|disconnect")


def by_v4l2_ctl(guest, number):
    """name -> what v4l2-ctl says of it, for the types that we know."""
    controls = {}
    for line in guest.sh(f"v4l2-ctl -d /dev/video{number} --list-ctrls-menus").splitlines():
        if found := CONTROL.match(line):
            name, kind, rest, flags = found.groups()
            fields = dict(re.findall(r"(\w+)=(-?\w+)", rest)) if kind in TYPES else {}
            last = {"type": kind, "flags": (flags or "").split(", "), "menu": {}}
            last["array"] = fields.pop("dims", None)
            controls[name] = last | {key: int(value, 0) for key, value in fields.items()}
            last = controls[name]
        elif found := CHOICE.match(line):
            last["menu"][int(found[1])] = found[2]
    return {n: c for n, c in controls.items() if c["type"] in TYPES and not c["array"]}


def ask(site):
    answer = client.request(site.port, "/controls", timeout=SECONDS)
    assert answer.status == 200, answer.body
    return {control["id"]: control for control in json.loads(answer.body)}


def post(site, body):
    return client.request(site.port, "/controls", "POST", FORM, body, timeout=SECONDS)


def set_one(site, name, value):
    """The control as it was read back."""
    answer = post(site, f"{name}={value}")
    assert answer.status == 200, f"{name}={value}: {answer.body}"
    return next(c for c in json.loads(answer.body) if c["id"] == name)


def assert_same(ours, theirs):
    """One control; an unsigned value of theirs may be printed signed."""
    kind = ours["type"]
    assert kind == theirs["type"]
    mask = 0xFFFFFFFF if kind == "bitmask" else -1
    keys = {"bool": ["default"], "button": [], "bitmask": ["max", "default"]}
    for key in keys.get(kind, ["min", "max", "default"]):
        assert ours[key] & mask == theirs[key] & mask, (ours, theirs)
    if kind in ("int", "int64"):
        assert ours["step"] == theirs["step"], (ours, theirs)
    if kind != "button" and not {"volatile", "write-only"} & set(theirs["flags"]):
        assert ours["value"] & mask == theirs["value"] & mask, (ours, theirs)
    assert [c["value"] for c in ours["menu"]] == list(theirs["menu"]), (ours, theirs)
    for choice in ours["menu"]:
        label = theirs["menu"][choice["value"]]
        assert choice["label"] == (label.split()[0] if kind == "intmenu" else label)
    assert ("inactive" in ours["flags"]) == ("inactive" in theirs["flags"])
    assert ("read_only" in ours["flags"]) == ("read-only" in theirs["flags"])


def other_value(control):
    """A legal value that it does not have now."""
    if control["menu"]:
        legal = [choice["value"] for choice in control["menu"]]
    elif control["type"] == "bitmask":
        legal = [0, control["max"]]
    else:
        steps = (control["max"] - control["min"]) // max(control["step"], 1)
        legal = [control["min"], control["min"] + steps * max(control["step"], 1)]
    return next((value for value in legal if value != control["value"]), None)


def test_vivid_is_listed_as_v4l2_ctl_lists_it(guest, site):
    ours, theirs = ask(site("--device 0")), by_v4l2_ctl(guest, 0)
    assert list(ours) == list(theirs)
    for name, control in ours.items():
        assert_same(control, theirs[name])
    assert {control["type"] for control in ours.values()} == set(TYPES)
    print(f"{len(ours)} controls of vivid, all types")


def settable(controls):
    """name -> another legal value, of those that can be set to one and leave the device whole."""
    values = {
        name: other_value(control)
        for name, control in controls.items()
        if control["type"] != "button"
        and not BREAKS.search(name)
        and not {"read_only", "inactive"} & set(control["flags"])
    }
    return {name: value for name, value in values.items() if value is not None}


def test_each_control_of_vivid_is_set_and_read_back(guest, site):
    front = site("--device 0")
    before = ask(front)
    values = settable(before)
    try:
        for name, value in values.items():
            assert set_one(front, name, value)["value"] == value
        ours, theirs = ask(front), by_v4l2_ctl(guest, 0)
        for name, control in ours.items():
            assert_same(control, theirs[name])
    finally:
        for name in values:
            assert set_one(front, name, before[name]["value"])["value"] == before[name]["value"]
    assert post(front, "button=1").status == 200
    assert front.state()["camera"]["opens"] == 0
    print(f"{len(values)} controls set and read back, and a button")
    assert len(values) > 30


def bad_values(control):
    if control["type"] in ("int", "int64"):
        bad = [control["min"] - 1, control["max"] + 1, "x", "1.5"]
        return bad + ([control["min"] + 1] if control["step"] > 1 else [])
    return {
        "bool": [2, -1, "on"],
        "menu": [-1, control["max"] + 1],
        "intmenu": [-1, control["max"] + 1],
        "bitmask": [-1, f"0x{control['max'] << 1 | 1:x}"],
        "button": [],
    }[control["type"]]


def test_what_is_out_of_range_is_refused_by_name_and_nothing_is_set(site):
    front = site("--device 0")
    before = ask(front)
    changed = f"brightness={other_value(before['brightness'])}"
    for name, control in before.items():
        for value in bad_values(control):
            answer = post(front, f"{changed}&{name}={value}")
            assert answer.status == 400, f"{name}={value}: {answer.body}"
            assert answer.body.decode().startswith(f"{name}: "), answer.body
    answer = post(front, f"{changed}&sepia=1")
    assert answer.status == 400 and b"sepia: there is no such control; there are " in answer.body
    assert ask(front)["brightness"] == before["brightness"]


@pytest.fixture
def ioctls(guest):
    """The ioctls of /dev/video0 since the fixture was made, as the kernel logs them."""
    debug = "/sys/class/video4linux/video0/dev_debug"
    guest.sh(f"dmesg -C; echo 1 >{debug}")
    yield lambda: re.findall(r"video0: VIDIOC_(\w+)", guest.sh("dmesg"))
    guest.sh(f"echo 0 >{debug}")


def test_setting_an_idle_camera_starts_no_stream(site, ioctls):
    front = site("--device 0")
    front.await_state(lambda state: state["camera"]["state"] == "idle")
    assert set_one(front, "brightness", 33)["value"] == 33
    assert front.state()["camera"]["state"] == "idle"
    seen = ioctls()
    assert "S_EXT_CTRLS" in seen
    assert not {"STREAMON", "REQBUFS", "S_FMT", "S_PARM"} & set(seen)
    client.request(front.port, "/snapshot", timeout=SECONDS)
    assert "STREAMON" in ioctls()


def brightness(guest):
    return int(guest.sh("v4l2-ctl -d /dev/video0 -C brightness").split()[-1])


def watch(site):
    with site.stream() as stream:
        stream.pictures(1)
    site.await_state(lambda state: state["camera"]["state"] == "idle")


def test_controls_come_back_at_every_opening_and_start(guest, site):
    directory = guest.sh("mktemp -d").strip()
    options = f"--device 0 --resolution 320x180 --idle-release 0 --state-dir {directory}"
    try:
        front = site(f"{options} --control brightness=44 --control sepia=1 --control contrast=55")
        watch(front)
        assert brightness(guest) == 44
        assert front.log().count("sepia: there is no such control") == 1
        set_one(front, "brightness", 66)
        assert guest.sh(f"cat {directory}/controls") == "brightness=66\n"
        guest.sh("v4l2-ctl -d /dev/video0 -c brightness=1,contrast=1")
        watch(front)
        assert brightness(guest) == 66 and ask(front)["contrast"]["value"] == 55

        # Another worker, as after a restart; the first one sleeps.
        guest.sh("v4l2-ctl -d /dev/video0 -c brightness=1,contrast=1")
        back = site(f"{options} --control brightness=44", "back")
        assert "brightness=66, kept in" in back.log()
        watch(back)
        assert brightness(guest) == 66 and ask(back)["contrast"]["value"] == 1
    finally:
        guest.sh("v4l2-ctl -d /dev/video0 -c brightness=128,contrast=128")


def test_a_full_disk_is_told_once_and_the_value_applied(guest, site):
    directory = guest.sh("d=$(mktemp -d); mount -t tmpfs -o size=16k none $d; echo $d").strip()
    guest.sh(f"echo gain=1 >{directory}/controls; cat /dev/zero >{directory}/filler; true", None)
    front = site(f"--device 0 --state-dir {directory}")
    try:
        assert set_one(front, "brightness", 20)["value"] == 20
        assert set_one(front, "brightness", 21)["value"] == 21
        assert front.log().count("a restart would forget the controls") == 1
        assert guest.sh(f"cat {directory}/controls") == "gain=1\n"
        guest.sh(f"rm {directory}/filler")
        set_one(front, "brightness", 128)
        assert guest.sh(f"cat {directory}/controls") == "gain=1\nbrightness=128\n"
    finally:
        guest.sh(f"umount {directory}")


def test_the_webcam_is_listed_and_set_idle_live_and_replugged(guest, site, webcam):
    front = site("--device auto --resolution 640x480 --idle-release 0")
    ours, theirs = ask(front), by_v4l2_ctl(guest, 2)
    assert list(ours) == list(theirs) and "brightness" in ours and "contrast" in ours
    for name, control in ours.items():
        assert_same(control, theirs[name])
        value = other_value(control)
        assert set_one(front, name, value)["value"] == value
        assert by_v4l2_ctl(guest, 2)[name]["value"] == value
        assert post(front, f"{name}={control['max'] + 1}").status == 400
    assert front.state()["camera"]["opens"] == 0
    with front.stream() as stream:
        stream.pictures(2)
        kept = set_one(front, "brightness", ours["brightness"]["min"])["value"]
        stream.pictures(2)
        webcam.do("unplug")
        front.await_state(lambda state: state["camera"]["state"] == "no-device")
        assert post(front, "brightness=1").status == 503
        assert ask(front)["brightness"]["value"] == kept
        webcam.wait(there=False)
        guest.sh("true")
        webcam.do("plug")
        webcam.wait()
        guest.sh(f"v4l2-ctl -d /dev/video2 -c brightness={ours['brightness']['max']}", None)
        front.await_state(lambda state: state["camera"]["state"] == "live")
        stream.pictures(2)
    front.await_state(lambda state: state["camera"]["state"] == "idle")
    with front.stream() as stream:
        stream.pictures(1)
    assert by_v4l2_ctl(guest, 2)["brightness"]["value"] == kept


def test_a_control_that_hangs_delays_nobody(guest, site, webcam):
    """The webcam's processor is stopped, and with it the driver's request to set the control."""
    front = site("--device auto --resolution 640x480 --idle-release 0")
    front.await_state(lambda state: state["camera"]["state"] == "idle")
    pid = guest.sh("pidof uvc-emu").strip()
    answers = []
    poster = threading.Thread(target=lambda: answers.append(post(front, "contrast=77")))
    guest.sh(f"kill -STOP {pid}")
    try:
        poster.start()
        began = time.monotonic()
        slowest = 0
        while time.monotonic() - began < 2:
            asked = time.monotonic()
            assert front.state()["camera"]["state"] == "idle"
            slowest = max(slowest, time.monotonic() - asked)
        # Not from here: it is not public.
        guest.sh(f"{BUILD}/webcam-fcgi --healthcheck --listen unix:/tmp/front/webcam.sock")
        assert not answers
    finally:
        guest.sh(f"kill -CONT {pid}")
    poster.join(SECONDS)
    assert answers and answers[0].status == 200, answers
    wait_for(lambda: ask(front)["contrast"]["value"] == 77, "the value")
    print(f"/state while a control hung: {slowest * 1000:.0f} ms at most")
    assert slowest < 1.5
