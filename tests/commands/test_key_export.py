"""That keys were handed out is a fact of the agency's journal."""

from __future__ import annotations

from commands.key_export import RecordKeyExport
from domain.key_export import KeysExported
from tests.given import Books


def test_every_export_of_keys_is_written_down() -> None:
    books = Books()
    first, second = (RecordKeyExport(keys=keys, destroyed=1) for keys in (4, 5))

    books.when(first).then(KeysExported(keys=4, destroyed=1))
    told = books.when(second)

    told.then(KeysExported(keys=5, destroyed=1))
    assert told.answer == {"export": 2}
