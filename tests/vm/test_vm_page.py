# SPDX-License-Identifier: MIT
"""The page in a real browser, with a real driver behind it: the guest's nginx, this machine's Chromium."""

import json
import pathlib
import sys

import pytest
from guest import SECONDS
from stack import wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "browser"))

from browsers import Chromium  # noqa: E402


@pytest.fixture
def chromium():
    browser = Chromium()
    yield browser
    browser.close()


def control(guest, name):
    """As the driver says, asked past the worker."""
    return int(guest.sh(f"v4l2-ctl -d /dev/video0 -C {name}").split()[-1])


def brightness(guest):
    return control(guest, "brightness")


def listed(site):
    controls = json.loads(site.get("/controls").body)
    return next(control["value"] for control in controls if control["id"] == "brightness")


def test_a_slider_moves_the_drivers_control(guest, site, chromium):
    front = site("--device 0 --resolution 320x180 --fps 10")
    guest.sh("v4l2-ctl -d /dev/video0 -c brightness=100")
    chromium.open(f"http://127.0.0.1:{front.port}/")
    wait_for(lambda: chromium.word() == "Live", "the picture", seconds=SECONDS)
    wait_for(lambda: chromium.shown("controls"), "the panel", seconds=SECONDS)

    chromium.evaluate(
        """(() => { const slider = document.getElementById("c-brightness");
        slider.value = 117; slider.dispatchEvent(new Event("input", {bubbles: true})); return 1; })()"""
    )
    wait_for(lambda: brightness(guest) == 117, "the driver has it", seconds=SECONDS)
    assert listed(front) == 117

    chromium.click("reset")
    wait_for(lambda: brightness(guest) == 128, "the driver's default", seconds=SECONDS)
    shown = 'document.getElementById("c-brightness").value'
    wait_for(lambda: chromium.evaluate(shown) == "128", "the page shows it", seconds=SECONDS)


def test_a_checkbox_turns_the_drivers_switch(guest, site, chromium):
    front = site("--device 0 --resolution 320x180 --fps 10")
    chromium.open(f"http://127.0.0.1:{front.port}/")
    wait_for(lambda: chromium.shown("controls"), "the panel", seconds=SECONDS)
    for wanted in (1, 0):
        chromium.click("c-horizontal_flip")
        wait_for(lambda: control(guest, "horizontal_flip") == wanted, "it", seconds=SECONDS)


def test_the_page_releases_and_starts_a_real_camera(guest, site, chromium):
    front = site("--device 0 --resolution 320x180 --fps 10")
    chromium.open(f"http://127.0.0.1:{front.port}/")
    wait_for(lambda: chromium.word() == "Live", "the picture", seconds=SECONDS)
    chromium.click("power")
    wait_for(lambda: chromium.word() == "Off", "it is off", seconds=SECONDS)
    assert front.holds() == (0, 0)
    chromium.click("power")
    wait_for(lambda: chromium.word() == "Live", "it is back", seconds=SECONDS)
