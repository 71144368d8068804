"""The command line, `quittance`: words in French or English, results for people or machines."""

from __future__ import annotations

from system.cli import (
    agency,
    anchors,
    asking,
    billing,
    demo,
    erasing,
    exports,
    history,
    imports,
    journal_imports,
    projections,
    rebuild,
    replay,
    running,
    tokens,
    verifying,
)
from system.cli.language import Command, new_group, say

app = new_group(
    say(
        "Quittance : le back-office des agences de location, du bail à la quittance.",
        "Quittance: the back office of rental agencies, from the lease to the receipt.",
    )
)
app.add_typer(agency.app, name="agency")
app.add_typer(imports.app, name="import")
imports.app.command("journal", cls=Command, help=journal_imports.JOURNAL)(
    journal_imports.import_journal
)
imports.app.command("keys", cls=Command, help=journal_imports.KEYS)(journal_imports.import_keys)
app.add_typer(exports.app, name="export")
app.command("bill", cls=Command, help=billing.HELP)(billing.bill_month)
app.add_typer(history.app, name="history")
app.add_typer(replay.app, name="replay")
app.command("do", cls=Command, help=asking.HELP)(asking.do)
app.command("demo", cls=Command, help=demo.HELP)(demo.demo)
app.command("erase", cls=Command, help=erasing.HELP)(erasing.erase)
app.add_typer(tokens.app, name="token")
app.command("verify", cls=Command, help=verifying.HELP)(verifying.verify)
app.add_typer(anchors.app, name="anchor")
app.command("migrate", cls=Command, help=running.MIGRATE)(running.migrate)
app.command("rebuild", cls=Command, help=rebuild.REBUILD)(rebuild.rebuild_read_models)
app.command("check", cls=Command, help=rebuild.CHECK)(rebuild.check_read_models)
app.add_typer(projections.app, name="projections")
app.command("run", cls=Command, help=running.RUN)(running.run)
app.command("serve", cls=Command, help=running.SERVE)(running.serve)
app.command("work", cls=Command, help=running.WORK)(running.work)

__all__ = ["app"]
