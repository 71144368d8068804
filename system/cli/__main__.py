"""`python -m system.cli` is `quittance`."""

from system.cli import app

app(prog_name="quittance")
