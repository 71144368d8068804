"""Processes are started, watched and stopped together, and none is left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from system.locks import EXCLUSIVE, held
from system.processes import AskedToStop, ChildDied, Processes

PATIENT = "import sys, time; print('up', flush=True); time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + PATIENT
# Holds a lock, as does the process that it starts: both have died when the lock is free.
PARENT = """
import fcntl, os, subprocess, sys
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=[lock])
print("up", flush=True)
os.read(0, 1) or __import__("time").sleep(60)
"""
SUPERVISOR = """
import sys
from system.processes import Processes
with Processes() as processes:
    processes.start("holder", [sys.executable, "-c", sys.argv[1], sys.argv[2]])
    processes.watch()
print("stopped")
"""


@pytest.fixture
def output(tmp_path):
    with (tmp_path / "output").open("wb+") as file:
        yield file


def python(code, *arguments):
    return [sys.executable, "-c", code, *map(str, arguments)]


def says_up(file):
    return lambda: b"up" in Path(file.name).read_bytes()


def gone(pid):
    return not Path(f"/proc/{pid}").exists()


def test_leaving_the_block_stops_the_children(output):
    with Processes() as processes:
        pid = processes.start("sleeper", python(PATIENT), output=output)
        processes.wait_until(says_up(output), 10)
        assert not gone(pid)
    assert gone(pid)


def test_a_child_that_does_not_listen_is_killed(output):
    with Processes(stop_timeout_seconds=0.2) as processes:
        pid = processes.start("deaf one", python(DEAF), output=output)
        processes.wait_until(says_up(output), 10)
    assert gone(pid)


def test_a_child_gets_its_settings_and_a_closed_input(output):
    with Processes() as processes:
        command = python("import os, sys; print(os.environ['COLOUR'], sys.stdin.read() == '')")
        processes.start("reader", command, env={"COLOUR": "blue"}, output=output)
        with pytest.raises(ChildDied) as death:
            processes.watch()
    assert (death.value.name, death.value.code) == ("reader", 0)
    assert Path(output.name).read_text() == "blue True\n"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise SystemExit(3)", "the worker ended with 3"),
        ("import os; os.kill(os.getpid(), 9)", "the worker was killed by SIGKILL"),
    ],
)
def test_a_death_is_reported_and_takes_the_others_along(output, code, says):
    with Processes() as processes:
        pid = processes.start("sleeper", python(PATIENT), output=output)
        processes.start("worker", python(code))
        with pytest.raises(ChildDied, match=says):
            processes.watch()
    assert gone(pid)


def test_waiting_for_readiness_notices_a_death():
    with Processes() as processes:
        processes.start("worker", python("raise SystemExit(4)"))
        with pytest.raises(ChildDied, match="ended with 4"):
            processes.wait_until(lambda: False, 10)


def test_waiting_for_readiness_ends_by_itself_or_when_asked():
    with Processes() as processes:
        with pytest.raises(TimeoutError):
            processes.wait_until(lambda: False, 0.05)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(AskedToStop):
            processes.wait_until(lambda: False, 10)
        processes.watch()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.fixture
def supervisor(tmp_path, output):
    lock = tmp_path / "lock"
    with subprocess.Popen(
        python(SUPERVISOR, PARENT, lock), stdout=output, start_new_session=True
    ) as supervisor:
        with Processes() as nobody:
            nobody.wait_until(says_up(output), 10)
        yield supervisor, lock


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_children_and_theirs(supervisor, output, number):
    process, lock = supervisor
    process.send_signal(number)
    assert process.wait(10) == 0
    assert "stopped" in Path(output.name).read_text()
    with held(lock, EXCLUSIVE, 5):
        pass


def test_a_child_that_is_killed_leaves_none_of_its_own(tmp_path, output):
    lock = tmp_path / "lock"
    with Processes() as processes:
        pid = processes.start("holder", python(PARENT, lock), output=output)
        processes.wait_until(says_up(output), 10)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ChildDied, match="SIGKILL"):
            processes.watch()
    with held(lock, EXCLUSIVE, 5):
        pass


def test_a_killed_supervisor_takes_its_children_along(tmp_path, output):
    answer = tmp_path / "child"
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); " + PATIENT
    with (
        subprocess.Popen(python(SUPERVISOR, code, answer), stdout=output) as process,
        Processes() as nobody,
    ):
        nobody.wait_until(says_up(output), 10)
        child = int(answer.read_text())
        process.kill()
        nobody.wait_until(lambda: gone(child), 10)


# Dies by itself as often as the file has lines to take, then stays.
MORTAL = """
import os, sys, time
left = open(sys.argv[1]).readlines()
open(sys.argv[1], "w").writelines(left[1:])
if left:
    os.kill(os.getpid(), 9)
open(sys.argv[2], "w").write("up")
time.sleep(60)
"""
REVIVER = """
import sys
from system.processes import ChildDied, Processes
with Processes() as processes:
    processes.start("mortal", [sys.executable, "-c", *sys.argv[1:]], revived=True)
    try:
        processes.watch()
    except ChildDied as death:
        print(death)
print("stopped")
"""


def test_what_is_revived_lives_again_after_a_death(tmp_path, output):
    lives, up = tmp_path / "lives", tmp_path / "up"
    lives.write_text("one\ntwo\n")
    with subprocess.Popen(python(REVIVER, MORTAL, lives, up), stdout=output) as process:
        with Processes() as nobody:
            nobody.wait_until(up.exists, 20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert Path(output.name).read_text() == "stopped\n"


def test_what_dies_again_and_again_is_left_dead(tmp_path, output):
    lives, up = tmp_path / "lives", tmp_path / "up"
    lives.write_text("again\n" * 9)
    with subprocess.Popen(python(REVIVER, MORTAL, lives, up), stdout=output) as process:
        assert process.wait(20) == 0
    assert "the mortal was killed by SIGKILL" in Path(output.name).read_text()
    assert len(lives.read_text().splitlines()) == 5
