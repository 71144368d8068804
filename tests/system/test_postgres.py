"""The embedded PostgreSQL is shared, survives every kind of death, and leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from system.locks import EXCLUSIVE, available
from system.postgres import (
    EngineUnavailable,
    create_database,
    database,
    drop_database,
    engine,
    ensure_database,
)
from system.settings import Settings
from tests.system.engines import (
    PROJECT,
    USER,
    WAIT_SECONDS,
    another_user,
    ask,
    home_of,
    parent_of,
    server_pid,
    wait_until_all_stopped,
    wait_until_server_stopped,
)


def state_a_fact(url):
    ask(url, "DROP TABLE IF EXISTS fact")
    ask(url, "CREATE TABLE fact AS SELECT 'kept' AS word")


def test_facts_outlive_the_last_user_and_the_server_does_not(begun):
    with engine(begun) as url:
        state_a_fact(url)
        pid = server_pid(url)
        keeper = parent_of(pid)
    for process in (pid, keeper):
        assert not Path(f"/proc/{process}").exists()
    with engine(begun) as url:
        assert ask(url, "SELECT word FROM fact") == "kept"


def test_it_is_durable_unreachable_by_network_and_speaks_utf8(begun):
    with engine(begun) as url:
        assert ask(url, "SHOW fsync") == ask(url, "SHOW synchronous_commit") == "on"
        assert ask(url, "SHOW listen_addresses") == ""
        assert ask(url, "SHOW server_encoding") == "UTF8"
        assert ask(url, "SELECT upper('éà')") == "ÉÀ"
        assert ask(url, "SELECT current_database()") == "quittance"


def test_users_share_one_server_until_the_last_leaves(begun):
    with another_user(begun) as other:
        url = other.stdout.readline().strip()
        with engine(begun) as ours:
            assert ours == url
            first = server_pid(url)
            other.stdin.close()
            other.wait(WAIT_SECONDS)
            assert server_pid(url) == first
    assert available(begun / "postgres.keeper.lock", EXCLUSIVE)


def test_two_first_users_at_once_start_one_server(data_dir):
    with another_user(data_dir) as one, another_user(data_dir) as two:
        urls = [process.stdout.readline().strip() for process in (one, two)]
        assert urls[0] == urls[1] != ""
        server_pid(urls[0])
    wait_until_all_stopped(data_dir)
    log = (data_dir / "logs" / "postgres.log").read_text()
    assert log.count("database system is ready to accept connections") == 1


def test_a_killed_user_is_forgotten(begun):
    with another_user(begun) as user:
        assert user.stdout.readline()
        user.kill()
    wait_until_all_stopped(begun)


def test_a_child_of_a_killed_user_does_not_keep_the_server(begun):
    code = USER.replace(
        "print(url", "import subprocess; subprocess.Popen(['cat'], close_fds=False); print(url"
    )
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", code, str(begun)],
        stdin=reader,
        stdout=subprocess.PIPE,
        cwd=PROJECT,
    ) as user:
        os.close(reader)
        assert user.stdout.readline()
        user.kill()
        wait_until_all_stopped(begun)
        # Only now does the child, which outlived the user, end.
        os.close(writer)


def test_a_killed_keeper_takes_the_server_along_and_another_takes_over(begun):
    with engine(begun) as url:
        state_a_fact(url)
        os.kill(parent_of(server_pid(url)), signal.SIGKILL)
        wait_until_server_stopped(begun)
        with engine(begun) as again:
            assert again == url
            assert ask(url, "SELECT word FROM fact") == "kept"


def test_a_killed_server_comes_back_at_the_same_address(begun):
    with engine(begun) as url:
        state_a_fact(url)
        former = server_pid(url)
        os.kill(former, signal.SIGKILL)
        # A new user waits until the keeper has brought it back.
        with engine(begun) as again:
            assert again == url
            assert server_pid(url) != former
            assert ask(url, "SELECT word FROM fact") == "kept"


def test_killing_everything_at_once_loses_nothing_committed(begun):
    with another_user(begun) as user:
        url = user.stdout.readline().strip()
        state_a_fact(url)
        server = server_pid(url)
        for pid in (parent_of(server), user.pid, server):
            os.kill(pid, signal.SIGKILL)
    # Its number may by then be that of a process that lives.
    note = home_of(begun) / "pgdata" / "postmaster.pid"
    wait_until_server_stopped(begun)
    note.write_text("\n".join([str(os.getpid()), *note.read_text().split("\n")[1:]]))
    with engine(begun) as again:
        assert again == url
        assert ask(url, "SELECT word FROM fact") == "kept"


def test_an_interrupted_first_start_is_begun_again(data_dir):
    with engine(data_dir):
        pass
    home = home_of(data_dir)
    (home / "pgdata").rename(home / "pgdata.new")
    (home / "pgdata.new" / "PG_VERSION").unlink()
    with engine(data_dir) as url:
        assert ask(url, "SELECT 1") == 1


def test_a_removed_data_dir_is_a_fresh_start(data_dir):
    with engine(data_dir) as url:
        ask(url, "CREATE TABLE fact ()")
    former = home_of(data_dir)
    shutil.rmtree(data_dir)
    with engine(data_dir) as url:
        assert ask(url, "SELECT to_regclass('fact')") is None
    shutil.rmtree(former, ignore_errors=former != home_of(data_dir))


@pytest.mark.parametrize("name", ["l" * 200, "a b,c'd\"é%"])
def test_any_name_of_a_folder_will_do(open_folder, name):
    data_dir = open_folder / name / "data"
    with engine(data_dir) as url:
        assert home_of(data_dir) == data_dir / "postgres"
        sockets = Path(ask(url, "SHOW unix_socket_directories"))
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()


def test_a_throwaway_engine_removes_its_data(tmp_path):
    with engine(tmp_path / "data", throwaway=True) as url:
        assert ask(url, "SHOW fsync") == "off"
        home = home_of(tmp_path / "data")
        assert home.exists()
    assert not home.exists()
    with engine(tmp_path / "data", throwaway=True) as url:
        assert ask(url, "SELECT 1") == 1


def test_data_of_another_version_are_refused(data_dir):
    with engine(data_dir):
        pass
    (home_of(data_dir) / "pgdata" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EngineUnavailable, match="the data are of version 9"), engine(data_dir):
        pass


def test_missing_binaries_are_named(begun, monkeypatch):
    monkeypatch.setenv("PG_BIN", "/nowhere/bin")
    with pytest.raises(EngineUnavailable, match=r"/nowhere/bin \(does not run"), engine(begun):
        pass


def test_a_server_that_does_not_start_says_why(data_dir):
    with engine(data_dir):
        pass
    conf = home_of(data_dir) / "pgdata" / "postgresql.conf"
    conf.write_text(conf.read_text() + "nonsense = 1\n")
    with (
        pytest.raises(EngineUnavailable, match=r"contains errors .see .*postgres\.log"),
        engine(data_dir),
    ):
        pass


def test_a_data_dir_that_cannot_be_one_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineUnavailable, match="cannot be used"), engine(tmp_path / "file"):
        pass


def test_a_given_database_is_used_and_one_that_is_away_is_refused(server_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", server_url)
    with database(Settings.load()) as url:
        assert url == server_url
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:sesame@127.0.0.1:1/d")
    with (
        pytest.raises(EngineUnavailable, match="DATABASE_URL cannot be reached") as refusal,
        database(Settings.load()),
    ):
        pass
    assert "sesame" not in str(refusal.value)


def test_databases_are_created_copied_and_dropped(server_url, request):
    names = [f'test "{os.getpid()} {word}"' for word in ("one", "two")]
    for name in names:
        request.addfinalizer(lambda name=name: drop_database(server_url, name))
    one = ensure_database(server_url, names[0])
    assert ensure_database(server_url, names[0]) == one
    ask(one, "CREATE TABLE fact AS SELECT 'copied' AS word")
    two = create_database(server_url, names[1], template=names[0])
    assert ask(two, "SELECT word FROM fact") == "copied"
    with psycopg.connect(two):
        drop_database(server_url, names[1])
    drop_database(server_url, names[1])
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        ask(two, "SELECT 1")
