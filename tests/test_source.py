# SPDX-License-Identifier: MIT
"""What the source itself promises: format, warnings, shell scripts, and parsers that survive anything."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGETS = sorted(target.stem for target in (ROOT / "tests/fuzz").glob("*.c"))


def make(*arguments):
    run = subprocess.run(["make", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, errors="replace", timeout=900)
    assert run.returncode == 0, run.stdout[-8000:]
    return run.stdout


def test_lint():
    make("-j2", "lint")


@pytest.mark.parametrize("target", TARGETS)
def test_fuzz(target):
    """A few seconds, from the seeds: `make fuzz` goes on for longer."""
    output = make(f"fuzz-{target}", "FUZZ_SECONDS=5")
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    assert executed and int(executed[1]) > 1000, output[-4000:]


def test_capture_knows_no_fcgi():
    """The library's arrows point one way."""
    for file in (ROOT / "capture").glob("*.[ch]"):
        assert not re.search(r'#include "fcgi/|<fcgi', file.read_text()), file.name


def test_each_library_has_one_user():
    users = {"<fcgiapp.h>": {"fcgi/request.c", "fcgi/main.c"}, "<libv4l2.h>": {"capture/v4l2_node.c"},
             "<jpeglib.h>": {"capture/encoder.c"}}
    for header, allowed in users.items():
        found = {str(file.relative_to(ROOT)) for folder in ("capture", "fcgi")
                 for file in (ROOT / folder).glob("*.[ch]") if f"#include {header}" in file.read_text()}
        assert found == allowed, header
