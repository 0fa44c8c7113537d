# SPDX-License-Identifier: MIT
"""Sizes, schemes, names, contrast, keyboard; and the pictures of the README."""

import io
import os
import pathlib

import PIL.Image
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from stack import ROOT, wait_for

# Writes the README's pictures anew: WEBCAM_SHOTS=1.
SHOTS = pathlib.Path(__file__).parent / "shots"

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

# [text, ratio] of all that is written on the page, against what is behind it.
CONTRAST = """
(() => {
    const rgba = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const over = (top, below) => {
        const alpha = top[3] ?? 1;
        return below.map((v, i) => top[i] * alpha + v * (1 - alpha));
    };
    // The picture may be of any colour: white is the worst below light text.
    const behind = (e) => {
        if (!e)
            return [255, 255, 255];
        const below = e.id === "veil" ? [77, 77, 77] : behind(e.parentElement);
        return over(rgba(getComputedStyle(e).backgroundColor), below);
    };
    const own = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    return [...document.body.querySelectorAll("*")]
        .filter((e) => own(e) && e.checkVisibility() && e.id !== "detail")
        .filter((e) => !e.closest(":disabled, noscript, dialog:not([open])"))
        .map((e) => {
            const [a, b] = [light(rgba(getComputedStyle(e).color)), light(behind(e))];
            return [e.textContent.trim(), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
        });
})()
"""


@pytest.fixture
def page(chromium, make_site, fake_controls):
    site = make_site("--resolution", "1280x720", "--fps", 5, controls=fake_controls)
    chromium.open(site.url)
    wait_for(lambda: chromium.shown("controls"), "the panel")
    chromium.wait_word("Live")
    chromium.site = site
    return chromium


def test_every_width_and_scheme(page):
    for width, height in ((320, 640), (768, 1024), (1920, 1080)):
        for scheme in ("light", "dark"):
            page.resize(width, height, scheme)
            assert page.evaluate(OVERFLOW) == 0, f"{width} {scheme}: scrolls sideways"
            poor = [pair for pair in page.evaluate(CONTRAST) if pair[1] < 4.5]
            assert not poor, f"{width} {scheme}"
    picture, panel = (
        page.evaluate(f'document.getElementById("{id}").getBoundingClientRect().toJSON()')
        for id in ("picture", "controls")
    )
    assert panel["left"] >= picture["right"], "a second column where there is room"
    assert picture["width"] / picture["height"] == pytest.approx(16 / 9, abs=0.01)
    assert picture["bottom"] < 1080 - 60, "the buttons are in sight"


def test_contrast_of_the_reason(page):
    page.site.post("/shutdown")
    page.wait_word("Off")
    for scheme in ("light", "dark"):
        page.resize(320, 640, scheme)
        texts = page.evaluate(CONTRAST)
        assert "The camera is off" in [text for text, _ in texts]
        assert not [pair for pair in texts if pair[1] < 4.5]


def test_buttons_are_large_enough(page):
    page.resize(320, 640)
    sizes = page.evaluate(
        '[...document.querySelectorAll("button,summary")].filter((b) => b.checkVisibility())'
        ".map((b) => [b.textContent, b.clientWidth + 2, b.clientHeight + 2])"
    )
    assert len(sizes) > 8
    assert not [s for s in sizes if s[1] < 44 or s[2] < 44]


def test_the_place_is_reserved(chromium, make_site):
    """Nothing moves when the first picture comes."""
    site = make_site("--resolution", "1280x720")
    chromium.open(site.url)
    chromium.wait_moving()
    shifts = chromium.wait_for_promise(
        """return new Promise((resolve) => new PerformanceObserver((list) =>
            resolve(list.getEntries().map((e) => e.value).reduce((a, b) => a + b, 0)))
            .observe({ type: "layout-shift", buffered: true }) ?? setTimeout(resolve, 500, 0))"""
    )
    assert shifts < 0.1


def test_names_and_roles(page):
    nodes = page.command("Accessibility.getFullAXTree")["nodes"]
    seen = {}
    for node in nodes:
        if not node.get("ignored"):
            name = node.get("name", {}).get("value", "")
            seen.setdefault(node["role"]["value"], []).append(name)
    for role in ("button", "link", "slider", "spinbutton", "checkbox", "combobox", "img", "image"):
        assert all(seen.get(role, [])), f"{role} without a name: {seen[role]}"
    assert "Live picture of Test pattern" in seen.get("image", []) + seen.get("img", [])
    assert {"Snapshot", "Pause", "Release camera", "Reset Brightness"} <= set(seen["button"])
    assert seen["heading"] == ["Test pattern"]
    assert len(seen["main"]) == 1 and len(seen["banner"]) == 1 and len(seen["contentinfo"]) == 1
    assert len(seen["status"]) == 1
    assert "Brightness" in seen["slider"] and "Brightness, number" in seen["spinbutton"]


def test_status_is_said_only_when_it_changes(page):
    page.evaluate(
        "(window.changes = 0, new MutationObserver((list) => { window.changes += list.length; })"
        '.observe(document.getElementById("pill"), '
        "{ childList: true, subtree: true, characterData: true }))"
    )
    before = page.text("fps")
    number = page.number()
    wait_for(lambda: page.number() > number + 15, "three seconds of pictures")
    assert page.evaluate("window.changes") == 0, before
    page.click("pause")
    wait_for(lambda: page.evaluate("window.changes") > 0, "a change is said")


def focused(page):
    return page.evaluate(
        "(document.activeElement.getAttribute('href') || document.activeElement.id ||"
        " document.activeElement.ariaLabel || document.activeElement.textContent.trim())"
    )


def test_tab_goes_through_all_and_out_again(page):
    order = []
    while len(order) < 60:
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        if page.evaluate("document.activeElement === document.body"):
            break
        order.append(focused(page))
    assert order[:3] == ["snapshot", "fullscreen", "pause"]
    assert order[3:5] == ["power", "Camera controls"]
    assert order[-4:] == ["reset", "video_feed", "snapshot", "state"]
    assert "c-brightness" in order and "c-exposure_time_absolute" not in order
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    page.driver.find_element("id", "pause").send_keys("")
    ActionChains(page.driver).send_keys(Keys.TAB).perform()
    assert page.evaluate(outline) == "solid"


def press(page, key):
    ActionChains(page.driver).send_keys(key).perform()


def test_keys(page):
    press(page, " ")
    page.wait_word("Paused", 2)
    press(page, " ")
    page.wait_word("Live", 5)
    press(page, "f")
    wait_for(lambda: page.evaluate("document.fullscreenElement?.id") == "stage", "fullscreen")
    press(page, "f")
    wait_for(lambda: page.evaluate("document.fullscreenElement === null"), "back")


def test_keys_belong_to_what_has_the_focus(page):
    page.driver.find_element("id", "snapshot").send_keys("")
    page.evaluate('document.getElementById("c-auto_exposure").focus()')
    press(page, "f")
    press(page, "f")
    assert page.evaluate("document.fullscreenElement === null")
    page.evaluate('document.getElementById("pause").focus()')
    press(page, " ")
    page.wait_word("Paused", 2)


def test_reduced_motion(page):
    page.resize(1280, 900, motion="reduce")
    style = 'getComputedStyle(document.getElementById("{}"))'
    assert page.evaluate(style.format("picture") + ".transitionProperty") in ("none", "all")
    assert page.evaluate(style.format("picture") + ".transitionDuration") == "0s"
    assert page.evaluate(style.format("veil") + ".animationName") == "none"


def test_weight(page):
    """All that a browser loads, controls panel and icon among it, uncompressed."""
    names = page.evaluate(
        "[location.href, ...performance.getEntriesByType('resource').map((e) => e.name)]"
        ".map((url) => new URL(url).pathname.slice(1) || 'index.html')"
    )
    files = {path.name: path.stat().st_size for path in (ROOT / "html").iterdir()}
    loaded = {name: files[name] for name in {"icon.svg", *names} & files.keys()}
    assert len(loaded) == len(files) - 1, "everything but the fallback"
    assert sum(loaded.values()) <= 40 * 1024, loaded


def test_only_relative_links(page):
    links = page.evaluate(
        '[...document.querySelectorAll("[src],[href],[action]")].map((e) =>'
        ' e.getAttribute("src") ?? e.getAttribute("href") ?? e.getAttribute("action"))'
    )
    assert len(links) >= 6
    assert not [link for link in links if link.startswith("/") or ":" in link]


def save(page, name):
    png = page.driver.get_screenshot_as_png()
    image = PIL.Image.open(io.BytesIO(png)).convert("RGB")
    SHOTS.mkdir(exist_ok=True)
    image.quantize(200, dither=PIL.Image.Dither.NONE).save(SHOTS / f"{name}.png", optimize=True)


def wait_drawn(page):
    points = 'document.querySelector("#fps-line").points.length'
    wait_for(lambda: page.evaluate(points) > 20, "a sparkline", 40)


def take_shots(chromium, make_site, fake_controls):
    site = make_site("--resolution", "1280x720", "--fps", 30, controls=fake_controls)
    chromium.resize(1366, 768)
    chromium.open(site.url)
    chromium.wait_moving()
    wait_drawn(chromium)
    save(chromium, "desktop")
    chromium.resize(1366, 768, "dark")
    save(chromium, "desktop-dark")
    chromium.resize(360, 740)
    chromium.open(site.url)
    wait_drawn(chromium)
    save(chromium, "phone")
    site.post("/shutdown")
    chromium.wait_word("Off")
    wait_for(lambda: "Since" in chromium.text("reason"), "since when")
    wait_for(lambda: chromium.text("rate") == "–" and chromium.text("viewers") == "0", "its end")
    chromium.resize(360, 740, "dark", "reduce")
    save(chromium, "phone-released-dark")


# Not a test, so not among those skipped.
if "WEBCAM_SHOTS" in os.environ:
    test_shots = take_shots
