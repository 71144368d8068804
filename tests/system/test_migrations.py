"""Migrations are applied in order, once, whole, and never silently changed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from system import migrations
from system.migrations import MigrationRefused, migrate, pending

ONE = "CREATE TABLE one (id int); INSERT INTO one VALUES (1), (2);"
TWO = "ALTER TABLE one ADD COLUMN name text DEFAULT '100 %s';"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "001_one.sql").write_text(ONE)
    (tmp_path / "002_two.sql").write_text(TWO)
    return tmp_path


def rows(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_files_are_applied_in_order_and_once(empty_database_url, folder):
    assert pending(empty_database_url, folder) == ["001_one.sql", "002_two.sql"]
    assert migrate(empty_database_url, folder) == ["001_one.sql", "002_two.sql"]
    assert migrate(empty_database_url, folder) == []
    assert pending(empty_database_url, folder) == []
    assert rows(empty_database_url, "SELECT * FROM one") == [(1, "100 %s"), (2, "100 %s")]


def test_asking_what_is_pending_changes_nothing(empty_database_url, folder):
    pending(empty_database_url, folder)
    assert rows(empty_database_url, "SELECT to_regclass('migrations')") == [(None,)]


def test_no_file_at_all_is_fine(empty_database_url, tmp_path):
    assert migrate(empty_database_url, tmp_path) == []


def test_a_file_that_fails_is_not_kept_and_those_before_it_are(empty_database_url, folder):
    (folder / "003_bad.sql").write_text("CREATE TABLE three (id int); SELECT nonsense;")
    with pytest.raises(MigrationRefused, match=r"003_bad\.sql: .*nonsense"):
        migrate(empty_database_url, folder)
    assert rows(empty_database_url, "SELECT to_regclass('three')") == [(None,)]
    assert pending(empty_database_url, folder) == ["003_bad.sql"]


def test_a_changed_file_is_refused(empty_database_url, folder):
    migrate(empty_database_url, folder)
    (folder / "001_one.sql").write_text(ONE + "\n")
    for ask in (migrate, pending):
        with pytest.raises(MigrationRefused, match=r"001_one\.sql has changed"):
            ask(empty_database_url, folder)


def test_a_database_newer_than_the_program_is_refused(empty_database_url, folder):
    migrate(empty_database_url, folder)
    (folder / "002_two.sql").unlink()
    with pytest.raises(MigrationRefused, match="newer"):
        migrate(empty_database_url, folder)


def test_a_file_that_comes_too_late_is_refused(empty_database_url, folder):
    (folder / "004_four.sql").write_text("SELECT 4;")
    migrate(empty_database_url, folder)
    (folder / "003_three.sql").write_text("SELECT 3;")
    with pytest.raises(MigrationRefused, match=r"003_three\.sql comes before 004_four\.sql"):
        migrate(empty_database_url, folder)


@pytest.mark.parametrize("name", ["1_one.sql", "one.sql", "003-three.sql", "001_again.sql"])
def test_a_badly_named_file_is_refused(empty_database_url, folder, name):
    (folder / name).write_text("SELECT 1;")
    with pytest.raises(MigrationRefused, match=name):
        migrate(empty_database_url, folder)


def test_two_at_once_take_turns_even_around_a_concurrent_index(empty_database_url, folder):
    index = "-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS one_id ON one (id);"
    (folder / "003_index.sql").write_text(index)
    together = threading.Barrier(4)

    def run(_):
        together.wait(10)
        return migrate(empty_database_url, folder)

    with ThreadPoolExecutor(4) as racers:
        answers = sorted(racers.map(run, range(4)), key=len)
    assert answers == [[], [], [], ["001_one.sql", "002_two.sql", "003_index.sql"]]
    assert rows(
        empty_database_url, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'one_id'::regclass"
    ) == [(True,)]


def test_a_lock_that_is_not_to_be_had_is_given_up(empty_database_url, folder, monkeypatch):
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_MS", 100)
    two = folder / "002_two.sql"
    two.unlink()
    migrate(empty_database_url, folder)
    two.write_text(TWO)
    with psycopg.connect(empty_database_url) as reader:
        reader.execute("SELECT * FROM one")
        with pytest.raises(MigrationRefused, match=r"002_two\.sql: another session kept a lock"):
            migrate(empty_database_url, folder)
    assert migrate(empty_database_url, folder) == ["002_two.sql"]


def test_each_test_has_a_migrated_database_of_its_own(database_url):
    assert pending(database_url) == []
