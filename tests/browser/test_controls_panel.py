# SPDX-License-Identifier: MIT
"""The controls panel: built from GET /controls, shows what the server answers."""

import pytest
from selenium.webdriver.common.keys import Keys

from stack import wait_for


def field(browser, id):
    return browser.driver.find_element("id", f"c-{id}")


def value(browser, id):
    return browser.evaluate(f'document.getElementById("c-{id}").value')


@pytest.fixture
def panel(chromium, make_site, fake_controls):
    site = make_site(controls=fake_controls)
    chromium.open(site.url)
    wait_for(lambda: chromium.shown("controls"), "the panel")
    if not chromium.evaluate('document.getElementById("controls").open'):
        chromium.driver.find_element("tag name", "summary").click()
    return chromium


def test_every_kind(panel):
    kinds = panel.evaluate(
        '[...document.querySelectorAll(".row")].map((row) => [row.querySelector("label,button")'
        '.textContent, [...row.querySelectorAll("input,select")].map((f) => f.type).join()])'
    )
    assert kinds == [
        ["Brightness", "range,number"],
        ["Contrast", "range,number"],
        ["Auto exposure", "select-one"],
        ["Exposure time absolute", "range,number"],
        ["White balance automatic", "checkbox"],
        ["Pixel rate", "number"],
        ["Focus now", ""],
    ]
    assert value(panel, "brightness") == "100"
    assert not field(panel, "exposure_time_absolute").is_enabled()


def test_slider_by_keyboard(panel, fake_controls):
    field(panel, "brightness").send_keys(Keys.ARROW_RIGHT)
    wait_for(lambda: fake_controls.find("brightness")["value"] == 101, "it is set")
    wait_for(lambda: value(panel, "brightness") == "101", "and shown")


def test_throttled_and_newest_wins(panel, fake_controls):
    panel.wait_for_promise(
        """const slider = document.getElementById("c-brightness");
        for (let i = 0; i < 100; i++) {
            slider.value = i;
            slider.dispatchEvent(new Event("input"));
            await new Promise((resolve) => setTimeout(resolve, 10));
        }"""
    )
    wait_for(lambda: fake_controls.find("brightness")["value"] == 99, "the last wish")
    sent = [p["brightness"] for p in fake_controls.posts]
    assert len(sent) <= 25, "at most ten a second"
    assert sent == sorted(sent, key=int)


def test_shows_what_the_server_answered(panel, fake_controls):
    panel.evaluate(
        '(document.getElementById("c-contrast").value = 57,'
        ' document.getElementById("c-contrast").dispatchEvent(new Event("input")))'
    )
    wait_for(lambda: value(panel, "contrast") == "50", "the rounded value")


def test_checkbox_select_button(panel, fake_controls):
    field(panel, "white_balance_automatic").click()
    wait_for(lambda: fake_controls.find("white_balance_automatic")["value"] == 0, "unchecked")
    field(panel, "auto_exposure").send_keys("Manual")
    wait_for(lambda: field(panel, "exposure_time_absolute").is_enabled(), "no longer inactive")
    panel.driver.find_element("xpath", "//button[.='Focus now']").click()
    wait_for(lambda: {"focus_now": "1"} in fake_controls.posts, "pressed")


def test_refused_value_is_explained_and_put_back(panel, fake_controls):
    number = panel.driver.find_element("css selector", '[aria-label="Brightness, number"]')
    number.clear()
    number.send_keys("999", Keys.ENTER)
    wait_for(lambda: "out of range" in panel.text("refused"), "why")
    wait_for(lambda: number.get_attribute("value") == "100", "what it really is")


def test_reset_one_and_all(panel, fake_controls):
    reset = panel.driver.find_element("css selector", '[aria-label="Reset Brightness"]')
    reset.click()
    wait_for(lambda: fake_controls.find("brightness")["value"] == 128, "its default")
    wait_for(lambda: not reset.is_enabled(), "nothing to reset")
    fake_controls.posts.clear()
    for wish in ({"brightness": "7"}, {"white_balance_automatic": "0"}):
        fake_controls.post(wish)
    panel.driver.find_element("tag name", "summary").click()
    panel.driver.find_element("tag name", "summary").click()
    wait_for(lambda: value(panel, "brightness") == "7", "opening it asks anew")
    panel.driver.find_element("id", "reset").click()
    wait_for(lambda: fake_controls.find("white_balance_automatic")["value"] == 1, "all of them")
    assert fake_controls.find("brightness")["value"] == 128
    # Together: a request for each could be refused half way.
    assert len(fake_controls.posts) == 3


@pytest.mark.parametrize("status, login", [(401, True), (403, False), (404, False)])
def test_hidden_when_not_allowed(chromium, make_site, fake_controls, status, login):
    fake_controls.status = status
    site = make_site(controls=fake_controls)
    chromium.open(site.url)
    chromium.wait_moving()
    wait_for(lambda: chromium.shown("login") == login, "a way to sign in")
    assert not chromium.shown("controls")
    site.post("/shutdown")
    chromium.wait_word("Off", 5)
    assert chromium.shown("power") == (status == 404), "Start"
