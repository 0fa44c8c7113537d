# SPDX-License-Identifier: MIT
"""From capture to painted pixel, by the page, by a minimal page, and by <img>.

The worker's clock and the browser's are one here. Every animation frame the
number of the test pattern is read from the pixels; a minimal fetch + canvas
page reads the same stream beside it and tells when each number was captured.
"""

import pytest

from stack import wait_for

MEASURE = """
const [route, count, useImage] = args;
const NUMBER = (context, source, width, height) => {
    context.drawImage(source, 0, height - (height / 24 | 0), width, 1, 0, 0, 32, 1);
    return context.getImageData(0, 0, 32, 1).data
        .reduce((n, v, i) => i % 4 === 0 ? n * 2 + (v > 127 ? 1 : 0) : n, 0);
};
const small = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 1 });
    return canvas.getContext("2d", { willReadFrequently: true });
};
const wall = () => (performance.timeOrigin + performance.now()) / 1000;
const captured = new Map(), byPage = new Map(), byMinimal = new Map();
const canvas = document.createElement("canvas");

// The minimal page: all it can do is read part after part.
const abort = new AbortController();
const reading = (async () => {
    const context = canvas.getContext("2d"), probe = small();
    document.body.append(canvas);
    const reader = (await realFetch(route, { signal: abort.signal })).body.getReader();
    let bytes = new Uint8Array(0);
    for (;;) {
        const { value } = await reader.read();
        const all = new Uint8Array(bytes.length + value.length);
        all.set(bytes);
        all.set(value, bytes.length);
        bytes = all;
        for (;;) {
            const text = String.fromCharCode(...bytes.subarray(0, 300));
            const end = text.indexOf("\\r\\n\\r\\n") + 4;
            const size = Number(/Content-Length: (\\d+)/.exec(text)?.[1]);
            if (end < 4 || !size || bytes.length < end + size)
                break;
            const time = Number(/X-Timestamp: ([\\d.]+)/.exec(text)[1]);
            const bitmap = await createImageBitmap(new Blob([bytes.slice(end, end + size)]));
            Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
            context.drawImage(bitmap, 0, 0);
            captured.set(NUMBER(probe, canvas, canvas.width, canvas.height), time);
            bytes = bytes.slice(end + size);
        }
    }
})().catch(() => {});

const picture = document.getElementById("picture") ?? document.querySelector("img");
const probe = small();
const look = (source, seen) => {
    const width = source.naturalWidth ?? source.width;
    const height = source.naturalHeight ?? source.height;
    const number = width && NUMBER(probe, source, width, height);
    if (number && !seen.has(number))
        seen.set(number, wall());
};
while (byPage.size < count) {
    await new Promise(requestAnimationFrame);
    look(picture, byPage);
    look(canvas, byMinimal);
}
abort.abort();
await reading;
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const delay = (seen) =>
    median([...seen].filter(([n]) => captured.has(n)).map(([n, t]) => t - captured.get(n)));
return { shown: delay(byPage), minimal: delay(byMinimal) };
"""


def measure(browser, count=40):
    found = browser.wait_for_promise(MEASURE, "video_feed", count)
    assert isinstance(found, dict), found
    return found["shown"], found["minimal"]


def image_delay(browser, site, query):
    # A page of the site without a policy of its own, so that we can write in it.
    browser.open(site.url + "state")
    browser.evaluate(
        "document.body.replaceChildren(Object.assign(new Image(),"
        f" {{ src: 'video_feed?advance_headers={query}' }})) ?? 0"
    )
    return measure(browser)[0]


def test_delay(chromium, make_site, tell):
    site = make_site("--resolution", "640x360", "--fps", 15)
    plain = image_delay(chromium, site, 0)
    in_advance = image_delay(chromium, site, 1)
    chromium.open(site.url)
    chromium.wait_word("Live")
    page, minimal = measure(chromium)
    tell(
        f"capture to painted pixel at 15 fps: <img> {plain * 1000:.0f} ms, with headers in advance"
        f" {in_advance * 1000:.0f} ms ({in_advance / plain:.2f}); the page {page * 1000:.0f} ms,"
        f" a minimal fetch + canvas {minimal * 1000:.0f} ms ({page / minimal:.2f})"
    )
    assert in_advance < plain
    assert page < plain
