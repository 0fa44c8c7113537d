# SPDX-License-Identifier: MIT
"""A guest with real V4L2 drivers, and what runs in it."""

import json
import os
import pathlib
import secrets
import shlex
import socket
import subprocess
import time

import client
from stack import ROOT, free_port, wait_for

VM_RUN = ROOT / "tests" / "vm" / "vm-run"
AGENT = ROOT / "tests" / "vm" / "agent.py"
BUILD = ROOT / os.environ.get("WEBCAM_BUILD", "build")
# The guest is emulated: everything in it takes many times longer.
SECONDS = 120
# Two vivid cameras, the second with the multi-planar interface; a USB bus for the webcam.
MODULES = [
    "--vivid",
    "n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0x0,0x0 multiplanar=1,2",
    "--modprobe",
    "vhci-hcd",
    "--modprobe",
    "uvcvideo",
]


class Guest:
    """sh() runs a command in it. `share` is writable there, at the same path."""

    def __init__(self, share, limit=3600):
        self.share = pathlib.Path(share)
        self.ports = {name: free_port() for name in ("agent", "front", "back", "third")}
        self.secret = secrets.token_hex(16)
        self.console = open(self.share / "console.log", "w+b")
        ports = [word for port in self.ports.values() for word in ("--port", f"{port}:{port}")]
        self.process = subprocess.Popen(
            [VM_RUN, *MODULES, *ports, "--share", share, "--timeout", str(limit), "--"]
            + ["/usr/bin/python3", AGENT, str(self.ports["agent"])],
            cwd=ROOT,
            env=os.environ | {"VM_SECRET": self.secret},
            stdout=self.console,
            stderr=subprocess.STDOUT,
        )
        wait_for(self._answers, "the guest's first answer", 180)

    def _answers(self):
        assert self.process.poll() is None, self.log()
        try:
            return self._ask("true", 5)[0] == 0
        except (OSError, ValueError):
            time.sleep(0.2)
            return False

    def log(self):
        return (self.share / "console.log").read_text(errors="replace")

    def _ask(self, command, seconds):
        with socket.create_connection(("127.0.0.1", self.ports["agent"]), timeout=seconds) as s:
            s.sendall(f"{self.secret}\n{command}".encode())
            s.shutdown(socket.SHUT_WR)
            answer = b""
            while more := s.recv(65536):
                answer += more
        code, _, output = answer.partition(b"\n")
        return int(code), output.decode(errors="replace")

    def sh(self, command, code=0, seconds=SECONDS):
        """Its output. The exit status has to be `code`; None: any."""
        status, output = self._ask(f"cd {shlex.quote(str(ROOT))}\n{command}", seconds)
        assert code is None or status == code, f"{command}: {status}\n{output}\n{self.log()}"
        return output

    def call(self, *request):
        """What a function of inside.py answers: its name, then its arguments."""
        status, output = self._ask(f"call {json.dumps(request)}", SECONDS)
        assert status == 0, f"{request}: {output}\n{self.log()}"
        return json.loads(output)

    def spawn(self, command, log):
        """Starts it in the background; its pid in the guest."""
        line = f"setsid {command} >{log} 2>&1 </dev/null & echo $!"
        return int(self.sh(line))

    def kill(self, pid, signal="TERM"):
        self.sh(f"kill -{signal} {pid}")
        self.wait_while(f"[ -e /proc/{pid} ]")

    def wait_while(self, condition):
        self.sh(f"while {condition}; do read -t 0.05 <> <(:); done; true")

    def probe(self, arguments, code=0, seconds=SECONDS):
        """The events that source_probe tells of, and everything it wrote."""
        output = self.sh(f"{BUILD}/tests/vm/source_probe {arguments}", code, seconds)
        return [json.loads(line) for line in output.splitlines() if line.startswith("{")]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.console.close()


class Webcam:
    """The USB webcam in software, as /dev/video2 (and its metadata node as /dev/video3)."""

    CONTROL = "/tmp/uvc.ctl"

    def __init__(self, guest, clips):
        self.guest = guest
        names = " ".join(shlex.quote(str(clip)) for clip in clips)
        guest.spawn(f"{BUILD}/tests/vm/uvc-emu -c {self.CONTROL} {names}", "/tmp/uvc.log")
        self.wait()

    def wait(self, there=True):
        """When its second node was there, or gone, by the guest's clock."""
        return self.guest.call("await_node", "/dev/video3", there)

    def do(self, command):
        """When, by the guest's clock."""
        return self.guest.call("tell", self.CONTROL, command)

    def unplug(self):
        """When, by the guest's clock; the nodes are gone now."""
        then = self.do("unplug")
        self.wait(there=False)
        return then

    def plug(self):
        """When it was there, by the guest's clock."""
        self.do("plug")
        return self.wait()


class Site:
    """A worker and its nginx in the guest, with conf/ as shipped."""

    def __init__(self, guest, name, options, runner=""):
        """runner: a program that becomes the worker, such as setpriv with its options."""
        self.guest, self.port = guest, guest.ports[name]
        run = f"/tmp/{name}"
        guest.sh(
            f"rm -rf {run}; mkdir -m 777 {run} && conf/render {run} listen=0.0.0.0:{self.port} "
            f"html={ROOT}/html sockets={run}"
        )
        self.log_path = f"{run}/worker.log"
        self.worker = guest.spawn(
            f"{runner} {BUILD}/webcam-fcgi --listen unix:{run}/webcam.sock {options}",
            self.log_path,
        )
        # As root nginx would give its workers to nobody, who may not use the socket.
        self.nginx = guest.spawn(
            f"nginx -g 'user root;' -e stderr -p {run} -c {run}/nginx.conf", f"{run}/nginx.log"
        )
        wait_for(self._answers, f"{name}'s first answer", SECONDS)

    def _answers(self):
        try:
            return client.request(self.port, "/state", timeout=5).status == 200
        except OSError:
            time.sleep(0.2)
            return False

    def state(self):
        return json.loads(client.request(self.port, "/state").body)["result"]

    def await_state(self, wanted, seconds=SECONDS):
        """The state, once wanted(state) is true."""
        return wait_for(
            lambda: (state := self.state()) and wanted(state) and state, "a state", seconds
        )

    def await_camera(self, *names):
        """The state, once the camera's is one of these."""
        return self.await_state(lambda state: state["camera"]["state"] in names)

    def await_rest(self):
        """Nobody watches: idle, and the device is closed."""
        self.await_camera("idle")
        assert self.holds() == (0, 0)

    def get(self, path, method="GET"):
        return client.request(self.port, path, method, timeout=SECONDS)

    def inside(self, path):
        """Status and body for a client in the guest: what is not for the network."""
        return self.guest.call("fetch", self.port, path)

    def holds(self):
        """How many descriptors of cameras the worker has, and how many mapped buffers."""
        return tuple(self.guest.call("holds", self.worker))

    def clock(self):
        """What to add to the guest's wall clock for this side's time.monotonic()."""
        best = float("inf"), 0
        for _ in range(7):
            asked = time.monotonic()
            now = self.state()["now"]
            took = time.monotonic() - asked
            best = min(best, (took, asked + took / 2 - now))
        return best[1]

    def stream(self, path="/video_feed"):
        return client.Stream(self.port, path, timeout=SECONDS)

    def log(self):
        return self.guest.sh(f"cat {self.log_path}")

    def await_end(self):
        """The worker has been told to end."""
        self.guest.wait_while(f"[ -e /proc/{self.worker} ]")
        self.worker = None

    def stop(self):
        self.guest.kill(self.nginx)
        if self.worker:
            self.guest.kill(self.worker)
        assert "Sanitizer" not in self.log(), self.log()
