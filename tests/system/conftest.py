"""Folders for engines, removed with what the engine keeps elsewhere."""

import shutil
import tempfile
from pathlib import Path

import pytest

from system.postgres import engine
from tests.system.engines import home_of


@pytest.fixture
def data_dir(tmp_path):
    """A DATA_DIR; when the tests run as root, in a folder that only root can enter."""
    folder = tmp_path / "data"
    yield folder
    if (folder / "postgres.place").exists():
        shutil.rmtree(home_of(folder))


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A DATA_DIR that has been used before; several tests share it, for initdb takes its time."""
    folder = tmp_path_factory.mktemp("begun") / "data"
    with engine(folder):
        pass
    home = home_of(folder)
    yield folder
    shutil.rmtree(home)


@pytest.fixture
def open_folder():
    """A folder that every user can enter, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="quittance-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
