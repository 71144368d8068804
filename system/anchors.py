"""Where this program's anchors are kept, with which key they are signed, and when one is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from obstore.exceptions import BaseError

from journal.anchors import Anchor, public_key
from outside.files import Files
from system.office import Premises
from system.settings import Settings
from workers.anchoring import Anchoring, AnchorsUnreachable


def anchor_files(settings: Settings) -> Files:
    """The write-once place that ANCHOR_URL names, else a folder in DATA_DIR.

    Raises AnchorsUnreachable.
    """
    place = settings.anchor_url
    try:
        if place is None:
            return Files(settings.data_dir / "anchors")
        return Files(place if "://" in place else Path(place).expanduser().absolute())
    except (BaseError, OSError, ValueError) as unusable:
        raise AnchorsUnreachable(type(unusable).__name__) from unusable


def anchoring(parts: Premises) -> Anchoring:
    """What makes anchors with this program's settings. Raises AnchorsUnreachable."""
    settings = parts.settings
    return Anchoring(
        parts.pool, anchor_files(settings), settings.read_anchor_key(), parts.office.clock
    )


def anchors_when_due(parts: Premises) -> Callable[[], Anchor | None]:
    """Makes an anchor if the last one is old enough; the place may be away for a while."""
    parts.settings.read_anchor_key()
    every = timedelta(seconds=parts.settings.anchor_interval_seconds)
    return lambda: anchoring(parts).anchor(every=every)


def anchor_public_key(settings: Settings) -> bytes:
    """The 32 bytes by which everybody can check what was signed here."""
    return public_key(settings.read_anchor_key())
