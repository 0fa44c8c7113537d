# SPDX-License-Identifier: MIT
"""The measuring rig: one sender behind one nginx, one load client, and what they cost.

The load client has the last CPU for itself; the sender under test and nginx share all the others
(on two CPUs: one). So the client's work is in nobody's figures, and what the servers cost decides
how many viewers there can be.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import frames

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
PROGRAMS = BUILD / "tests/bench"
OUTPUT = BUILD / "bench"
SENDERS = ("worker", "bare", "threads")
DEADLINE = 15.0
FPS = 30

ALL_CPUS = sorted(os.sched_getaffinity(0))
CLIENT_CPUS = ALL_CPUS[-1:]
SERVER_CPUS = ALL_CPUS[:-1] or ALL_CPUS


def on_cpus(cpus, command):
    """The command line that runs command on these CPUs."""
    return ["taskset", "-c", ",".join(map(str, cpus)), *map(str, command)]


def wait_until(what, condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: nothing after {DEADLINE:.0f} s")
        time.sleep(0.01)


def connects(family, address):
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def frame_file(kilobytes):
    """The looped MJPEG file of pictures of that size (made once)."""
    path = OUTPUT / f"frames-{kilobytes}k.mjpeg"
    if not path.exists():
        OUTPUT.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        frames.write(partial, kilobytes * 1000)
        partial.rename(path)
    return path


def cpu_ns(pids):
    """CPU time of these processes; schedstat counts nanoseconds, /proc/PID/stat ticks of 10 ms."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += int((task / "schedstat").read_text().split()[0])
    return total


def pss_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Pss in smaps_rollup")


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def running(command, log, prefix=()):
    """The command while the block runs; then it is ended by its pid and waited for."""
    with open(log, "ab") as out:
        process = subprocess.Popen([*prefix, *map(str, command)], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def sender_command(kind, sock, kilobytes, fps):
    pictures = frame_file(kilobytes)
    if kind != "worker":
        return [PROGRAMS / kind, sock, pictures, fps]
    return [BUILD / "webcam-fcgi", "--device", f"file:{pictures}", "--fps", fps, "--listen", f"unix:{sock}",
            "--max-viewers", 4000, "--log-level", "warn"]


def shipped(run, port, host="127.0.0.1"):
    """nginx's command with conf/ as shipped."""
    subprocess.run([ROOT / "conf/render", run, f"listen={host}:{port}", f"html={ROOT / 'html'}"], check=True)
    return nginx_command(run)


def nginx_command(run):
    command = ["nginx", "-e", "stderr", "-p", run, "-c", run / "nginx.conf"]
    # Started by root its workers would become another user, for whom the socket is closed.
    return command + (["-g", "user root;"] if os.geteuid() == 0 else [])


@dataclasses.dataclass
class Rig:
    """A running sender and nginx; prefix runs a client where it can reach them."""

    sender: int
    nginx: int
    host: str
    port: int

    def load(self, viewers, seconds, warmup=1.0, prefix=(), patience=DEADLINE):
        """Starts a load client; take its figures with finish()."""
        command = [PROGRAMS / "load", "-v", viewers, "-s", seconds, "-w", warmup, "-p", patience,
                   self.host, self.port, "/video_feed"]
        return subprocess.Popen([*prefix, *on_cpus(CLIENT_CPUS, command)], stdout=subprocess.PIPE, text=True)

    def finish(self, client):
        """The client's figures, with what the servers used while it measured."""
        try:
            expect(client, "begin")
            before = self.usage()
            expect(client, "end")
            after = self.usage()
            figures = json.loads(client.stdout.readline())
        finally:
            client.stdout.close()
            client.kill()
            client.wait()
        delivered = max(1, figures["frames"])
        figures["sender_us"] = (after["sender_ns"] - before["sender_ns"]) / delivered / 1000
        figures["nginx_us"] = (after["nginx_ns"] - before["nginx_ns"]) / delivered / 1000
        figures["pss"] = after["pss"]
        return figures

    def usage(self):
        nginx = [self.nginx, *children(self.nginx)]
        return {"sender_ns": cpu_ns([self.sender]), "nginx_ns": cpu_ns(nginx), "pss": pss_bytes(self.sender)}


def expect(client, word):
    line = client.stdout.readline().strip()
    if line != word:
        raise RuntimeError(f"load client said {line!r} instead of {word!r}")


@contextlib.contextmanager
def rig(kind, kilobytes, fps=FPS, config=None, prefix=(), host="127.0.0.1"):
    """Everything fresh for each measurement, in a private directory. config(run, port) is nginx's command."""
    with tempfile.TemporaryDirectory(prefix="webcam-bench-") as run, contextlib.ExitStack() as stack:
        run = pathlib.Path(run)
        sock = run / "webcam.sock"
        port = free_port()
        log = OUTPUT / f"{kind}.log"
        command = on_cpus(SERVER_CPUS, sender_command(kind, sock, kilobytes, fps))
        sender = stack.enter_context(running(command, log, prefix))
        wait_until(f"{kind} (see {log})", lambda: alive(sender, log) and connects(socket.AF_UNIX, str(sock)))
        command = on_cpus(SERVER_CPUS, (config or shipped)(run, port))
        nginx = stack.enter_context(running(command, OUTPUT / "nginx.log", prefix))
        wait_until("nginx", lambda: alive(nginx, OUTPUT / "nginx.log") and children(nginx.pid))
        yield Rig(sender.pid, nginx.pid, host, port)


def alive(process, log):
    if process.poll() is not None:
        raise RuntimeError(f"{process.args} ended with {process.returncode}, see {log}")
    return True


def measure(kind, viewers, kilobytes, seconds, warmup=1.0, fps=FPS):
    """One sender, so many viewers, pictures of that size: the figures of one run."""
    with rig(kind, kilobytes, fps) as r:
        return r.finish(r.load(viewers, seconds, warmup))
