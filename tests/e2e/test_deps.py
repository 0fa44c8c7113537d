# SPDX-License-Identifier: MIT
"""conf/deps on a machine where packages are missing: dpkg-query and apt-get are stand-ins."""

import os
import pathlib
import pty
import shutil
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")
TOOLS = "bash awk cat chmod fold grep head id mv rm sed true"
as_root_only = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


@pytest.fixture
def machine():
    """A PATH without sudo, where all but nginx and curl is installed."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="deps-test."))
    folder.chmod(0o755)
    (folder / "bin").mkdir()
    for tool in TOOLS.split():
        (folder / "bin" / tool).symlink_to(shutil.which(tool))

    def stand_in(name, script):
        path = folder / "bin" / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    stand_in("dpkg-query", 'case " $* " in *nginx*|*" curl "*) ;; *) echo installed ;; esac')
    stand_in(
        "apt-get",
        f"""case "$*" in *--print-uris*) echo "'http://x/a.deb' a.deb 2500000 x"; exit ;; esac
        {POLICY} nginx start >/dev/null 2>&1
        echo "$* policy=$?" >>{folder}/log
        [ ! -e {folder}/broken ]""",
    )
    shutil.copy(ROOT / "conf" / "deps", folder)
    yield folder, stand_in
    shutil.rmtree(folder)


def deps(folder, *groups, user=(), **settings):
    return subprocess.run(
        [*user, str(folder / "deps"), *groups],
        env={"PATH": str(folder / "bin")} | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def installed(folder):
    return [line for line in (folder / "log").read_text().splitlines() if "install" in line]


def test_nothing_missing(machine):
    run = deps(machine[0], "build")
    assert (run.returncode, run.stdout) == (0, "")


def test_unknown_group(machine):
    run = deps(machine[0], "nonsense")
    assert run.returncode == 2 and "no such group: nonsense" in run.stdout


@as_root_only
def test_without_sudo_the_line_to_type(machine):
    user = (shutil.which("setpriv"), "--reuid", "nobody", "--clear-groups")
    run = deps(machine[0], "build", "run", user=user)
    assert run.returncode == 1
    assert "su -c 'apt-get install --no-install-recommends nginx' -" in run.stdout
    assert "su -c 'systemctl disable --now nginx' -" in run.stdout
    assert not (machine[0] / "log").exists()


@as_root_only
def test_only_apt_runs_by_sudo(machine):
    folder, stand_in = machine
    stand_in("sudo", f'echo "$*" >>{folder}/sudo')
    user = (shutil.which("setpriv"), "--reuid", "nobody", "--clear-groups")
    (folder / "sudo").touch()
    (folder / "sudo").chmod(0o666)
    assert deps(folder, "run", user=user).returncode == 0
    assert (folder / "sudo").read_text() == f"{folder}/deps --install nginx\n"


@as_root_only
def test_installs_and_starts_no_service(machine):
    folder, _ = machine
    before = POLICY.read_bytes() if POLICY.exists() else None
    run = deps(folder, "run", "test")
    assert run.returncode == 0, run.stdout
    assert "3 MB to fetch" in run.stdout
    assert installed(folder) == [
        "install -y -q --no-install-recommends nginx curl policy=101"
    ]
    assert (POLICY.read_bytes() if POLICY.exists() else None) == before


@as_root_only
def test_a_policy_of_the_admin_survives_a_failure(machine):
    """Tried once more with new lists; the admin's own policy is back, whatever came."""
    folder, _ = machine
    (folder / "broken").touch()
    had = POLICY.read_bytes() if POLICY.exists() else None
    mode = POLICY.stat().st_mode if had is not None else 0o755
    try:
        POLICY.write_text("#!/bin/sh\nexit 0 # the admin's\n")
        POLICY.chmod(0o755)
        assert deps(folder, "run").returncode != 0
        assert "the admin's" in POLICY.read_text()
        assert [line.split()[0] for line in (folder / "log").read_text().splitlines()] == [
            "install",
            "update",
        ]
    finally:
        POLICY.unlink()
        if had is not None:
            POLICY.write_bytes(had)
            POLICY.chmod(mode)


@as_root_only
@pytest.mark.parametrize(
    "groups, settings, answer, asks, installs",
    [
        (["run", "test"], {}, b"n\n", True, False),
        (["run", "test"], {}, b"\n", True, True),
        (["run", "test"], {"YES": "1"}, b"", False, True),
        (["run"], {}, b"", False, True),
    ],
)
def test_asks_on_a_terminal(machine, groups, settings, answer, asks, installs):
    folder, _ = machine
    terminal, side = pty.openpty()
    run = subprocess.Popen(
        [str(folder / "deps"), *groups],
        env={"PATH": str(folder / "bin")} | settings,
        stdin=side,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.write(terminal, answer)
    output = run.communicate(timeout=60)[0]
    os.close(terminal)
    os.close(side)
    assert ("Install them?" in output) == asks
    assert (folder / "log").exists() == installs
    assert run.returncode == (0 if installs else 1)
