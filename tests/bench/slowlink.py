# SPDX-License-Identifier: MIT
"""Viewers behind real slow links beside fast ones: how old is what they see?

Sender, nginx and the fast viewers live in a network namespace of their own, each slow viewer in
another, joined by a veth pair whose far end is reached through a token bucket filter. So the
sysctl under test is set for this namespace alone and the machine's own stays as it is.
"""

import contextlib
import os
import subprocess

import rig

RATES = (200, 600)
FAST = 20
KILOBYTES = 100
HOST = "10.77.0.1"
SETTINGS = ("untuned", "shipped", "tuned")
NOTSENT_LOWAT = 16384

UNTUNED = """daemon off;
pid nginx.pid;
error_log stderr warn;
worker_processes auto;
events {{ worker_connections 4096; }}
http {{
	access_log off;
	client_body_temp_path body;
	fastcgi_temp_path fastcgi;
	proxy_temp_path proxy;
	scgi_temp_path scgi;
	uwsgi_temp_path uwsgi;
	server {{
		listen {host}:{port};
		location / {{
			include /etc/nginx/fastcgi_params;
			fastcgi_pass unix:{run}/webcam.sock;
		}}
	}}
}}
"""


def reason_to_skip():
    """Why the slow links cannot be made here, or None."""
    if os.geteuid() != 0:
        return "needs root (network namespaces)"
    name = f"webcam-probe-{os.getpid()}"
    probe = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if probe.returncode:
        return probe.stderr.strip() or "no network namespaces"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None


def ip(*arguments):
    subprocess.run(["ip", *map(str, arguments)], check=True)


def inside(name):
    return ["ip", "netns", "exec", name]


@contextlib.contextmanager
def namespace(name):
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        ip("netns", "del", name)


def join(near, far, number, kilobytes_per_second):
    """A veth pair between two namespaces, slow towards the far one."""
    ip("-n", near, "link", "add", f"slow{number}", "type", "veth", "peer", "name", "eth0", "netns", far)
    for name, device, address in ((near, f"slow{number}", f"10.77.{number}.1/24"), (far, "eth0", f"10.77.{number}.2/24")):
        ip("-n", name, "addr", "add", address, "dev", device)
        ip("-n", name, "link", "set", device, "up")
    ip("-n", far, "route", "add", "default", "via", f"10.77.{number}.1")
    subprocess.run(["tc", "-n", near, "qdisc", "add", "dev", f"slow{number}", "root", "tbf", "rate",
                    f"{kilobytes_per_second * 8}kbit", "burst", "4kb", "limit", "64kb"], check=True)


@contextlib.contextmanager
def links():
    """The near namespace's name, and a far one's for each rate."""
    with contextlib.ExitStack() as stack:
        near = stack.enter_context(namespace(f"webcam-bench-{os.getpid()}"))
        ip("-n", near, "addr", "add", f"{HOST}/32", "dev", "lo")
        fars = {}
        for number, rate in enumerate(RATES, 1):
            fars[rate] = stack.enter_context(namespace(f"{near}-{rate}"))
            join(near, fars[rate], number, rate)
        yield near, fars


def untuned(run, port):
    (run / "nginx.conf").write_text(UNTUNED.format(host=HOST, port=port, run=run))
    return rig.nginx_command(run)


def shipped(run, port):
    return rig.shipped(run, port, HOST)


def one(setting, seconds, warmup):
    """The figures of the fast viewers and of each slow one under one setting of nginx."""
    config = untuned if setting == "untuned" else shipped
    with links() as (near, fars):
        lowat = NOTSENT_LOWAT if setting == "tuned" else 2**32 - 1
        subprocess.run([*inside(near), "sysctl", "-qw", f"net.ipv4.tcp_notsent_lowat={lowat}"], check=True)
        with rig.rig("worker", KILOBYTES, config=config, prefix=inside(near), host=HOST) as r:
            clients = {"fast": r.load(FAST, seconds, warmup, inside(near))}
            clients |= {str(rate): r.load(1, seconds, warmup, inside(far)) for rate, far in fars.items()}
            figures = {name: r.finish(client) for name, client in clients.items()}
    for name, f in figures.items():
        f["setting"], f["link"] = setting, name
        print(f"  {setting:7} {name:>4}: {f['fps']['min']:5.2f} fps, staleness {f['delay_ms']['p50']:7.1f} / "
              f"{f['delay_ms']['p99']:7.1f} ms, longest pause {f['gap_max']:.2f} s", flush=True)
    return list(figures.values())


def table(seconds=20, warmup=10):
    print(f"Slow links of {RATES} KB/s beside {FAST} fast viewers", flush=True)
    return [figures for setting in SETTINGS for figures in one(setting, seconds, warmup)]
