# SPDX-License-Identifier: MIT
"""html/multipart.js alone, fed with bytes of every kind and cut."""

import pytest

PARSE = """
const [text, size, boundary] = args;
const { MultipartParser } = await import(`${location.origin}/multipart.js`);
const latin1 = (bytes) => String.fromCharCode(...bytes);
const found = [];
const parser = new MultipartParser(boundary, ({ headers, body }) =>
    found.push([Object.fromEntries(headers), latin1(body)]));
const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
let error = "";
try {
    for (let at = 0; at < bytes.length; at += size)
        parser.push(bytes.subarray(at, at + size));
} catch (e) {
    error = e.message;
}
return { found, error, ended: parser.ended };
"""


def part(body, *headers):
    lines = ["Content-Type: image/jpeg", f"Content-Length: {len(body)}", *headers]
    return "--frame\r\n" + "".join(f"{line}\r\n" for line in lines) + "\r\n" + body + "\r\n"


@pytest.fixture(scope="module")
def parse(request):
    browser = request.getfixturevalue("one_chromium")
    made = request.getfixturevalue("module_site")
    browser.open(made.url)
    yield lambda text, size=1 << 20: browser.wait_for_promise(PARSE, text, size, "frame")
    browser.open("about:blank")


@pytest.fixture(scope="module")
def module_site(program):
    from site_under_test import Site

    site = Site(program, ["--device", "pattern", "--resolution", "320x240", "--fps", "5"])
    site.start()
    yield site
    assert site.finish() == []


TRICKY = "\xff\xd8 --frame\r\n\r\n--frame--\r\n \x00\n\xff\xd9"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1 << 20])
def test_parts_cut_anywhere(parse, size):
    text = part("first", "X-Frame-Seq: 1") + part(TRICKY, "X-FRAME-SEQ:2") + "--frame\r\n"
    got = parse(text, size)
    assert got["error"] == "" and not got["ended"]
    (one, first), (two, second) = got["found"]
    assert (first, second) == ("first", TRICKY)
    assert one["x-frame-seq"] == "1" and two["x-frame-seq"] == "2"
    assert one["content-type"] == "image/jpeg"


def test_a_part_is_there_without_what_follows(parse):
    assert len(parse(part("picture")[:-2])["found"]) == 1


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_closing_boundary_ends(parse, size):
    got = parse(part("last") + "--frame--\r\nanything", size)
    assert got["ended"] and got["error"] == "" and len(got["found"]) == 1


def test_bare_newlines_are_taken(parse):
    assert len(parse(part("picture").replace("\r\n", "\n"))["found"]) == 1


@pytest.mark.parametrize(
    "text, error",
    [
        ("\r\n" + part("picture"), "boundary"),
        ("<html>\r\n", "boundary"),
        (part("picture") + "junk\r\n", "boundary"),
        (part("longer").replace("Length: 6", "Length: 3"), "boundary"),
        ("--frame\r\nContent-Type: image/jpeg\r\n\r\n", "Content-Length"),
        ("--frame\r\nContent-Length: 0\r\n\r\n", "Content-Length"),
        ("--frame\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
        ("--frame\r\nContent-Length: 99999999999\r\n\r\n", "Content-Length"),
        ("--frame\r\nContent-Length: 1e3\r\n\r\n", "Content-Length"),
        ("--frame\r\nno colon here\r\n", "colon"),
        ("--frame\r\n: nameless\r\n", "colon"),
        ("--frame\r\nX: " + "y" * 5000, "line"),
    ],
)
def test_what_breaks_the_format(parse, text, error):
    for size in (1, 1 << 20):
        assert error in parse(text, size)["error"]


@pytest.mark.parametrize(
    "header, boundary",
    [
        ("multipart/x-mixed-replace; boundary=frame", "frame"),
        ('multipart/x-mixed-replace;charset=x;boundary="a b"', "a b"),
        ("Multipart/X-Mixed-Replace; BOUNDARY=frame; more", "frame"),
        ("multipart/x-mixed-replace", None),
        ("text/html; boundary=frame", None),
        (None, None),
    ],
)
def test_boundary(parse, one_chromium, header, boundary):
    script = "return (await import(`${location.origin}/multipart.js`)).boundaryOf(args[0]);"
    assert one_chromium.wait_for_promise(script, header) == boundary
