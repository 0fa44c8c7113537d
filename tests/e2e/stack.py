# SPDX-License-Identifier: MIT
"""The worker and nginx, as shipped, in a private directory; examined when they end."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import client

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SANITIZER = re.compile(r"(ERROR|WARNING|SUMMARY): \w+Sanitizer|runtime error:")
COMPLAINT = re.compile(r"\[(warn|error|crit|alert|emerg)\]")
# A sanitizer makes everything slower; what is asserted about time is scaled by it.
SLOW = 4 if "address" in os.environ.get("WEBCAM_BUILD", "") else 1
SLOW = 8 if "thread" in os.environ.get("WEBCAM_BUILD", "") else SLOW
TOOL_OPTIONS = {
    "ASAN_OPTIONS": "exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    # A thread that a hanging driver holds is left behind on purpose, after 0.9 s.
    "TSAN_OPTIONS": "exitcode=99:report_thread_leaks=0",
}


def wait_for(condition, what="", seconds=20):
    """What the condition returned, once that is true; never a sleep as proof."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def worker_environment(settings=None):
    """Ours without any WEBCAM_… of the person who runs the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WEBCAM_")}
    return kept | TOOL_OPTIONS | (settings or {})


class Process:
    """A child whose standard error is kept."""

    def __init__(self, command, log, **options):
        self.log_path = pathlib.Path(log)
        with open(log, "ab") as stderr:
            self.popen = subprocess.Popen(command, stderr=stderr, **options)
        self.pid = self.popen.pid

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def running(self):
        return self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, seconds=20):
        return self.popen.wait(seconds)

    def stop(self, seconds=20):
        if self.running():
            self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        self.popen.kill()
        return self.popen.wait()


class Worker(Process):
    """webcam-fcgi; `arguments` as on its command line."""

    def __init__(self, program, arguments, log, environment=None, prefix=(), **options):
        self.expected_status = 0
        runner = ["setarch", "-R"] if "thread" in os.environ.get("WEBCAM_BUILD", "") else []
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL} | options
        super().__init__(
            [*runner, *prefix, program, *map(str, arguments)],
            log,
            env=worker_environment(environment),
            **options,
        )

    def wait_up(self, seconds=20):
        wait_for(
            lambda: "listens on" in self.log or not self.running(),
            f"the worker listens: {self.log}",
            seconds * SLOW,
        )
        assert self.running(), self.log
        return self

    def finish(self):
        """Ends it and says what is wrong with how it lived: a list of complaints."""
        status = self.stop()
        complaints = []
        if status != self.expected_status:
            complaints.append(f"the worker's exit status is {status}")
        if SANITIZER.search(self.log):
            complaints.append("a sanitizer complained")
        return [f"{c}:\n{self.log}" for c in complaints]


class Nginx(Process):
    def __init__(self, directory):
        self.allowed = []
        # Under root it would drop to a user who may not enter the private directory.
        user = ["-g", "user root;"] if os.getuid() == 0 else []
        self.pid_file = pathlib.Path(directory) / "nginx.pid"
        self.pid_file.unlink(missing_ok=True)
        super().__init__(
            ["nginx", "-e", "stderr", "-p", directory, "-c", f"{directory}/nginx.conf", *user],
            f"{directory}/nginx.log",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def wait_up(self, port, address="127.0.0.1"):
        # It listens before it has its signal handlers; the pid file comes after both.
        wait_for(
            lambda: (self.pid_file.exists() and client.accepts(address, port))
            or not self.running(),
            f"nginx accepts: {self.log}",
        )
        assert self.running(), self.log
        return self

    def finish(self):
        status = self.stop()
        complaints = [f"nginx's exit status is {status}"] if status != 0 else []
        for line in self.log.splitlines():
            if COMPLAINT.search(line) and not any(re.search(a, line) for a in self.allowed):
                complaints.append(f"nginx said: {line}")
        return complaints


class Stack:
    """One worker (or several, `cameras`) behind one nginx."""

    def __init__(self, program, arguments, cameras=("webcam",), environment=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="webcam-e2e."))
        self.program = program
        self.arguments = list(map(str, arguments))
        self.environment = environment
        self.port = free_port()
        self.processes = []
        self.nginx = self.worker = None
        self.workers = {}
        self.cameras = cameras

    def start(self, address="127.0.0.1"):
        (self.directory / "html").symlink_to(ROOT / "html")
        self.render(listen=f"{address}:{self.port}")
        for name in self.cameras:
            self.workers[name] = self.start_worker(name)
        self.worker = self.workers[self.cameras[0]]
        self.start_nginx(address)
        return self

    def render(self, **settings):
        subprocess.run(
            [ROOT / "conf/render", self.directory, *(f"{k}={v}" for k, v in settings.items())],
            check=True,
        )

    def socket_path(self, name="webcam"):
        return self.directory / f"{name}.sock"

    def start_worker(self, name="webcam", arguments=None, **options):
        self.worker = Worker(
            self.program,
            ["--listen", f"unix:{self.socket_path(name)}", *(arguments or self.arguments)],
            self.directory / f"{name}.{len(self.processes)}.log",
            self.environment,
            **options,
        )
        self.processes.append(self.worker)
        return self.worker.wait_up()

    def start_nginx(self, address="127.0.0.1"):
        self.nginx = Nginx(self.directory)
        self.processes.append(self.nginx)
        self.nginx.wait_up(self.port, address)
        return self.nginx

    # --- what the tests ask ---

    def get(self, path, **options):
        return client.request(self.port, path, **options)

    def post(self, path, headers=(), **options):
        return client.request(self.port, path, method="POST", headers=headers, **options)

    def stream(self, path="/video_feed", **options):
        return client.Stream(self.port, path, **options)

    def state(self):
        answer = self.get("/state")
        assert answer.status == 200
        return json.loads(answer.body)["result"]

    def camera_state(self):
        return self.state()["camera"]["state"]

    def clients(self):
        return self.state()["stream"]["clients_stat"]

    def metric(self, name):
        """The value of one sample, its labels as they are written."""
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        raise KeyError(name)

    def wait_state(self, state, seconds=20):
        wait_for(lambda: self.camera_state() == state, f"camera is {state}", seconds * SLOW)

    def finish(self):
        complaints = []
        # nginx first: it tells when a worker goes away under it.
        for process in sorted(self.processes, key=lambda p: isinstance(p, Worker)):
            complaints += process.finish()
        shutil.rmtree(self.directory)
        return complaints
