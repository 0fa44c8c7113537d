# SPDX-License-Identifier: MIT
"""make bench: how much a delivered frame costs, how late it is, how many viewers there can be.

The worker is compared with a bare sender of the same bytes and with a plain libfcgi sender, each in
turn behind the same nginx with conf/ as shipped, so that the ratios hold on any machine.
Writes results.json and chart.svg below build/bench.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

import chart
import experiments
import report
import rig
import slowlink


def run_codec():
    """The codecs' own bench, where it is built."""
    program = rig.PROGRAMS / "codec"
    if program.exists():
        subprocess.run(rig.on_cpus(rig.SERVER_CPUS, [program]), check=True)


def essentials():
    """What the ratios and the memory target need: two minutes."""
    machine = report.machine()
    experiments.say("100 viewers x 100 KB")
    hundred = experiments.pairs(100, 100, 4)
    experiments.say("One viewer x 100 KB")
    single = experiments.pairs(1, 100, 4)
    return {"machine": machine, "pairs_100": hundred, "pairs_1": single, "memory": experiments.memory()}


def everything(results):
    cost = experiments.middle(results["pairs_100"], "bare", report.both_us)
    guess = int(len(rig.SERVER_CPUS) * 0.9e6 / rig.FPS / cost)
    results["grid"] = experiments.grid(3)
    results["knee"] = experiments.knees(guess)
    results["crowd"] = experiments.crowd(5)
    results["slow"] = slowlink.reason_to_skip() or slowlink.table()


def raise_files():
    """1000 viewers are 2000 descriptors in nginx."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the ratios and memory alone")
    parser.add_argument("--chart", type=pathlib.Path, help="also write the chart there")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.sched_setaffinity(0, rig.CLIENT_CPUS)
    raise_files()
    rig.OUTPUT.mkdir(parents=True, exist_ok=True)
    for log in rig.OUTPUT.glob("*.log"):
        log.unlink()
    started = time.monotonic()
    results = essentials()
    if not options.quick:
        everything(results)
    results["targets"] = list(report.targets(results))
    results["minutes"] = (time.monotonic() - started) / 60
    (rig.OUTPUT / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (rig.OUTPUT / "chart.svg").write_text(chart.svg(results))
    if options.chart:
        shutil.copyfile(rig.OUTPUT / "chart.svg", options.chart)
    print(*report.lines(results), f"({results['minutes']:.1f} minutes)", sep="\n")
    run_codec()
    return 1 if report.faults(results) else 0


if __name__ == "__main__":
    sys.exit(main())
