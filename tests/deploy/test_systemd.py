# SPDX-License-Identifier: MIT
"""The units in a booted systemd: activation, restarts, watchdog, sandbox, what is kept."""

import pathlib
import subprocess
import threading

import pytest
from container import require_nspawn, wait_for
from machine import ROOT, SERVICE, SOCKET, URL, Machine

SITE = """
server {
	listen 127.0.0.1:8090;
	location ^~ /cam/front/ { include snippets/webcam-fcgi.conf; }
	location ^~ /cam/back/ { include snippets/webcam-fcgi.conf; }
}
"""
DROP_IN = "[Service]\nWatchdogSec=2\nTimeoutAbortSec=2\n"


@pytest.fixture(scope="module")
def machine():
    require_nspawn()
    machine = Machine()
    (machine.root / "etc/nginx/sites-enabled/camera").write_text(SITE)
    try:
        yield machine.boot()
    finally:
        machine.close()


@pytest.fixture
def front(machine):
    """The socket listens, no worker runs yet."""
    machine.systemctl("enable", "--now", SOCKET)
    yield machine
    machine.systemctl("disable", "--now", SOCKET, SERVICE)
    machine.systemctl("reset-failed", check=False)
    machine.run("sh", "-c", "rm -f /var/lib/webcam-fcgi/*/released")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("installed")
    for umask in ("077", "022"):
        make = ["sh", "-c", f"umask {umask}; exec make install DESTDIR={directory}"]
        subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
    return directory


def files_in(directory):
    return {str(f.relative_to(directory)) for f in directory.rglob("*") if not f.is_dir()}


# --- without a container ---


def test_install_and_uninstall(installed, tmp_path):
    found = files_in(installed)
    assert {
        "usr/local/bin/webcam-fcgi",
        "usr/local/share/man/man8/webcam-fcgi.8",
        "usr/local/share/webcam-fcgi/html/index.html",
        "etc/nginx/snippets/webcam-fcgi.conf",
        "etc/systemd/system/webcam-fcgi@.service",
        "etc/systemd/system/webcam-fcgi@.socket",
    } <= found
    for name in found:
        mode = (installed / name).stat().st_mode & 0o777
        assert mode == (0o755 if name.endswith("bin/webcam-fcgi") else 0o644), name
        if name.startswith("etc/") or name.endswith(".conf"):
            text = (installed / name).read_text()
            assert "@PREFIX@" not in text and "@HTML@" not in text and str(installed) not in text
    settings = installed / "etc/webcam-fcgi/front.conf"
    settings.write_text("WEBCAM_FPS=5\n")
    for _ in range(2):
        make = ["make", "uninstall", f"DESTDIR={installed}"]
        subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
        assert files_in(installed) == {"etc/webcam-fcgi/front.conf"}, "the admin's alone stays"
    settings.unlink()
    subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
    assert not settings.parent.exists()


def test_another_prefix(tmp_path):
    make = ["make", "install", "PREFIX=/opt/camera", f"DESTDIR={tmp_path}"]
    subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
    assert (tmp_path / "opt/camera/bin/webcam-fcgi").exists()
    unit = (tmp_path / "etc/systemd/system/webcam-fcgi@.service").read_text()
    assert "ExecStart=/opt/camera/bin/webcam-fcgi\n" in unit
    snippet = (tmp_path / "etc/nginx/snippets/webcam-fcgi.conf").read_text()
    assert "alias /opt/camera/share/webcam-fcgi/html/;" in snippet


def test_security_score(tmp_path):
    """systemd's own count of what the sandbox leaves open, 0 to 10: at most 1.5."""
    unit = tmp_path / "webcam-fcgi@.service"
    text = (ROOT / "conf/systemd/webcam-fcgi@.service").read_text()
    unit.write_text(text.replace("@PREFIX@", "/usr/local"))
    run = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", unit],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


# --- in a container ---


def test_units_are_as_systemd_wants_them(machine):
    assert machine.run("systemd-analyze", "verify", "--man=no", SERVICE, SOCKET) == ""


def test_the_first_request_starts_the_worker(front):
    assert front.property("ActiveState") == "inactive"
    assert front.get("").status == 200
    assert front.property("ActiveState") == "inactive", "nginx alone serves the page"
    answer = front.get("snapshot")
    assert answer.status == 200 and answer.body.startswith(b"\xff\xd8")
    assert front.property("ActiveState") == "active"
    stat = front.run("stat", "-c", "%a %U %G %F", "/run/webcam-fcgi/front.sock")
    assert stat == "660 root www-data socket"
    assert front.property("StatusText").startswith("Camera live")


def test_restart_keeps_the_socket(front):
    """Whoever comes meanwhile waits, and nobody gets an error."""
    with front.stream() as stream:
        stream.pictures(3)
        before, statuses, done = front.pid(), [], threading.Event()

        def ask():
            while not done.is_set():
                statuses.append(front.get("healthz").status)

        asking = threading.Thread(target=ask)
        asking.start()
        for _ in range(3):
            front.systemctl("restart", SERVICE)
        wait_for(lambda: len(statuses) > 10, "some requests")
        done.set()
        asking.join()
        stream.rest()  # ended as it should
    assert set(statuses) == {200}
    assert front.pid() not in (0, before)
    with front.stream() as stream:
        stream.pictures(3)


def test_killed_worker_is_started_again(front):
    front.get("snapshot")
    before = front.pid()
    front.systemctl("kill", "-s", "KILL", SERVICE)
    assert front.get("snapshot").status == 200, "it waited for the next worker"
    assert front.pid() not in (0, before)


def test_watchdog(front):
    """A worker that stands still (SIGSTOP) is ended and started again."""
    directory = front.root / f"etc/systemd/system/{SERVICE}.d"
    directory.mkdir(parents=True)
    (directory / "short.conf").write_text(DROP_IN)
    try:
        front.systemctl("daemon-reload")
        front.get("snapshot")
        before = front.pid()
        front.systemctl("kill", "-s", "STOP", SERVICE)
        wait_for(lambda: front.pid() not in (0, before), "another worker runs", 30)
        assert front.get("snapshot").status == 200
        assert "Watchdog timeout" in front.journal()
    finally:
        (directory / "short.conf").unlink()
        directory.rmdir()
        front.systemctl("daemon-reload")


def test_enabled_for_the_next_boot(front):
    """Enabling the worker enables its socket too, and both go together."""
    links = "/etc/systemd/system/*.wants/webcam-fcgi@front.*"
    front.systemctl("enable", SERVICE)
    for unit in (SERVICE, SOCKET):
        assert front.systemctl("is-enabled", unit) == "enabled"
    front.systemctl("disable", SERVICE, SOCKET)
    assert front.run("sh", "-c", f"ls {links} 2>/dev/null || echo none") == "none"


def test_stop(front):
    with front.stream() as stream:
        stream.pictures(3)
        front.systemctl("stop", SERVICE, SOCKET)
        stream.rest()
    assert front.property("Result") == "success"
    assert front.property("ExecMainStatus") == "0"
    assert front.get("snapshot").status == 502
    front.systemctl("start", SOCKET)
    assert front.get("snapshot").status == 200


def test_switched_off_is_kept(front):
    assert front.get("snapshot").status == 200
    assert front.post("shutdown").body == b"Capture released"
    latch = front.run("stat", "-c", "%F", "/var/lib/webcam-fcgi/front/released")
    assert latch == "regular empty file"
    front.systemctl("restart", SERVICE)
    assert front.camera()["state"] == "released"
    assert front.get("snapshot").status == 503
    assert "switched off since" in front.journal("-p", "warning")
    assert "listens on" not in front.journal("-p", "warning"), "that is no warning"
    assert front.post("start").body == b"Capture started"
    front.systemctl("restart", SERVICE)
    assert front.get("snapshot").status == 200


def test_confined(front):
    front.get("snapshot")
    pid = front.pid()
    status = dict(
        line.split(":\t", 1)
        for line in front.run("cat", f"/proc/{pid}/status").splitlines()
        if ":\t" in line
    )
    uid = status["Uid"].split()[0]
    assert uid != "0" and f":{uid}:" not in (front.root / "etc/passwd").read_text()
    video = front.run("getent", "group", "video").split(":")[2]
    assert set(status["Groups"].split()) == {video, uid}
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert "Max core file size        0" in front.run("cat", f"/proc/{pid}/limits")
    assert front.run("cat", f"/proc/{pid}/coredump_filter") == "00000010"
    # What it sees of the files.
    inside = ["nsenter", "-t", str(pid), "-m", f"-S{uid}", f"-G{uid}"]
    for path in ("/etc/x", "/usr/x", "/run/x", "/dev/x"):
        front.run(*inside, "sh", "-c", f"! touch {path} 2>/dev/null")
    front.run(*inside, "touch", "/var/lib/webcam-fcgi/front/x", "/tmp/x")
    assert front.run(*inside, "sh", "-c", "ls /home /root 2>/dev/null || :") in ("", "/home:")
    front.run("test", "!", "-e", "/tmp/x")


def test_the_sandbox_lets_it_ask_how_far_a_viewer_is_behind(front):
    """A socket of NETLINK_SOCK_DIAG (4) is there while somebody watches."""
    with front.stream() as stream:
        stream.pictures(3)
        table = front.run("cat", "/proc/net/netlink").splitlines()[1:]
        diag = {f"socket:[{row.split()[-1]}]" for row in table if row.split()[1] == "4"}
        held = front.run("sh", "-c", f"readlink /proc/{front.pid()}/fd/*").splitlines()
        assert diag & set(held)


def test_cameras_alone_may_be_opened(front):
    """The sandbox's list of devices, with the right node and a wrong one."""
    if " video4linux\n" not in pathlib.Path("/proc/devices").read_text():
        pytest.skip("this kernel has no video4linux: DeviceAllow=char-video4linux allows nothing")
    front.configure("WEBCAM_DEVICE=/dev/video99")
    try:
        for major, minor, state in (81, 99, "no-device"), (1, 11, "denied"):
            front.run("mknod", "-m", "666", "/dev/video99", "c", str(major), str(minor))
            front.systemctl("restart", SERVICE)
            wait_for(lambda: front.camera()["state"] == state, state)
            front.run("rm", "/dev/video99")
    finally:
        front.configure("WEBCAM_DEVICE=pattern", "WEBCAM_RESOLUTION=320x240")


def test_two_cameras_are_strangers(front):
    other = "webcam-fcgi@back"
    back = URL.replace("front", "back")
    front.systemctl("start", f"{other}.socket")
    try:
        assert front.get("snapshot").status == front.get("snapshot", base=back).status == 200
        front.post("shutdown")
        assert front.camera()["state"] == "released"
        assert front.camera(back)["state"] == "live"
        front.run("test", "!", "-e", "/var/lib/webcam-fcgi/back/released")
        # One user for all cameras, but each sees its own state alone.
        inside = ["nsenter", "-t", str(front.pid()), "-m", "sh", "-c"]
        front.run(*inside, "test -d /var/lib/webcam-fcgi/front/")
        front.run(*inside, "! touch /var/lib/webcam-fcgi/back/x 2>/dev/null")
    finally:
        front.systemctl("stop", f"{other}.socket", f"{other}.service")


def test_a_wrong_setting_is_told_and_its_correction_is_enough(front):
    """The socket lives through any number of starts that fail."""
    front.configure("WEBCAM_FPS=many")
    waiting = []
    ask = threading.Thread(target=lambda: waiting.append(front.get("healthz")))
    try:
        ask.start()
        wait_for(lambda: int(front.property("NRestarts")) > 6, "seven starts")
        assert "WEBCAM_FPS" in front.journal()
        assert front.property("ActiveState", SOCKET) == "active"
    finally:
        front.configure("WEBCAM_DEVICE=pattern", "WEBCAM_RESOLUTION=320x240")
    ask.join(30)
    assert waiting[0].status == 200


def test_a_request_cannot_forge_a_line_of_the_journal(front):
    forged = "brightness%0A%3C3%3Eforged%1B%5B2J=1%0D%0Aforged"
    with front.stream() as stream:
        stream.pictures(1)
        front.post("controls", "-H", "User-Agent: x%0aforged", "-d", forged)
        front.get("snapshot?max_age=1%0Aforged", "-H", "X-Forwarded-For: 1.2.3.4 forged")
        front.post("shutdown", "-H", "Origin: http://forged\x1b[2J")
        stream.part()
    wait_for(lambda: "it left" in front.journal(), "the viewer's line")
    lines = front.journal().splitlines()
    assert not [line for line in lines if line.startswith(("forged", "<")) or "\x1b" in line]
    assert "forged" not in front.journal("-p", "err")
