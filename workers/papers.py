"""Papers: a receipt or ticket that was issued is rendered once, sealed and kept for good."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg_pool import ConnectionPool

from commands import Answer, Command
from commands.document import RecordDocument
from domain.document import DocumentKind
from domain.payment import PaymentTicketIssued
from domain.receipt import PartialReceiptIssued, RentReceiptIssued
from domain.words import Language
from journal import Recorded
from journal.journal import Journal
from projections.papers import Paper, receipt_paper, ticket_paper
from projections.payments import payment
from projections.receipts import receipt
from projections.shelf import Shelf

Act = Callable[[Command], Answer]


class NotProjectedYet(Exception):
    """The read models are behind the event that is reacted to: the reaction is tried again."""


class Papers:
    """Reactions to what is issued on paper."""

    def __init__(
        self, pool: ConnectionPool[Connection[Any]], journal: Journal, shelf: Shelf
    ) -> None:
        self._pool = pool
        self._journal = journal
        self._shelf = shelf

    def keep_receipt(self, entry: Recorded, act: Act) -> None:
        """Keep the paper of a quittance or reçu in French; English is rendered on request."""
        event = entry.event
        assert isinstance(event, RentReceiptIssued | PartialReceiptIssued)
        with self._pool.connection() as connection:
            row = receipt(connection, entry.agency, event.receipt_id)
            if row is None:
                raise NotProjectedYet
            paper = receipt_paper(connection, self._journal, entry.agency, row)
        act(self._keep(entry.agency, "receipt", row.receipt_id, paper, "fr"))

    def keep_ticket(self, entry: Recorded, act: Act) -> None:
        """Keep the ticket of a payment, in the payer's language."""
        event = entry.event
        assert isinstance(event, PaymentTicketIssued)
        with self._pool.connection() as connection:
            row = payment(connection, entry.agency, event.payment_id)
            if row is None or row.ticket_number is None:
                raise NotProjectedYet
            paper = ticket_paper(connection, self._journal, entry.agency, row)
        assert paper is not None
        language: Language = "en" if row.language == "en" else "fr"
        act(self._keep(entry.agency, "ticket", row.payment_id, paper, language))

    def _keep(
        self, agency: UUID, kind: DocumentKind, about: UUID, paper: Paper, language: Language
    ) -> RecordDocument:
        """Keep the file, and then what is to be recorded of it."""
        rendered = self._shelf.put(agency, about, paper, language)
        return RecordDocument(
            kind=kind,
            about_id=about,
            subject_id=paper.subject,
            language=language,
            content_hash=rendered.content_hash,
            sha256=sha256(rendered.pdf).hexdigest(),
            size_bytes=len(rendered.pdf),
            template_version=rendered.template_version,
            renderer_version=rendered.renderer_version,
        )
