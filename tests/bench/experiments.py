# SPDX-License-Identifier: MIT
"""The experiments behind the issue of speed: each returns plain figures for results.json."""

import statistics
import time

import rig

VIEWERS = (1, 10, 100, 300)
KILOBYTES = (30, 100, 400)
PAIRS = 5
CROWD = 1000
KNEE_FPS = 29.0
KNEE_STEP = 0.02
KNEE_MAX = 3000
KNEE_SECONDS = 150


def say(text):
    print(text, flush=True)


def checked(kind, viewers, kilobytes, seconds, warmup=1.0, fps=rig.FPS):
    figures = rig.measure(kind, viewers, kilobytes, seconds, warmup, fps)
    figures["sender"], figures["kilobytes"] = kind, kilobytes
    say(f"  {kind:7} {viewers:5} x {kilobytes:3} KB: {figures['fps']['min']:5.1f} fps at least, "
        f"{figures['sender_us']:6.1f} + {figures['nginx_us']:6.1f} us a frame, "
        f"delay {figures['delay_ms']['p50']:7.2f} / {figures['delay_ms']['p99']:7.2f} ms")
    return figures


def pairs(viewers, kilobytes, seconds):
    """Worker and bare sender by turns, each turn first by turns: what drifts hits both."""
    runs = []
    for number in range(PAIRS):
        order = ("worker", "bare") if number % 2 == 0 else ("bare", "worker")
        runs.append({kind: checked(kind, viewers, kilobytes, seconds) for kind in order})
    return runs


def ratio(runs, value):
    """The median of the pairs' ratios worker : bare."""
    return statistics.median(value(pair["worker"]) / value(pair["bare"]) for pair in runs)


def middle(runs, kind, value):
    return statistics.median(value(pair[kind]) for pair in runs)


def grid(seconds):
    say("Every number of viewers, every size, every sender")
    return [checked(kind, viewers, kilobytes, seconds)
            for kilobytes in KILOBYTES for viewers in VIEWERS for kind in rig.SENDERS]


def memory(few=100, many=1000):
    """Bytes of one more viewer; at 5 fps, so that nobody holds an old picture."""
    say("Memory per viewer")
    result = {}
    for kind in rig.SENDERS:
        with rig.rig(kind, 30, fps=5) as r:
            before = r.finish(r.load(few, 2, warmup=2))["pss"]
            after = r.finish(r.load(many, 2, warmup=2))["pss"]
        result[kind] = {"few": before, "many": after, "per_viewer": (after - before) / (many - few)}
        say(f"  {kind:7} {before / 1e6:.2f} MB with {few}, {after / 1e6:.2f} MB with {many} viewers")
    return result


def holds(kind, viewers):
    """Whether each gets KNEE_FPS; asked twice, since one hiccup of the machine is not the knee."""
    return any(checked(kind, viewers, 100, 2.5)["fps"]["min"] >= KNEE_FPS for _ in range(2))


def search(guess):
    """Yields numbers of viewers and is told whether they hold; returns the most that do."""
    low, high = guess, None
    while low and not (yield low):
        low, high = int(low * 0.9), low
    while high is None and low < KNEE_MAX:
        probe = int(low * 1.1) + 1
        low, high = (probe, None) if (yield probe) else (low, probe)
    while high and high - low > KNEE_STEP * low:
        probe = (low + high) // 2
        low, high = (probe, high) if (yield probe) else (low, probe)
    return low


def search_in_turn(guesses):
    """Searches for all kinds step by step in turn: a busy moment of the machine hits each."""
    searches = {kind: search(guess) for kind, guess in guesses.items()}
    answers, found = dict.fromkeys(searches), {}
    while searches:
        for kind, steps in list(searches.items()):
            try:
                answers[kind] = holds(kind, steps.send(answers[kind]))
            except StopIteration as end:
                found[kind] = end.value
                del searches[kind]
    return found


def knees(guess, repeats=3):
    """Up to so many searches, none begun when KNEE_SECONDS are over."""
    say("The knee: the most viewers that all get 29 fps")
    deadline = time.monotonic() + KNEE_SECONDS
    rounds = [search_in_turn({"worker": guess, "bare": guess})]
    while len(rounds) < repeats and time.monotonic() < deadline:
        rounds.append(search_in_turn({kind: max(1, value) for kind, value in rounds[-1].items()}))
    return {kind: [found[kind] for found in rounds] for kind in rounds[0]}


def crowd(seconds):
    """Far more viewers than the machine can serve: everybody gets a share, memory stays bounded."""
    say(f"{CROWD} viewers")
    return {"worker": checked("worker", CROWD, 100, seconds, warmup=3)}
