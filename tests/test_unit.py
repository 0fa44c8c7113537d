# SPDX-License-Identifier: MIT
"""Every cmocka program, built plainly and under the sanitizers."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = sorted(
    str(source.relative_to(ROOT).with_suffix(""))
    for folder in ("capture", "fcgi")
    for source in (ROOT / "tests" / folder).glob("test_*.c")
)
# ThreadSanitizer needs its addresses where it expects them: setarch -R.
BUILDS = {
    "plain": ("build", []),
    "address,undefined": ("build/address-undefined", []),
    "thread": ("build/thread", ["setarch", "-R"]),
}
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}


@pytest.fixture(scope="session", params=BUILDS)
def build(request):
    """Builds what can be built; a program that is missing then fails alone."""
    san = "" if request.param == "plain" else request.param
    make = subprocess.run(
        ["make", "-k", "-j2", "unit", f"SAN={san}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
    )
    folder, runner = BUILDS[request.param]
    return ROOT / folder, runner, make


@pytest.mark.parametrize("program", PROGRAMS)
def test_unit(build, program):
    folder, runner, make = build
    # A program of an earlier build proves nothing about a broken tree.
    if make.returncode != 0:
        one = subprocess.run(["make", "-q", str(folder.relative_to(ROOT) / program)], cwd=ROOT)
        assert one.returncode == 0, make.stdout
    run = subprocess.run(
        [*runner, str(folder / program)],
        cwd=ROOT,
        env=os.environ | OPTIONS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=300,
    )
    print(run.stdout)
    assert run.returncode == 0
    assert re.search(r"[1-9]\d* test\(s\) run", run.stdout), "the program ran no test"
