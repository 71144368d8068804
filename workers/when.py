"""WHEN this has happened, that is to be done: the whole table. Nothing else sends a message."""

from __future__ import annotations

from domain.payment import PaymentTicketIssued
from domain.receipt import PartialReceiptIssued, RentReceiptIssued
from workers.papers import Papers
from workers.reactions import When


def when(papers: Papers) -> When:
    """A reaction is known by the name of its function, which is for ever.

    Under a new name it starts at the head of every log.
    """
    return {
        RentReceiptIssued: [papers.keep_receipt],
        PartialReceiptIssued: [papers.keep_receipt],
        PaymentTicketIssued: [papers.keep_ticket],
    }
