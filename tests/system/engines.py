"""What the tests of the embedded PostgreSQL look at and wait for."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psycopg

from system.locks import EXCLUSIVE, held

PROJECT = Path(__file__).parents[2]
WAIT_SECONDS = 30
USER = """
import sys
from pathlib import Path
from system.postgres import engine
with engine(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def home_of(data_dir):
    note = data_dir / "postgres.place"
    return Path(note.read_text().strip()) if note.exists() else data_dir / "postgres"


@contextmanager
def another_user(data_dir, python=sys.executable, **options):
    """A process that uses the engine until its standard input ends."""
    with subprocess.Popen(
        [python, "-c", USER, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        **options,
    ) as process:
        yield process


def ask(url, query):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone()[0] if cursor.description else None


def server_pid(url):
    return int(ask(url, "SELECT pg_read_file('postmaster.pid')").split()[0])


def parent_of(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("PPid:")[1].split()[0])


def wait_until_all_stopped(data_dir):
    with held(data_dir / "postgres.keeper.lock", EXCLUSIVE, WAIT_SECONDS):
        wait_until_server_stopped(data_dir)


def wait_until_server_stopped(data_dir):
    with held(home_of(data_dir) / "server.lock", EXCLUSIVE, WAIT_SECONDS):
        pass
