# SPDX-License-Identifier: MIT
"""A container with webcam-fcgi installed in it."""

import contextlib
import json
import pathlib
import subprocess
import sys

from container import Container

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests/e2e"))
import secure  # noqa: E402

SERVICE, SOCKET = "webcam-fcgi@front.service", "webcam-fcgi@front.socket"
URL = "http://127.0.0.1:8090/cam/front/"


class Machine(Container):
    """With webcam-fcgi installed by `make install`, and a camera `front` that is a pattern."""

    def __init__(self):
        super().__init__()
        make = subprocess.run(
            ["make", "install", f"DESTDIR={self.root}"], cwd=ROOT, capture_output=True, text=True
        )
        assert make.returncode == 0, make.stderr
        for name in ("front", "back"):
            self.configure("WEBCAM_DEVICE=pattern", "WEBCAM_RESOLUTION=320x240", name=name)

    def configure(self, *lines, name="front"):
        (self.root / f"etc/webcam-fcgi/{name}.conf").write_text("\n".join(lines) + "\n")

    def systemctl(self, *arguments, check=True):
        return self.run("systemctl", *arguments, check=check)

    def property(self, name, unit=SERVICE):
        return self.systemctl("show", "-P", name, unit)

    def pid(self):
        """The worker's, as the container counts; 0: there is none."""
        return int(self.property("MainPID"))

    def get(self, path, *arguments, base=URL):
        return secure.curl(*arguments, base + path, prefix=self.enter)

    def post(self, path, *arguments):
        return self.get(path, "-X", "POST", *arguments)

    def camera(self, base=URL):
        return json.loads(self.get("state", base=base).body)["result"]["camera"]

    def stream(self):
        return contextlib.closing(secure.CurlStream(URL + "video_feed", prefix=self.enter))

    def journal(self, *arguments, unit=SERVICE):
        return self.run("journalctl", "--sync") + self.run(
            "journalctl", "-q", "-o", "cat", "--no-pager", "-u", unit, *arguments
        )
