"""All settings of a running Quittance, read from the environment; none has a prefix."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

KEY_BYTES = 32


class BadSettings(Exception):
    """One line per setting that cannot be used, without its value."""


class Settings(BaseSettings):
    """What the environment says; every value has a default that suits one machine."""

    model_config = SettingsConfigDict(
        frozen=True, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    database_url: str | None = Field(None, repr=False)
    """Any PostgreSQL 15 or newer; None for the embedded one."""
    broker_url: str | None = Field(None, repr=False)
    """RabbitMQ; None for a queue in the same database."""

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    public_url: str = ""
    """How browsers and payment providers reach us, without a slash at the end."""
    demo_provider_port: int = Field(0, ge=0, le=65535)

    data_dir: Path = Path(".data")
    """Everything that is not in the repository; made absolute."""
    master_key: SecretStr | None = None
    """Base64 of 32 bytes that wrap all keys of persons; see `read_master_key`."""
    anchor_key: SecretStr | None = None
    """Base64 of the 32 bytes that sign anchors; see `read_anchor_key`."""
    anchor_url: str | None = None
    """Where anchors are kept: a folder, or s3://bucket/prefix; None for DATA_DIR/anchors."""
    anchor_interval_seconds: int = Field(3600, ge=10, le=86_400)

    stripe_api_key: SecretStr | None = None
    stripe_webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Several while one is being replaced, separated by commas."""
    payment_ceiling_cents: int = Field(500_000, ge=1, le=99_999_999)
    retention_lease_years: int = Field(3, ge=0, le=30)
    """How long a tenant is known after the end of a lease: until it is barred by limitation."""
    retention_books_years: int = Field(10, ge=0, le=30)
    """How long the books can say whom they are about, after the year of the last posting."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    database_pool_size: int = Field(16, ge=2, le=500)
    """Connections of the API; each worker process has `worker_pool_size`."""
    worker_pool_size: int = Field(8, ge=2, le=500)
    one_cpu: bool = True
    """Whether the API's process keeps to one CPU; see `system/one_cpu.py`."""
    worker_threads: int = Field(4, ge=1, le=256)

    @classmethod
    def load(cls) -> Self:
        """Read the environment, or raise `BadSettings`."""
        try:
            return cls()
        except ValidationError as invalid:
            lines = [
                f"{'.'.join(map(str, error['loc'])).upper()}: "
                f"{error['msg'].removeprefix('Value error, ')}"
                for error in invalid.errors(include_input=False, include_url=False)
            ]
            raise BadSettings("\n".join(lines)) from None

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, level: object) -> object:
        return level.upper() if isinstance(level, str) else level

    @field_validator("stripe_webhook_secrets", mode="before")
    @classmethod
    def _split_at_commas(cls, secret: object) -> object:
        if isinstance(secret, str):
            return tuple(part.strip() for part in secret.split(",") if part.strip())
        return secret

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: str | None) -> str | None:
        return _checked_url(url, ("postgresql", "postgres"))

    @field_validator("broker_url")
    @classmethod
    def _is_rabbitmq(cls, url: str | None) -> str | None:
        return _checked_url(url, ("amqp", "amqps"))

    @field_validator("public_url")
    @classmethod
    def _is_a_site(cls, url: str) -> str:
        return (_checked_url(url, ("http", "https")) or "").rstrip("/")

    @field_validator("data_dir")
    @classmethod
    def _is_absolute(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()

    @field_validator("master_key", "anchor_key")
    @classmethod
    def _is_a_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            _decoded(key.get_secret_value())
        return key

    @model_validator(mode="after")
    def _fill_what_follows(self) -> Self:
        if not self.public_url:
            host = f"[{self.host}]" if ":" in self.host else self.host
            object.__setattr__(self, "public_url", f"http://{host}:{self.port}")
        if not self.demo_provider_port:
            beside = self.port + 1 if self.port < 65535 else self.port - 1
            object.__setattr__(self, "demo_provider_port", beside)
        if self.demo_provider_port == self.port:
            raise ValueError("DEMO_PROVIDER_PORT must differ from PORT")
        return self

    def read_master_key(self) -> bytes:
        """The 32 bytes of MASTER_KEY, else of DATA_DIR/master.key, made on first use.

        Whoever loses this key loses all personal data. Raises `BadSettings`.
        """
        return _read_key("MASTER_KEY", self.master_key, self.data_dir / "master.key")

    def read_anchor_key(self) -> bytes:
        """The 32 bytes of ANCHOR_KEY, else of DATA_DIR/anchor.key, made on first use.

        Whoever has this key can make anchors that look like ours. Raises `BadSettings`.
        """
        return _read_key("ANCHOR_KEY", self.anchor_key, self.data_dir / "anchor.key")

    @property
    def has_anchor_key(self) -> bool:
        """Whether anchors were ever to be signed here: looking does not make the key."""
        return self.anchor_key is not None or (self.data_dir / "anchor.key").exists()


def _read_key(name: str, given: SecretStr | None, path: Path) -> bytes:
    if given is not None:
        return _decoded(given.get_secret_value())
    try:
        if not path.exists():
            _make_key(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise BadSettings(f"{name}: {path} can be read by others; chmod 600 it.")
        return _decoded(path.read_text().strip())
    except (ValueError, OSError) as unusable:
        reason = unusable.strerror if isinstance(unusable, OSError) else unusable
        raise BadSettings(f"{name}: {path} cannot be used: {reason}") from None


def _checked_url(url: str | None, schemes: tuple[str, ...]) -> str | None:
    if not url:
        return None
    if urlsplit(url).scheme not in schemes or "://" not in url:
        raise ValueError(f"must be an address that begins with {schemes[0]}://")
    return url


def _decoded(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"must be the base64 of exactly {KEY_BYTES} bytes")
    return key


def _make_key(path: Path) -> None:
    """Create the key file; when several try at once, one key wins and all read that one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link never replaces: the name appears once, with all of its content.
            os.link(fresh, path)
        except FileExistsError:
            return
    finally:
        fresh.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
