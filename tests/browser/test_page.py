# SPDX-License-Identifier: MIT
"""The page tells the truth about the picture and recovers by itself."""

import io
import signal
import time

import PIL.Image
import pytest

import client
from stack import wait_for


def test_picture_moves(browser, site):
    browser.open(site.url)
    browser.wait_moving()
    assert browser.text("name") == "Test pattern"
    assert site.state()["stream"]["clients"] == 1
    assert not browser.shown("veil")


def test_figures(browser, site):
    browser.open(site.url)
    browser.wait_moving()
    wait_for(lambda: browser.text("fps")[:2] in ("14", "15"), "about 15 fps")
    wait_for(lambda: browser.text("delay").endswith(" ms"), "a delay")
    assert 0 < int(browser.text("delay").split()[0]) < 1000
    assert browser.text("size") == "320 × 240"
    assert int(browser.text("rate").split()[0].replace(",", "")) > 10
    assert browser.text("viewers") == "1"


def test_worker_killed_and_restarted(browser, site):
    browser.open(site.url)
    browser.wait_moving()
    site.kill_worker()
    browser.wait_word("Reconnecting", 5)
    wait_for(lambda: "502" in browser.text("reason"), "the reason")
    last = browser.number()
    assert "Last picture" in browser.text("since") and browser.shown("veil")
    time.sleep(1)
    assert browser.number() == last
    site.start_worker()
    back = browser.wait_word("Live", 10)
    assert back < 4, f"live {back:.1f} s after the worker was there again"
    browser.wait_moving()
    assert site.state()["stream"]["clients"] == 1


def test_nginx_restarted(browser, site):
    browser.open(site.url)
    browser.wait_moving()
    site.nginx.stop()
    browser.wait_word("Reconnecting", 5)
    site.start_nginx()
    browser.wait_moving()
    wait_for(lambda: site.state()["stream"]["clients"] == 1, "one stream")


def test_stalled_and_back(browser, site, tell):
    browser.open(site.url)
    browser.wait_moving()
    site.expect_gone_worker()
    site.worker.signal(signal.SIGSTOP)
    try:
        noticed = browser.wait_word("Stalled", 10)
    finally:
        site.worker.signal(signal.SIGCONT)
    back = browser.wait_word("Live", 10)
    tell(f"stall noticed after {noticed:.1f} s, live {back:.2f} s after its end")
    assert 2 < noticed < 4.5
    browser.wait_moving()
    wait_for(lambda: site.state()["stream"]["clients"] == 1, "one stream")


def test_released_and_started(browser, site):
    browser.open(site.url)
    browser.wait_moving()
    browser.click("power")
    browser.wait_word("Off", 5)
    assert site.camera_state() == "released"
    assert browser.text("power") == "Start camera"
    assert "Start camera" in browser.text("reason")
    wait_for(lambda: "Since" in browser.text("reason"), "since when")
    browser.click("power")
    browser.wait_moving()
    assert browser.text("power") == "Release camera"


def test_released_and_started_by_somebody_else(browser, site):
    browser.open(site.url)
    browser.wait_moving()
    assert site.post("/shutdown").status == 200
    browser.wait_word("Off", 5)
    assert site.post("/start").status == 200
    browser.wait_word("Live", 5)


def test_release_asks_when_others_watch(browser, site):
    browser.open(site.url)
    browser.wait_moving()
    with site.stream() as other:
        other.part()
        wait_for(lambda: browser.text("viewers") == "2", "the other one counts")
        browser.click("power")
        assert "1 other viewer loses the picture too" in browser.text("consequence")
        assert browser.evaluate('document.activeElement.textContent') == "Keep watching"
        browser.evaluate('document.activeElement.click()')
        assert not browser.shown("confirm") and site.camera_state() == "live"
        browser.click("power")
        browser.evaluate('document.querySelector("dialog .danger").click()')
        browser.wait_word("Off", 5)


def test_camera_missing_then_there(browser, make_site, tmp_path):
    """A file that is not there yet is a camera that is not plugged in yet."""
    clip = tmp_path / "clip.mjpeg"
    site = make_site(device=f"file:{clip}")
    browser.open(site.url)
    browser.wait_word("No camera")
    assert "No such file" in browser.text("reason")
    assert browser.evaluate('document.getElementById("stage").classList.contains("empty")')
    out = io.BytesIO()
    PIL.Image.new("RGB", (64, 48), "green").save(out, "JPEG")
    clip.write_bytes(out.getvalue())
    browser.wait_word("Live")


def test_camera_lost_and_back(browser, site, tmp_path):
    """The picture stays, dimmed, and no placeholder is painted over it."""
    browser.open(site.url)
    browser.wait_moving()
    site.kill_worker()
    arguments = site.arguments
    site.start_worker(arguments=[*arguments, "--device", f"file:{tmp_path}/none"])
    browser.wait_word("No camera", 10)
    last = browser.number()
    wait_for(lambda: site.metric("webcam_placeholders_sent_total") > 2, "placeholders")
    assert browser.number() == last and browser.text("size") == "320 × 240"
    site.kill_worker()
    site.start_worker(arguments=arguments)
    browser.wait_moving()


def test_full_house(browser, make_site, tell):
    site = make_site("--max-viewers", 1)
    with site.stream() as other:
        other.part()
        browser.open(site.url)
        browser.wait_word("Reconnecting")
        assert "viewers" in browser.text("reason")
    back = browser.wait_word("Live", 5)
    tell(f"live {back:.2f} s after a 503 ended")
    assert back < 3, "a place that is free is taken soon, whatever Retry-After said"


def test_pause_and_resume(browser, site):
    browser.open(site.url)
    browser.wait_moving()
    browser.click("pause")
    browser.wait_word("Paused", 2)
    wait_for(lambda: site.state()["stream"]["clients"] == 0, "the stream is closed", 1)
    assert browser.text("pause") == "Resume"
    assert browser.shown("picture") and browser.number() > 0
    browser.click("pause")
    browser.wait_moving()


def test_never_two_streams(browser, site):
    """The page opens none before it has given up the last: see WATCH in browsers.py."""
    browser.open(site.url)
    browser.wait_moving()
    for _ in range(10):
        browser.click("pause")
        browser.click("pause")
    browser.evaluate("dispatchEvent(new Event('online'))")
    browser.wait_moving()
    wait_for(lambda: site.state()["stream"]["clients"] == 1, "one stream")


def hide_chromium(browser):
    window = browser.command("Browser.getWindowForTarget")["windowId"]
    bounds = lambda state: browser.command(  # noqa: E731
        "Browser.setWindowBounds", windowId=window, bounds={"windowState": state}
    )
    bounds("minimized")
    return lambda: bounds("normal")


def hide_firefox(browser):
    tab = browser.open_other_tab()
    return lambda: browser.close_tab(tab)


@pytest.mark.parametrize("name, hide", [("chromium", hide_chromium), ("firefox", hide_firefox)])
def test_hidden_tab_closes_the_stream(request, site, name, hide):
    browser = request.getfixturevalue(name)
    browser.open(site.url)
    browser.wait_moving()
    unhide = hide(browser)
    wait_for(lambda: browser.evaluate("document.hidden"), "the tab is hidden", 5)
    wait_for(lambda: site.state()["stream"]["clients"] == 0, "the stream is closed", 1)
    requests = site.metric('webcam_requests_total{route="state",code="200"}')
    time.sleep(3)
    asked = site.metric('webcam_requests_total{route="state",code="200"}') - requests
    assert asked == 0, "a hidden page asks for nothing"
    unhide()
    browser.wait_moving(5)


def test_left_and_back(browser, site):
    browser.open(site.url)
    browser.wait_moving()
    browser.open("about:blank")
    wait_for(lambda: site.state()["stream"]["clients"] == 0, "the stream is closed", 1)
    if hasattr(browser, "driver"):
        browser.driver.back()
    else:
        browser.command("browsingContext.traverseHistory", context=browser.tab, delta=-1)
    browser.wait_moving()


def test_stand_in_is_told(chromium, make_site, tmp_path):
    site = make_site(device=f"file:{tmp_path}/none,pattern")
    chromium.open(site.url)
    chromium.wait_word("Test pattern")
    assert "No such file" in chromium.text("reason")
    assert chromium.shown("veil") and chromium.number() > 0


def test_snapshot_is_the_shown_frame(chromium, site):
    chromium.open(site.url)
    chromium.wait_moving()
    chromium.click("pause")
    shown = chromium.number()
    chromium.click("snapshot")
    path = wait_for(lambda: next(chromium.downloads.glob("*.jpg"), None), "a file")
    wait_for(lambda: path.stat().st_size > 0, "with something in it")
    assert client.pattern_number(path.read_bytes()) == shown
    path.unlink()


def test_refused_start_is_explained(chromium, make_site):
    site = make_site()
    site.render(listen=f"127.0.0.1:{site.port}", control="off")
    site.nginx.signal(signal.SIGHUP)
    site.nginx.allowed.append("access forbidden by rule")
    wait_for(lambda: site.get("/controls").status == 403, "control is off")
    chromium.open(site.url)
    chromium.wait_moving()
    wait_for(lambda: site.post("/start").status == 403, "start is refused")
    chromium.click("power")
    wait_for(lambda: chromium.shown("confirm"), "asks, as there is no way back")
    assert "cannot start it from here" in chromium.text("consequence")
    chromium.evaluate('document.querySelector("dialog .danger").click()')
    chromium.wait_word("Off", 5)
    assert not chromium.shown("power")
    assert "cannot be started from here" in chromium.text("reason")


def test_image_fallback(chromium, site):
    """A browser without createImageBitmap has an <img>, and the truth from /state."""
    script = chromium.before_load("delete window.createImageBitmap")
    try:
        chromium.open(site.url)
        chromium.wait_word("Live")
        width = 'document.querySelector("img#picture").naturalWidth'
        wait_for(lambda: chromium.evaluate(width), "the picture")
        chromium.click("pause")
        wait_for(lambda: site.state()["stream"]["clients"] == 0, "the stream is closed", 1)
        chromium.click("pause")
        wait_for(lambda: site.state()["stream"]["clients"] == 1, "the stream is open")
        site.post("/shutdown")
        chromium.wait_word("Off", 5)
        site.post("/start")
        chromium.wait_word("Live", 10)
    finally:
        chromium.command("Page.removeScriptToEvaluateOnNewDocument", identifier=script)


def test_without_javascript(chromium, site):
    chromium.set_scripts(False)
    try:
        chromium.open(site.url)
        wait_for(lambda: site.state()["stream"]["clients"] == 1, "the picture is asked for")
    finally:
        chromium.set_scripts(True)
    buttons = chromium.driver.find_elements("css selector", "main button, main a")
    names = [button.text for button in buttons if button.is_displayed()]
    assert names == ["Release camera", "Start camera"]
    chromium.driver.find_element("xpath", "//button[.='Release camera']").click()
    wait_for(lambda: "Capture released" in chromium.driver.page_source, "the answer")
    assert site.camera_state() == "released"


def test_under_a_prefix(browser, make_site):
    site = make_site(prefix="/cam/front/", cameras=("front",))
    browser.open(site.url)
    browser.wait_word("Live")
    browser.click("power")
    browser.wait_word("Off", 5)


def test_twelve_streams_over_http2(browser, make_site, tell):
    site = make_site("--fps", 10, tls=True)
    browser.open(site.url)
    browser.wait_word("Live")
    browser.evaluate(
        "[...Array(11).keys()].forEach((i) => document.body.append(Object.assign("
        "document.createElement('img'), { src: `video_feed?viewer=${i}`, width: 160 })))"
    )
    wait_for(lambda: browser.text("viewers") == "12", "twelve viewers")
    browser.evaluate("(window.asked = fetch('state').then(() => { window.answered = true; }), 0)")
    wait_for(lambda: browser.evaluate("window.answered"), "a status request between", 5)
    protocols = "performance.getEntriesByType('resource').map((e) => e.nextHopProtocol)"
    assert "h2" in browser.evaluate(protocols)
    first = browser.number()
    wait_for(lambda: browser.number() != first, "it moves")
