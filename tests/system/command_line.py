"""The command line as tests use it: in this process, or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from system.cli import app
from tests.system.engines import PROJECT
from tests.system.rolls import SIREN

DONE, REJECTED_ROWS, WRONG_USE, REFUSED, UNREACHABLE, STOPPED = 0, 1, 2, 3, 4, 130
METZ = ("agency", "create", "metz", "--siren", SIREN, "--department", "57")


class CommandLine:
    """`quittance` over one database, in English unless told otherwise."""

    def __init__(self, database_url: str, data_dir: Path) -> None:
        self.environment = {
            "DATABASE_URL": database_url,
            "DATA_DIR": str(data_dir),
            "MASTER_KEY": "",
            "LC_ALL": "en_GB.UTF-8",
        }

    def __call__(self, *arguments: Any, code: int = DONE, **env: str) -> Result:
        """Run a command here; the test fails if it ends otherwise than with `code`."""
        answer = CliRunner().invoke(app, [*map(str, arguments)], env=self.environment | env)
        assert answer.exit_code == code, answer.output
        assert "Traceback" not in answer.output
        return answer

    def ask(self, *arguments: Any, code: int = DONE) -> Any:
        """The one JSON object that a command answers with."""
        return json.loads(self(*arguments, "--json", code=code).stdout)

    def process(self, *arguments: Any, **env: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "system.cli", *map(str, arguments)],
            env=os.environ | self.environment | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )

    def told(self, *arguments: Any, **env: str) -> tuple[int, str, str]:
        """What such a process says: exit code, standard output, standard error."""
        with self.process(*arguments, **env) as running:
            out, err = running.communicate(timeout=60)
        return running.returncode, out, err
