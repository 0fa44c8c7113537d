# SPDX-License-Identifier: MIT
"""Chromium by selenium and Firefox by WebDriver BiDi, with the same few verbs."""

import base64
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import websocket
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from stack import free_port, wait_for

CHROMIUM_FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --hide-scrollbars --ignore-certificate-errors"
)

# Before anything of the page runs: what it must never do is noted.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation",
    (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
addEventListener("error", (e) => window.violations.push(`error ${e.message}`));
addEventListener("unhandledrejection", (e) => window.violations.push(`rejection ${e.reason}`));
const streams = [];
window.realFetch = window.fetch;
window.fetch = (url, options) => {
    if (`${url}`.includes("video_feed")) {
        if (streams.some((signal) => !signal.aborted))
            window.violations.push("two streams at once");
        streams.push(options.signal);
    }
    return window.realFetch(url, options);
};
"""

# The test pattern's number, from the 32 cells at the bottom of what is painted.
NUMBER = """
(() => {
    const canvas = document.getElementById("picture");
    const { width, height } = canvas;
    const row = canvas.getContext("2d").getImageData(0, height - (height / 24 | 0), width, 1).data;
    let number = 0;
    for (let cell = 0; cell < 32; cell++)
        number = number * 2 + (row[4 * ((2 * cell + 1) * width / 64 | 0)] > 127 ? 1 : 0);
    return number;
})()
"""


class Browser:
    """What a person sees and does; evaluate(expression) is what a subclass adds."""

    def word(self):
        return self.evaluate('document.getElementById("word").textContent')

    def status(self):
        return self.evaluate('document.getElementById("stage").dataset.status')

    def text(self, id):
        return self.evaluate(f'document.getElementById("{id}").textContent')

    def shown(self, id):
        return self.evaluate(f'document.getElementById("{id}").checkVisibility()')

    def click(self, id):
        self.evaluate(f'document.getElementById("{id}").click()')

    def number(self):
        return self.evaluate(NUMBER)

    def wait_word(self, word, seconds=20):
        started = time.monotonic()
        wait_for(lambda: self.word() == word, f"{word}, it is {self.word()}", seconds)
        return time.monotonic() - started

    def wait_moving(self, seconds=20):
        """Live, and pictures come: three different numbers."""
        self.wait_word("Live", seconds)
        seen = set()
        wait_for(lambda: seen.add(self.number()) or len(seen) > 2, "the picture moves", seconds)

    def assert_clean(self):
        assert self.evaluate("window.violations ?? []") == []


class Chromium(Browser):
    def __init__(self, *flags):
        self.profile = tempfile.mkdtemp(prefix="webcam-chromium.")
        self.downloads = pathlib.Path(self.profile, "downloads")
        self.downloads.mkdir()
        options = webdriver.ChromeOptions()
        for flag in [*CHROMIUM_FLAGS.split(), f"--user-data-dir={self.profile}", *flags]:
            options.add_argument(flag)
        options.add_experimental_option(
            "prefs", {"download.default_directory": str(self.downloads)}
        )
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_script_timeout(40)
        self.before_load(WATCH)

    def command(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    def before_load(self, script):
        answer = self.command("Page.addScriptToEvaluateOnNewDocument", source=script)
        return answer["identifier"]

    def open(self, url):
        self.driver.get(url)

    def evaluate(self, expression):
        return self.driver.execute_script(f"return {expression.strip()}")

    def wait_for_promise(self, script, *arguments):
        """What the body of an async function resolves to."""
        return self.driver.execute_async_script(
            f"const done = arguments[arguments.length - 1]; (async (...args) => {{ {script} }})"
            "(...arguments).then(done, (e) => done('failed: ' + e))",
            *arguments,
        )

    def resize(self, width, height, scheme="light", motion="no-preference"):
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        self.command(
            "Emulation.setEmulatedMedia",
            features=[{"name": n, "value": v} for n, v in features.items()],
        )

    def set_scripts(self, on):
        self.command("Emulation.setScriptExecutionDisabled", value=not on)

    def screenshot(self, path):
        self.driver.save_screenshot(str(path))

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)


class Firefox(Browser):
    """As much of WebDriver BiDi as the tests use."""

    def __init__(self):
        self.profile = pathlib.Path(tempfile.mkdtemp(prefix="webcam-firefox."))
        self.port = free_port()
        self.ids = itertools.count(1)
        (self.profile / "user.js").write_text('user_pref("app.update.enabled", false);\n')
        command = ["firefox-esr", "--headless", "--no-remote", "--profile", str(self.profile)]
        self.process = subprocess.Popen(
            [*command, f"--remote-debugging-port={self.port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": str(self.profile), "MOZ_CRASHREPORTER_DISABLE": "1"},
            start_new_session=True,
        )
        self.socket = wait_for(self._connect, "Firefox answers", 60)
        self.command("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        self.command("script.addPreloadScript", functionDeclaration=f"() => {{ {WATCH} }}")
        self.tab = self.command("browsingContext.getTree")["contexts"][0]["context"]

    def _connect(self):
        assert self.process.poll() is None, "Firefox ended"
        try:
            url = f"ws://127.0.0.1:{self.port}/session"
            return websocket.create_connection(url, timeout=60, suppress_origin=True)
        except (OSError, websocket.WebSocketException):
            time.sleep(0.1)

    def command(self, method, **params):
        number = next(self.ids)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self.socket.recv())).get("id") != number:
            pass
        assert answer["type"] == "success", answer
        return answer["result"]

    def open(self, url):
        self.command("browsingContext.navigate", context=self.tab, url=url, wait="complete")

    def evaluate(self, expression):
        answer = self.command(
            "script.evaluate",
            expression=f"JSON.stringify({expression.strip()})",
            target={"context": self.tab},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"].get("value", "null"))

    def open_other_tab(self):
        """Another tab in front: ours is hidden then."""
        return self.command("browsingContext.create", type="tab")["context"]

    def close_tab(self, tab):
        self.command("browsingContext.close", context=tab)
        self.command("browsingContext.activate", context=self.tab)

    def screenshot(self, path):
        shot = self.command("browsingContext.captureScreenshot", context=self.tab)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        self.socket.close()
        # The whole group: Firefox has a process for each site.
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)
