# SPDX-License-Identifier: MIT
"""Real browsers before the real nginx and worker."""

import importlib.util
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
E2E = HERE.parent / "e2e"
sys.path[:0] = [str(HERE), str(E2E)]

from browsers import Chromium, Firefox  # noqa: E402
from site_under_test import FakeControls, Site  # noqa: E402
from stack import wait_for  # noqa: E402

_spec = importlib.util.spec_from_file_location("e2e_conftest", E2E / "conftest.py")
_e2e = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_e2e)
program = _e2e.program

report = []


@pytest.fixture
def make_site(program):
    """make_site("--fps", 10, …): worker and nginx, up, with a small test pattern."""
    sites = []

    def make(*arguments, device="pattern", **options):
        preset = ["--device", device, "--resolution", "320x240", "--fps", "15"]
        sites.append(Site(program, [*preset, *arguments], **options))
        return sites[-1].start()

    yield make
    complaints = [c for site in reversed(sites) for c in site.finish()]
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def site(make_site):
    return make_site()


@pytest.fixture
def fake_controls():
    controls = FakeControls()
    yield controls
    controls.close()


@pytest.fixture(scope="session")
def one_chromium():
    browser = Chromium()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def one_firefox():
    browser = Firefox()
    yield browser
    browser.close()


def lend(browser):
    yield browser
    try:
        browser.assert_clean()
    finally:
        browser.open("about:blank")


@pytest.fixture
def chromium(one_chromium):
    one_chromium.resize(1280, 900)
    yield from lend(one_chromium)


@pytest.fixture
def firefox(one_firefox):
    yield from lend(one_firefox)


@pytest.fixture(params=["chromium", "firefox"])
def browser(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def tell():
    """tell(line): said at the end of the run."""
    return report.append


def pytest_terminal_summary(terminalreporter):
    for line in report:
        terminalreporter.write_line(line)
