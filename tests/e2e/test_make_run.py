# SPDX-License-Identifier: MIT
"""`make run` as a person meets it: on a terminal, ended in every way there is."""

import contextlib
import fcntl
import os
import pathlib
import pty
import pwd
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import termios
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ENDED = "stopped, camera closed"
as_root_only = pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become another user")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what()}"
        time.sleep(0.02)


def processes():
    """(pid, start time) -> parent's pid, of all that are no zombies."""
    table = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                table[int(folder.name), fields[19]] = int(fields[1])
    return table


def descendants(root):
    found, parents = set(), {root}
    table = processes()
    while parents:
        children = {key for key, parent in table.items() if parent in parents}
        found |= children
        parents = {pid for pid, _ in children}
    return found


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def uids(pid):
    line = re.search(r"^Uid:\s+(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)
    return set(map(int, line[1].split()))


class MakeRun:
    """`make run` on a terminal of its own; what it prints is in .output."""

    def __init__(self, root=ROOT, prefix=(), **settings):
        self.port = int(settings.setdefault("PORT", str(free_port())))
        environment = {k: v for k, v in os.environ.items() if k not in ("SUDO_USER", "BIND")}
        environment |= {"DEVICE": "pattern"} | settings
        self.output = ""
        self.terminal, side = pty.openpty()
        self.make = subprocess.Popen(
            [*prefix, "make", "run"],
            cwd=root,
            env=environment,
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(side)
        self.closing = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        # EIO: nobody has the other side open any more.
        with contextlib.suppress(OSError):
            while not self.closing.is_set():
                if select.select([self.terminal], [], [], 0.05)[0]:
                    self.output += os.read(self.terminal, 65536).decode(errors="replace")
        os.close(self.terminal)

    def wait_up(self):
        wait_for(
            lambda: "Ctrl-C stops." in self.output or self.make.poll() is not None,
            lambda: f"make run is up: {self.output}",
            seconds=300,
        )
        assert self.make.poll() is None, self.output
        self.family = descendants(self.make.pid)
        pids = [pid for pid, _ in self.family]
        self.worker = next(p for p in pids if "webcam-fcgi --device" in command_line(p))
        self.nginx = next(p for p in pids if "nginx: master" in command_line(p))
        self.supervisor = int(
            re.search(r"^PPid:\s+(\d+)", open(f"/proc/{self.worker}/status").read(), re.M)[1]
        )
        listen = re.search(r"unix:(\S+)/webcam\.sock", command_line(self.worker))
        self.directory = pathlib.Path(listen[1])
        return self

    def wait_end(self, seconds=20):
        status = self.make.wait(seconds)
        self.reader.join(seconds)
        assert not self.reader.is_alive(), "somebody still holds the terminal"
        return status

    def press_ctrl_c(self):
        os.write(self.terminal, b"\x03")

    def close_terminal(self):
        self.closing.set()
        self.reader.join()

    def request(self, path, head=""):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode())
        return connection

    def get(self, path):
        with self.request(path, "Connection: close\r\n") as connection:
            return connection.makefile("rb").read()

    def stream(self):
        """An open stream that has had its first picture."""
        connection = self.request("/video_feed")
        data = b""
        while data.count(b"--frame\r\n") < 2:
            more = connection.recv(65536)
            assert more, data
            data += more
        return connection

    def assert_nothing_left(self):
        wait_for(
            lambda: not self.family & processes().keys(),
            lambda: f"processes ended: {[command_line(pid) for pid, _ in self.family]}\n{self.output}",
        )
        assert not self.directory.exists()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.port))

    def destroy(self):
        if self.make.poll() is None:
            for pid, _ in descendants(self.make.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.make.wait(20)
            self.make.kill()
            self.make.wait()


@pytest.fixture
def make_run():
    runs = []

    def start(*arguments, **settings):
        runs.append(MakeRun(*arguments, **settings))
        return runs[-1]

    yield start
    for run in runs:
        run.destroy()


@pytest.fixture
def hidden_copy():
    """make(uid): the repository, built, in a home that only this user may enter."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="make-run-home."))

    def make(uid):
        shutil.copytree(
            ROOT,
            home / "webcam-fcgi",
            symlinks=True,
            ignore=lambda folder, names: {".git", "address-undefined", "thread"} & set(names),
        )
        for path in [home, *home.rglob("*")]:
            os.chown(path, uid, uid, follow_symlinks=False)
        home.chmod(0o700)
        return home / "webcam-fcgi"

    yield make
    shutil.rmtree(home)


def test_says_where_and_how(make_run):
    run = make_run().wait_up()
    assert f"http://localhost:{run.port}/  (this machine only)" in run.output
    assert "For your network, without a password:  BIND=0.0.0.0 make run" in run.output
    assert "DEVICE=" in run.output
    assert b"<html" in run.get("/")
    assert b'"camera"' in run.get("/state")
    assert stat.S_IMODE(run.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((run.directory / "webcam.sock").stat().st_mode) == 0o600
    assert uids(run.worker) == uids(run.nginx)


def test_without_a_camera(make_run):
    if list(pathlib.Path("/dev").glob("video*")):
        pytest.skip("there is a camera here")
    run = make_run(DEVICE="").wait_up()
    assert re.search(r"Camera: no camera found.*Until then: the test pattern", run.output)
    stream = run.stream()
    run.press_ctrl_c()
    assert run.wait_end() == 0
    stream.close()


def test_ctrl_c_with_streams_open(make_run):
    run = make_run().wait_up()
    streams = [run.stream() for _ in range(5)]
    run.press_ctrl_c()
    for stream in streams:
        assert stream.makefile("rb").read().endswith(b"\r\n--frame--\r\n")
    assert run.wait_end() == 0
    assert run.output.rstrip().endswith(ENDED)
    run.assert_nothing_left()


def test_terminal_is_given_back(make_run):
    """Who started make can read from the terminal again, and has Ctrl-C."""
    run = make_run(prefix=("bash", "-c", '"$@"; read -r line && echo "got $line"', "sh")).wait_up()
    run.press_ctrl_c()
    wait_for(lambda: ENDED in run.output, lambda: run.output)
    os.write(run.terminal, b"hello\n")
    assert run.wait_end() == 0
    assert "got hello" in run.output


def test_terminal_closed_with_streams_open(make_run):
    run = make_run().wait_up()
    streams = [run.stream() for _ in range(3)]
    run.close_terminal()
    for stream in streams:
        stream.makefile("rb").read()
    run.make.wait(20)
    run.assert_nothing_left()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_to_the_supervisor(make_run, number):
    run = make_run().wait_up()
    stream = run.stream()
    os.kill(run.supervisor, number)
    assert run.wait_end() == 0
    assert ENDED in run.output
    stream.makefile("rb").read()
    run.assert_nothing_left()


def test_signal_to_the_group_without_a_terminal():
    """As a script's: no terminal, and make has the signal too."""
    port = free_port()
    make = subprocess.Popen(
        ["make", "run"],
        cwd=ROOT,
        env=os.environ | {"PORT": str(port), "DEVICE": "pattern"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    output = ""
    while "Ctrl-C stops." not in output:
        line = make.stdout.readline()
        assert line, output
        output += line
    family = descendants(make.pid)
    os.killpg(make.pid, signal.SIGINT)
    assert ENDED in make.communicate(timeout=20)[0]
    assert not family & processes().keys()


def test_supervisor_killed(make_run):
    run = make_run().wait_up()
    streams = [run.stream() for _ in range(3)]
    os.kill(run.supervisor, signal.SIGKILL)
    for stream in streams:
        stream.makefile("rb").read()
    assert run.wait_end() != 0
    run.assert_nothing_left()


def test_make_killed(make_run):
    run = make_run().wait_up()
    run.make.kill()
    run.make.wait()
    run.assert_nothing_left()


@pytest.mark.parametrize("child", ["worker", "nginx"])
def test_child_dies(make_run, child):
    run = make_run().wait_up()
    stream = run.stream()
    os.kill(getattr(run, child), signal.SIGKILL)
    assert run.wait_end() != 0
    assert f"{'webcam-fcgi' if child == 'worker' else 'nginx'} ended by itself" in run.output
    stream.close()
    run.assert_nothing_left()


def test_second_run(make_run):
    first = make_run().wait_up()
    second = make_run(PORT=str(first.port))
    assert second.wait_end() != 0
    assert f"running already, on port {first.port} (process {first.supervisor})" in second.output
    assert re.search(r"PORT=\d+ make run", second.output)
    assert b'"camera"' in first.get("/state")
    first.press_ctrl_c()
    assert first.wait_end() == 0


def test_taken_port_is_told_before_building(make_run, tmp_path):
    """Known by a repository that cannot be built: the port is told all the same."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "Makefile").write_text("all:\n\tfalse\nrun:\n\t@conf/run\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        run = make_run(tmp_path, PORT=str(port))
        assert run.wait_end() != 0
        assert f"Port {port} is taken by" in run.output
        assert f"(process {os.getpid()}, user {pwd.getpwuid(os.getuid()).pw_name})" in run.output
        assert re.search(r"PORT=\d+ make run", run.output)
    run = make_run(tmp_path, PORT=str(port))
    assert run.wait_end() != 0
    assert "The build failed" in run.output


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"PORT": "0x50"}, "PORT=0x50: it takes a number from 1 to 65535"),
        ({"PORT": "70000"}, "PORT=70000: it takes a number from 1 to 65535"),
        ({"BIND": "a b; c"}, "BIND=a b; c: it takes an address"),
        ({"CONTROL": "maybe"}, "CONTROL=maybe: it takes on or off"),
        ({"BIND": "192.0.2.77"}, "nginx ended by itself"),
        ({"DEVICE": "nonsense:"}, "webcam-fcgi ended by itself"),
    ],
)
def test_bad_settings(settings, message):
    run = subprocess.run(
        ["make", "run"],
        cwd=ROOT,
        env=os.environ | {"DEVICE": "pattern", "PORT": str(free_port())} | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert run.returncode != 0
    assert message in run.stdout


@as_root_only
@pytest.mark.parametrize("control, status", [("", b" 403 "), ("on", b" 200 ")])
def test_for_the_network(make_run, control, status):
    """In a network of its own, so that nothing here is open to the real one."""
    network = ("unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    run = make_run(prefix=network, BIND="0.0.0.0", CONTROL=control).wait_up()
    assert "Anyone on the network can watch" in run.output
    assert ("CONTROL=on BIND=0.0.0.0 make run" in run.output) == (control != "on")
    answer = subprocess.run(
        ["nsenter", "-t", str(run.nginx), "-n", sys.executable, "-c", ASK, str(run.port)],
        stdout=subprocess.PIPE,
        timeout=60,
    ).stdout
    state, start = answer.split(b"\n")[:2]
    assert b" 200 " in state
    assert status in start


ASK = """
import socket, sys
for request in "GET /state", "POST /start":
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        connection.sendall(f"{request} HTTP/1.0\\r\\n\\r\\n".encode())
        print(connection.makefile().readline().rstrip())
"""


@as_root_only
def test_as_root_nothing_runs_as_root(make_run, hidden_copy):
    """Real root, with a repository that nobody else can read."""
    run = make_run(hidden_copy(0)).wait_up()
    assert b"<html" in run.get("/")
    www_data = pwd.getpwnam("www-data").pw_uid
    for pid, _ in descendants(run.supervisor):
        if "nginx" in command_line(pid) or pid == run.worker:
            assert uids(pid) == {www_data}, command_line(pid)
    stream = run.stream()
    run.press_ctrl_c()
    assert run.wait_end() == 0
    stream.close()
    run.assert_nothing_left()


@as_root_only
@pytest.mark.parametrize("how", ["as oneself", "by sudo"])
def test_as_a_user(make_run, hidden_copy, how):
    """A user whose home is closed to others; and root by sudo: all but apt is the user's."""
    nobody = pwd.getpwnam("nobody")
    if how == "by sudo":
        prefix, settings = (), {"SUDO_USER": "nobody"}
    else:
        prefix = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups")
        settings = {"XDG_RUNTIME_DIR": ""}
    run = make_run(hidden_copy(nobody.pw_uid), prefix, **settings).wait_up()
    assert b"<html" in run.get("/")
    for pid, _ in descendants(run.supervisor):
        assert uids(pid) == {nobody.pw_uid}, command_line(pid)
    stream = run.stream()
    run.press_ctrl_c()
    assert run.wait_end() == 0
    stream.close()
    run.assert_nothing_left()


# A /dev of one's own, with a camera's node that is for its group alone.
PRIVATE_DEV = """
dev=$(mktemp -d) && mount -t tmpfs none "$dev" || exit
cp -a /dev/null /dev/zero /dev/full /dev/urandom /dev/tty /dev/ptmx "$dev"
mkdir "$dev/pts" && mount --bind /dev/pts "$dev/pts"
mknod -m 0660 "$dev/video0" c 81 0 && chgrp video "$dev/video0"
mount --move "$dev" /dev && rmdir "$dev"
exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"
"""


@as_root_only
def test_camera_that_one_may_not_open(make_run, hidden_copy):
    copy = hidden_copy(pwd.getpwnam("nobody").pw_uid)
    prefix = ("unshare", "-m", "sh", "-c", PRIVATE_DEV, "sh")
    run = make_run(copy, prefix, DEVICE="", XDG_RUNTIME_DIR="").wait_up()
    assert "/dev/video0 is there, but nobody may not open it" in run.output
    assert "    sudo usermod -aG video nobody\r\n" in run.output
    assert "test pattern" in run.output
