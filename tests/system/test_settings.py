"""Settings come from the environment, refuse nonsense in one line, and keep their secrets."""

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from system.settings import BadSettings, Settings

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))


def test_an_empty_environment_runs_on_one_machine(monkeypatch):
    monkeypatch.delenv("DATA_DIR")
    settings = Settings.load()
    assert (settings.database_url, settings.broker_url) == (None, None)
    assert (settings.port, settings.demo_provider_port) == (8000, 8001)
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.data_dir == Path.cwd() / ".data"
    assert settings.payment_ceiling_cents == 500_000
    assert settings.stripe_webhook_secrets == ()


def test_an_empty_variable_is_the_same_as_none(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "")
    assert Settings.load().database_url is None


def test_what_follows_from_the_port_follows(monkeypatch):
    monkeypatch.setenv("PORT", "65535")
    monkeypatch.setenv("HOST", "::1")
    settings = Settings.load()
    assert settings.public_url == "http://[::1]:65535"
    assert settings.demo_provider_port == 65534


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "eighty", "PORT: "),
        ("PORT", "70000", "PORT: "),
        ("DATABASE_URL", "mysql://u:sesame@h/d", "DATABASE_URL: must be an address"),
        ("BROKER_URL", "redis://:sesame@h", "BROKER_URL: must be an address"),
        ("PUBLIC_URL", "quittance.example", "PUBLIC_URL: must be an address"),
        ("MASTER_KEY", "sesame", "MASTER_KEY: must be the base64 of exactly 32 bytes"),
        ("PAYMENT_CEILING_CENTS", "0", "PAYMENT_CEILING_CENTS: "),
        ("LOG_LEVEL", "loud", "LOG_LEVEL: "),
        ("DEMO_PROVIDER_PORT", "8000", "DEMO_PROVIDER_PORT must differ"),
    ],
)
def test_nonsense_is_refused_in_one_line_that_names_the_setting(monkeypatch, name, value, says):
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as refusal:
        Settings.load()
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "sesame" not in str(refusal.value)


def test_a_printed_settings_object_shows_no_secret(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:sesame@h/d")
    monkeypatch.setenv("BROKER_URL", "amqp://u:sesame@h")
    monkeypatch.setenv("STRIPE_API_KEY", "sesame")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", "sesame1, sesame2,")
    monkeypatch.setenv("MASTER_KEY", KEY)
    settings = Settings.load()
    assert "sesame" not in repr(settings) + str(settings)
    assert KEY not in repr(settings) + str(settings)
    secrets = [secret.get_secret_value() for secret in settings.stripe_webhook_secrets]
    assert secrets == ["sesame1", "sesame2"]


def test_the_master_key_is_the_one_given(monkeypatch):
    monkeypatch.setenv("MASTER_KEY", KEY)
    settings = Settings.load()
    assert settings.read_master_key() == bytes(range(32))
    assert not (settings.data_dir / "master.key").exists()


def test_a_master_key_is_made_once_and_for_its_owner_alone():
    settings = Settings.load()
    with ThreadPoolExecutor(16) as racers:
        keys = set(racers.map(lambda _: settings.read_master_key(), range(64)))
    assert len(keys) == 1
    path = settings.data_dir / "master.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(settings.data_dir) == ["master.key"]


def test_a_master_key_that_others_can_read_is_refused():
    settings = Settings.load()
    settings.read_master_key()
    (settings.data_dir / "master.key").chmod(0o644)
    with pytest.raises(BadSettings, match="can be read by others"):
        settings.read_master_key()


def test_a_damaged_master_key_is_refused_and_not_replaced():
    settings = Settings.load()
    settings.read_master_key()
    path = settings.data_dir / "master.key"
    path.write_text("")
    with pytest.raises(BadSettings, match="exactly 32 bytes"):
        settings.read_master_key()
    assert path.read_text() == ""
