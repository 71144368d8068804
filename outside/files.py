"""Files that are written once and never changed: a local folder, or an S3 bucket."""

from __future__ import annotations

from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url


class Files:
    """A store of sealed files. `place` is a folder, or an address such as `s3://bucket/prefix`."""

    def __init__(self, place: Path | str) -> None:
        self._store: ObjectStore
        if isinstance(place, Path):
            self._store = LocalStore(place, mkdir=True)
        else:
            self._store = from_url(place)

    def keep(self, path: str, content: bytes) -> bool:
        """Write a file; False if there is one already, which stays as it is."""
        try:
            obstore.put(self._store, path, content, mode="create")
        except AlreadyExistsError:
            return False
        return True

    def names(self) -> list[str]:
        """Every file that there is, in order."""
        found = (each["path"] for page in obstore.list(self._store) for each in page)
        return sorted(found)

    def read(self, path: str) -> bytes | None:
        """What was written there, or None."""
        try:
            return bytes(obstore.get(self._store, path).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
