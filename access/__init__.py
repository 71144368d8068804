"""Who may: secrets, tokens and later logins and sessions; durable tables outside the journal.

What lives here is no event: it is global, it expires, and it may be deleted. Events carry the
ids of tokens, never tokens or their hashes.
"""

from __future__ import annotations

from uuid import UUID

import structlog

log = structlog.stdlib.get_logger("quittance.access")


def denied(reason: str, *, agency: str | None = None, token_id: UUID | None = None) -> None:
    """Write down that somebody was turned away: why, where, with which token; never the token."""
    log.warning(
        "access.denied",
        reason=reason,
        agency=agency,
        token_id=None if token_id is None else str(token_id),
    )
