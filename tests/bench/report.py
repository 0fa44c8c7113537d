# SPDX-License-Identifier: MIT
"""What was measured, as text: the machine, the targets, the tables."""

import os
import platform
import statistics
import subprocess
import time

import rig
from experiments import middle, ratio


# Of others, where our own server CPU would soon be full.
BUSY = 0.5


def cpu_us(figures):
    return figures["sender_us"]


def nginx_us(figures):
    return figures["nginx_us"]


def both_us(figures):
    return figures["sender_us"] + figures["nginx_us"]


def p50(figures):
    return figures["delay_ms"]["p50"]


def p99(figures):
    return figures["delay_ms"]["p99"]


def first_line_with(path, key):
    with open(path, encoding="utf-8") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith(key)), "unknown CPU")


def cpus(numbers):
    return ",".join(map(str, numbers))


def machine():
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": first_line_with("/proc/cpuinfo", "model name"),
        "cpus": len(rig.ALL_CPUS),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
        "nginx": nginx.strip().rpartition("/")[2],
        "pinning": f"sender and nginx on CPU {cpus(rig.SERVER_CPUS)}, load client on CPU {cpus(rig.CLIENT_CPUS)}",
        "load_before": os.getloadavg()[0],
    }


def describe(m):
    return (f"{m['date']}, {m['cpu']}, {m['cpus']} CPUs, Linux {m['kernel']}, {m['system']}, nginx {m['nginx']}; "
            f"{m['pinning']}")


def target(name, value, limit, unit="", at_least=False):
    reached = value >= limit if at_least else value <= limit
    return {"name": name, "value": value, "limit": limit, "unit": unit, "at_least": at_least, "reached": reached}


def pair_targets(hundred, single):
    yield target("100 viewers x 100 KB: fps of the slowest", middle(hundred, "worker", lambda f: f["fps"]["min"]),
                 29.5, "fps", at_least=True)
    yield target("worker CPU per delivered frame : bare sender", ratio(hundred, cpu_us), 1.15)
    yield target("worker + nginx CPU per frame : bare sender + nginx", ratio(hundred, both_us), 1.1)
    yield target("delay p99 at 100 viewers : bare sender", ratio(hundred, p99), 1.3)
    yield target("one viewer, capture to last byte (p50) : bare sender", ratio(single, p50), 1.5)


def slow_targets(table):
    for f in table:
        if f["link"] == "fast" and f["setting"] != "untuned":
            yield target(f"frames lost by viewers beside slow ones, {f['setting']}", f["skipped"], 0)
        if f["link"] == "200" and f["setting"] != "untuned":
            limit = 1.3 if f["setting"] == "tuned" else 2.0
            yield target(f"staleness p50 on a 200 KB/s link, {f['setting']}", p50(f) / 1000, limit, "s")


def targets(results):
    yield from pair_targets(results["pairs_100"], results["pairs_1"])
    yield target("worker memory per viewer", results["memory"]["worker"]["per_viewer"], 1024, "bytes")
    if "knee" in results:
        worker, bare = (statistics.median_low(results["knee"][kind]) for kind in ("worker", "bare"))
        yield target(f"the knee: {worker} viewers : {bare} of the bare sender", worker / max(bare, 1), 0.95, at_least=True)
    if "crowd" in results:
        fps = results["crowd"]["worker"]["fps"]
        yield target("1000 viewers: the slowest's share of the mean rate", fps["min"] / max(fps["mean"], 0.001), 0.5,
                     at_least=True)
        yield target("1000 viewers: worker memory", results["crowd"]["worker"]["pss"] / 1e6, 80, "MB")
    if isinstance(results.get("slow"), list):
        yield from slow_targets(results["slow"])
    yield target("parts broken or out of order, in all runs", faults(results), 0)


def every_run(results):
    for pair in results["pairs_100"] + results["pairs_1"]:
        yield from pair.values()
    yield from results.get("grid", [])
    yield from results.get("crowd", {}).values()
    yield from results["slow"] if isinstance(results.get("slow"), list) else []


def faults(results):
    return sum(f["bad_parts"] + f["disorder"] for f in every_run(results))


def table(heads, rows):
    """A Markdown table that reads well on a terminal, too."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *rows)]
    for row in (heads, ["-" * (width - 1) + ":" for width in widths], *rows):
        yield "| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths)) + " |"


def target_lines(found):
    for t in found:
        sign = ">=" if t["at_least"] else "<="
        yield (f"{'reached' if t['reached'] else 'MISSED ':8} {t['name']}: {t['value']:.3f} {t['unit']} "
               f"(wanted {sign} {t['limit']:g})")


def pair_lines(title, runs):
    yield title
    for kind in ("worker", "bare"):
        figures = (middle(runs, kind, value) for value in (cpu_us, both_us, p50, p99))
        yield "  {:7} {:6.1f} us a frame, {:6.1f} with nginx, delay {:.2f} / {:.2f} ms".format(kind, *figures)


def grid_lines(grid):
    heads = ["KB", "viewers", "sender", "fps min", "fps median", "sender µs/frame", "nginx µs/frame", "delay p50 ms", "p99 ms"]
    return table(heads, ([f["kilobytes"], f["viewers"], f["sender"], f"{f['fps']['min']:.1f}", f"{f['fps']['median']:.1f}",
                          f"{f['sender_us']:.1f}", f"{f['nginx_us']:.1f}", f"{p50(f):.2f}", f"{p99(f):.2f}"]
                         for f in grid))


def slow_lines(slow):
    if not isinstance(slow, list):
        yield f"slow links: skipped: {slow}"
        return
    heads = ["nginx", "viewer", "fps min", "staleness p50 ms", "p99 ms", "longest pause s", "lost"]
    yield from table(heads, ([f["setting"], f["link"], f"{f['fps']['min']:.2f}", f"{p50(f):.1f}", f"{p99(f):.1f}",
                              f"{f['gap_max']:.2f}", f["skipped"]] for f in slow))


def lines(results):
    yield describe(results["machine"])
    if results["machine"]["load_before"] > BUSY:
        yield f"The machine was busy before (load {results['machine']['load_before']:.1f}): do not trust these figures."
    yield from pair_lines("100 viewers x 100 KB, medians of the alternating pairs:", results["pairs_100"])
    yield from pair_lines("1 viewer x 100 KB, medians of the alternating pairs:", results["pairs_1"])
    for kind, m in results["memory"].items():
        yield f"memory: {kind:7} {m['per_viewer']:8.0f} bytes a viewer"
    if "grid" in results:
        yield from grid_lines(results["grid"])
    if "slow" in results:
        yield from slow_lines(results["slow"])
    yield from target_lines(results["targets"])
