# SPDX-License-Identifier: MIT
"""A small Debian with its own systemd and nginx, booted in systemd-nspawn."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

PACKAGES = [
    *["systemd", "systemd-sysv", "dbus", "nginx-light", "curl", "openssl"],
    *["libfcgi0ldbl", "libjpeg62-turbo", "libv4l-0", "libjansson4"],
]


def wait_for(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return value


def require_nspawn():
    if os.getuid() != 0:
        pytest.skip("needs root, to boot a container with systemd in it")
    for program, package in ("debootstrap",) * 2, ("systemd-nspawn", "systemd-container"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed (package {package})")


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def debootstrap(release, root):
    """With the mirror and the proxies that this machine's own apt uses."""
    sources = output(
        "apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)",
        "Created-By: Packages",
    )  # fmt: skip
    mirrors = [s.split()[2] for s in sources.splitlines() if s.startswith(f"{release} main ")]
    if not mirrors:
        pytest.skip(f"apt has no source for {release} main")
    proxies = "apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy"
    run = subprocess.run(
        ["sh", "-c", f'eval "$({proxies})"; export http_proxy https_proxy; exec "$@"', "sh"]
        + ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        + [release, root, mirrors[0]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if run.returncode:
        pytest.skip(f"debootstrap cannot run here: {' / '.join(run.stdout.splitlines()[-3:])}")


def base():
    """The fresh system, made once and kept in the user's cache."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
    cache /= "webcam-fcgi"
    cache.mkdir(parents=True, exist_ok=True)
    # The program is built here and runs there: the releases must be the same.
    release = output("sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME").strip()
    name = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = cache / f"{release}-{name}"
        if not root.exists():
            new = pathlib.Path(tempfile.mkdtemp(prefix="new.", dir=cache))
            try:
                debootstrap(release, new)
                shutil.rmtree(new / "var/cache/apt/archives")
                new.chmod(0o755)
                for old in cache.glob("*-*"):
                    shutil.rmtree(old)
                new.rename(root)
            finally:
                shutil.rmtree(new, ignore_errors=True)
    return root


class Container:
    """A copy of the base; `root` may be filled before boot()."""

    def __init__(self):
        name = tempfile.mkdtemp(prefix="webcam-fcgi-nspawn.", dir="/var/tmp")
        self.directory = pathlib.Path(name)
        self.root = self.directory / "root"
        subprocess.run(["cp", "-a", "--reflink=auto", base(), self.root], check=True)
        self.nspawn = self.enter = None

    def boot(self):
        console = self.directory / "console"
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "-q", "-b", "--register=no", "--keep-unit", "--private-network"]
            + ["--link-journal=no", f"--machine=webcam{os.getpid()}", "--console=pipe"]
            + ["-D", self.root],
            stdin=subprocess.DEVNULL,
            stdout=console.open("w"),
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(lambda: self.nspawn.poll() is not None or self.find_init(), "systemd starts")
            wait_for(lambda: self.nspawn.poll() is not None or self.up(), "it has booted", 60)
        except AssertionError as error:
            pytest.skip(f"systemd does not boot in a container here: {error}")
        if self.nspawn.poll() is not None:
            pytest.skip(f"systemd-nspawn cannot run here: {console.read_text()[-300:]}")
        return self

    def find_init(self):
        """Sets the command line that runs something inside. The first child only prepares."""
        tasks = pathlib.Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children")
        with contextlib.suppress(OSError):
            for child in tasks.read_text().split():
                if pathlib.Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                    self.enter = ["nsenter", "-t", child, "-a"]
        return self.enter

    def up(self):
        return self.run("systemctl", "is-system-running", check=False) in ("running", "degraded")

    def run(self, *command, check=True, **options):
        """What it wrote, on success."""
        done = subprocess.run(
            [*self.enter, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            **options,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}"
        return done.stdout.strip()

    def close(self):
        if self.nspawn and self.nspawn.poll() is None:
            self.nspawn.send_signal(signal.SIGTERM)  # an orderly shutdown
            try:
                self.nspawn.wait(30)
            except subprocess.TimeoutExpired:
                self.nspawn.kill()
                self.nspawn.wait()
        shutil.rmtree(self.directory)
