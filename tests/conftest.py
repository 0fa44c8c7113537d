# SPDX-License-Identifier: MIT
"""What every test run ends with: one line of counts, alone, the very last."""


def pytest_unconfigure(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    count = {name: len(reports) for name, reports in reporter.stats.items()}
    passed = count.get("passed", 0) + count.get("xpassed", 0)
    failed = count.get("failed", 0) + count.get("error", 0)
    skipped = count.get("skipped", 0) + count.get("xfailed", 0)
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
