"""Imports a rent roll: every row that can be kept is kept whole, every other is told with why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import cast
from uuid import UUID

from pydantic import ValidationError
from uuid_utils import uuid7

from api.invalid import wrongs
from commands import Asked, Office, execute, rehearse
from commands.rent_roll import Outcome, TakeOverLease
from domain import Refused
from domain.lease import Terms
from domain.principal import OPERATOR
from journal.keys import KeyDestroyed
from outside.rent_roll import COLUMNS, Rejection, RentRoll, RentRollRow, read_rent_roll
from outside.rent_roll.cells import simplified
from outside.rent_roll.records import records
from outside.rent_roll.source import decode, load

THREADS = 8
"""Enough for the journal to commit several rows at once."""
LOOK_SECONDS = 0.1

Report = Callable[[int, int], None]
_FIELDS = {"street": "address", "kind": "lease_kind"}
"""The names of a command's fields, where a rent roll's differ."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that says something else than what is known; `columns` are the file's own names."""

    line: int
    lease_reference: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class Import:
    """What came of a file: `roll.rejected` holds all rows of which nothing is kept, by line."""

    roll: RentRoll
    imported: int = 0
    unchanged: int = 0
    amended: int = 0
    differing: list[Difference] = field(default_factory=list)


class NotKept(Refused):
    """A row that reads well and cannot be kept; `field` is the command's, or empty."""

    def __init__(self, fr: str, en: str | None, field: str = "") -> None:
        super().__init__(fr, en)
        self.field = field


def import_rent_roll(
    office: Office,
    agency: UUID,
    source: bytes | Path,
    *,
    dry_run: bool = False,
    accept_differences: bool = False,
    on_reading: Report | None = None,
    on_keeping: Report | None = None,
) -> Import:
    """Take over each row's lease; a dry run decides the same and keeps nothing.

    Interrupted anywhere, it has kept whole rows only, and doing it again keeps the others.
    Raises UnreadableFile; Busy and the like when the journal cannot be reached.
    """
    raw = load(source)
    roll = read_rent_roll(raw, on_reading)
    run = _Run(office, agency, roll, dry_run=dry_run, accept_differences=accept_differences)
    run.keep(on_keeping or (lambda _done, _total: None))
    if run.refused:
        cells = _cells_of(raw, roll, {line for line, _ in run.refused})
        roll.rejected.extend(
            Rejection(line, run.column(no.field), no.told("fr"), no.told("en"), cells[line])
            for line, no in run.refused
        )
        roll.rejected.sort(key=lambda rejection: rejection.line)
    run.result.differing.sort(key=lambda difference: difference.line)
    return run.result


class _Run:
    """One import under way: threads that share the rows, and what they have come to."""

    def __init__(
        self,
        office: Office,
        agency: UUID,
        roll: RentRoll,
        *,
        dry_run: bool,
        accept_differences: bool,
    ) -> None:
        self._office = office
        # What one file brought can be found again under one correlation.
        self._asked = Asked(OPERATOR, agency, correlation_id=UUID(bytes=uuid7().bytes))
        self._decide = self._rehearse if dry_run else self._execute
        self._accept_differences = accept_differences
        self._columns = _names_of_columns(roll)
        self._lock = Lock()
        self._stop = Event()
        self._done = 0
        self.result = Import(roll)
        self.refused: list[tuple[int, NotKept]] = []

    def keep(self, on_keeping: Report) -> None:
        """Decide on all rows, those that share a tenant or a lot one after the other."""
        total = len(self.result.roll.rows)
        groups = iter(_groups(self.result.roll.rows))
        with ThreadPoolExecutor(THREADS, thread_name_prefix="import") as threads:
            running = {threads.submit(self._work, groups) for _ in range(min(THREADS, total))}
            try:
                while running:
                    ended, running = wait(running, timeout=LOOK_SECONDS)
                    on_keeping(self._done, total)
                    for thread in ended:
                        thread.result()
            finally:
                # After a failure or Ctrl-C the rows in hand are finished, and no other begun.
                self._stop.set()

    def column(self, name: str) -> str:
        """The file's own name of the column behind a command's field."""
        return self._columns.get(_FIELDS.get(name, name), "")

    def _work(self, groups: Iterator[list[RentRollRow]]) -> None:
        try:
            while not self._stop.is_set():
                with self._lock:
                    group = next(groups, None)
                if group is None:
                    return
                self._take(group)
        except BaseException:
            self._stop.set()
            raise

    def _take(self, group: list[RentRollRow]) -> None:
        commands: list[tuple[RentRollRow, TakeOverLease]] = []
        for row in group:
            try:
                commands.append((row, self._command(row)))
            except ValidationError as invalid:
                self._note(row, _not_kept(invalid))
        # One at a time even here: a stop in the middle of a large group is heard.
        decided = self._decide([command for _, command in commands])
        for (row, _), outcome in zip(commands, decided, strict=False):
            self._note(row, outcome)
            if self._stop.is_set():
                return

    def _execute(
        self, commands: Sequence[TakeOverLease]
    ) -> Iterator[Outcome | NotKept | list[str]]:
        for command in commands:
            try:
                yield _outcome(execute(self._office, command, self._asked).ids)
            except Refused as refused:
                yield NotKept(str(refused), refused.message_en)
            except KeyDestroyed:
                yield NotKept(
                    "Les données de cette personne ou de ce lot ont été effacées sur demande :"
                    " prenez une nouvelle référence.",
                    "The data of this person or lot were erased on request: use a new reference.",
                )

    def _rehearse(
        self, commands: Sequence[TakeOverLease]
    ) -> Iterator[Outcome | NotKept | list[str]]:
        for answer in rehearse(self._office, commands, self._asked):
            if isinstance(answer, Refused):
                yield NotKept(str(answer), answer.message_en)
            else:
                yield _outcome(answer)

    def _note(self, row: RentRollRow, outcome: Outcome | NotKept | list[str]) -> None:
        with self._lock:
            self._done += 1
            match outcome:
                case NotKept():
                    self.refused.append((row.line, outcome))
                case list():
                    columns = dict.fromkeys(self.column(name) or name for name in outcome)
                    self.result.differing.append(
                        Difference(row.line, row.lease_reference, tuple(columns))
                    )
                case "imported":
                    self.result.imported += 1
                case "amended":
                    self.result.amended += 1
                case _:
                    self.result.unchanged += 1

    def _command(self, row: RentRollRow) -> TakeOverLease:
        return TakeOverLease(
            client_reference=row.client_reference,
            title=row.title,
            last_name=row.last_name,
            first_name=row.first_name,
            born_on=row.born_on,
            email=row.email,
            phone=row.phone,
            lease_reference=row.lease_reference,
            lot_reference=row.lot_reference,
            street=row.address,
            postcode=row.postcode,
            city=row.city,
            energy_class=row.energy_class,
            entered_on=row.entered_on,
            left_on=row.left_on,
            terms=Terms(
                kind=row.lease_kind,
                rent_cents=row.rent_cents,
                charges_cents=row.charges_cents,
                charges_mode=row.charges_mode,
                benefit_cents=row.benefit_cents,
                deposit_cents=row.deposit_cents,
                payment_term=row.payment_term,
                due_day=row.due_day,
                index_quarter=row.index_quarter,
            ),
            iban=row.iban,
            balance_cents=row.balance_cents,
            balance_on=self.result.roll.balance_on,
            accept_differences=self._accept_differences,
        )


def _outcome(ids: object) -> Outcome | list[str]:
    """What a TakeOverLease answered: its outcome, or the names of what differs."""
    answer = cast("dict[str, object]", ids)
    if answer["outcome"] == "differing":
        return cast("list[str]", answer["differences"])
    return cast("Outcome", answer["outcome"])


def _not_kept(invalid: ValidationError) -> NotKept:
    wrong = wrongs(invalid.errors(include_url=False, include_input=False))[0]
    place = str(wrong.location[-1]) if wrong.location else ""
    return NotKept(str(wrong.told("fr")["message"]), str(wrong.told("en")["message"]), place)


def _groups(rows: Sequence[RentRollRow]) -> Iterable[list[RentRollRow]]:
    """Rows in the order of the file, those linked by a tenant or a lot together.

    What one of them changes the next may differ from, so their order must not depend on time.
    """
    leader = list(range(len(rows)))

    def leader_of(row: int) -> int:
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    first: dict[tuple[str, str], int] = {}
    for number, row in enumerate(rows):
        for mark in (("client", row.client_reference), ("lot", row.lot_reference)):
            a, b = leader_of(first.setdefault(mark, number)), leader_of(number)
            leader[max(a, b)] = min(a, b)
    groups: dict[int, list[RentRollRow]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(leader_of(number), []).append(row)
    return groups.values()


def _names_of_columns(roll: RentRoll) -> dict[str, str]:
    """Field of a row → the file's own name of its column."""
    own = {simplified(name): name for name in roll.header}
    balance = next((name for key, name in own.items() if key.startswith("soldeau")), "")
    names = {column.field: own.get(simplified(column.name), "") for column in COLUMNS}
    return {**names, "balance_cents": balance}


def _cells_of(raw: bytes, roll: RentRoll, lines: set[int]) -> dict[int, tuple[str, ...]]:
    """The cells of some rows as they were written: a row that was read has kept its values only."""
    text, _ = decode(raw)
    return {
        record.line: tuple(record.cells)
        for record in records(text, roll.separator, len(roll.header))
        if record.line in lines
    }


__all__ = ["Difference", "Import", "import_rent_roll"]
