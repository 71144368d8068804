"""`quittance migrate`, `serve`, `run` and `work`: the processes of the running program."""

from __future__ import annotations

from system.cli.ending import ending
from system.cli.language import say
from system.cli.opening import AsJson
from system.cli.output import results, waiting, write_json
from system.postgres import database
from system.readiness import bring_to_shape
from system.settings import Settings

MIGRATE = say(
    "Mettre la base de données en état ; les autres commandes le font aussi.",
    "Bring the database to shape; the other commands do so too.",
)
SERVE = say("Servir l'API.", "Serve the API.")
RUN = say(
    "Tout lancer : base de données, API, tâches de fond, banque de démonstration.",
    "Start everything: database, API, background work, demo bank.",
)
WORK = say("Faire les tâches de fond.", "Do the background work.")


def migrate(as_json: AsJson = False) -> None:
    with ending(as_json):
        settings = Settings.load()
        text = say("La base de données se met en état…", "The database is brought to shape…")
        with waiting(text), database(settings) as url:
            done = bring_to_shape(url)
        if as_json:
            write_json({"applied": done})
        for name in done:
            results(as_json).print(name)
        results(as_json).print(say("La base de données est en état.", "The database is in shape."))


def serve() -> None:
    with ending():
        from system import serving

        serving.serve(Settings.load())


def run() -> None:
    with ending():
        from system import serving

        serving.run(Settings.load())


def work() -> None:
    with ending():
        from system import serving

        serving.work(Settings.load())
