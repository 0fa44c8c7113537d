# SPDX-License-Identifier: MIT
"""The bench's chart: panels of horizontal bars, as SVG."""

import textwrap
from xml.sax.saxutils import escape

import report
from experiments import middle

WIDTH = 760
LABEL = 220
BAR = 18
GAP = 8
SPAN = WIDTH - LABEL - 110
COLOURS = ("#1f6f8b", "#a9cfdb")
NAMES = {"worker": "webcam-fcgi", "bare": "bare sender", "threads": "thread per viewer"}
SETTINGS = {"untuned": "nginx's defaults", "shipped": "conf/ as shipped", "tuned": "and notsent_lowat"}


class Canvas:
    """Shapes from the top down; the height is known at the end."""

    def __init__(self):
        self.shapes = []
        self.y = 0

    def text(self, x, y, words, size=13, anchor="start", weight="normal", fill="#222"):
        self.shapes.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
                           f'font-weight="{weight}" fill="{fill}">{escape(words)}</text>')

    def line(self, words, size=13, weight="normal", fill="#222"):
        self.y += size + 7
        self.text(16, self.y, words, size, weight=weight, fill=fill)

    def rect(self, x, width, colour):
        self.shapes.append(f'<rect x="{x:.1f}" y="{self.y:.1f}" width="{max(width, 1):.1f}" height="{BAR}" fill="{colour}"/>')

    def legend(self, names):
        self.y += GAP
        x = LABEL
        for name, colour in zip(names, COLOURS):
            self.shapes.append(f'<rect x="{x}" y="{self.y}" width="11" height="11" fill="{colour}"/>')
            self.text(x + 16, self.y + 10, name, 12)
            x += 30 + 7 * len(name)
        self.y += 12 + GAP

    def bars(self, title, legend, rows):
        """rows: (label, (first segment, second segment), what they say in words)."""
        self.y += 12
        self.line(title, 15, "bold")
        self.legend(legend)
        scale = SPAN / max(sum(segments) for _, segments, _ in rows)
        for label, segments, words in rows:
            x = LABEL
            self.text(LABEL - 8, self.y + BAR - 4, label, anchor="end")
            for value, colour in zip(segments, COLOURS):
                self.rect(x, value * scale, colour)
                x += value * scale
            self.text(x + 6, self.y + BAR - 4, words, 12)
            self.y += BAR + GAP

    def svg(self):
        height = self.y + 12
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
                f'height="{height}" font-family="sans-serif">\n<rect width="100%" height="100%" fill="#fff"/>\n'
                + "\n".join(self.shapes) + "\n</svg>\n")


def cost(kind, sender_us, nginx_us):
    return NAMES[kind], (sender_us, nginx_us), f"{sender_us:.0f} + {nginx_us:.0f} µs"


def cpu_rows(results):
    pairs = results["pairs_100"]
    rows = [cost(kind, middle(pairs, kind, report.cpu_us), middle(pairs, kind, report.nginx_us))
            for kind in ("worker", "bare")]
    return rows + [cost("threads", f["sender_us"], f["nginx_us"]) for f in results.get("grid", [])
                   if (f["sender"], f["viewers"], f["kilobytes"]) == ("threads", 100, 100)]


def spread(label, f, scale, unit):
    """The median, and how much further the 99th percentile reaches."""
    p50, p99 = report.p50(f) * scale, report.p99(f) * scale
    return label, (p50, p99 - p50), f"{p50:.2g} / {p99:.2g} {unit}"


def delay_rows(results):
    return [spread(f"{f['viewers']} viewers, {f['fps']['min']:.0f} fps", f, 1, "ms")
            for f in results.get("grid", []) if f["sender"] == "worker" and f["kilobytes"] == 100]


def slow_rows(results):
    slow = results.get("slow")
    rows = [f for f in (slow if isinstance(slow, list) else []) if f["link"] != "fast"]
    return [spread(f"{f['link']} KB/s, {SETTINGS[f['setting']]}", f, 1e-3, "s")
            for f in sorted(rows, key=lambda f: f["link"])]


def svg(results):
    canvas = Canvas()
    canvas.line("webcam-fcgi behind nginx, 100 KB pictures at 30 fps", 18, "bold")
    canvas.bars("CPU per delivered picture, 100 viewers", ("sender", "nginx"), cpu_rows(results))
    for title, rows in (("Delay from capture to the last byte", delay_rows(results)),
                        ("Age of the picture behind a slow link", slow_rows(results))):
        if rows:
            canvas.bars(title, ("median", "99th percentile"), rows)
    canvas.y += 8
    for line in textwrap.wrap(report.describe(results["machine"]), 105):
        canvas.line(line, 11, fill="#666")
    return canvas.svg()
