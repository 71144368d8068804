"""Who takes the card payments of each agency: Stripe, or the demo bank that runs beside us."""

from __future__ import annotations

from hashlib import blake2b
from threading import Lock

from outside.demo_provider import DemoProvider
from outside.payment_provider import PaymentProvider
from outside.stripe import StripeProvider
from system.settings import Settings

DEMO, STRIPE = "demo", "stripe"


class Providers:
    """The providers that are set up, one for each agency, made when first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[tuple[str, str], DemoProvider | StripeProvider] = {}
        self._lock = Lock()

    def __call__(self, name: str, slug: str) -> PaymentProvider | None:
        """The provider of this name for the agency of this slug; None if it is not set up."""
        with self._lock:
            made = self._made.get((name, slug))
            if made is None:
                made = self._make(name, slug)
                if made is not None:
                    self._made[name, slug] = made
            return made

    def close(self) -> None:
        for provider in self._made.values():
            provider.close()

    def _make(self, name: str, slug: str) -> DemoProvider | StripeProvider | None:
        settings = self._settings
        if name == DEMO:
            return DemoProvider(
                f"http://127.0.0.1:{settings.demo_provider_port}",
                demo_secret(settings, "demo bank"),
                [demo_secret(settings, "demo bank webhooks")],
                f"http://127.0.0.1:{settings.port}/v1/agencies/{slug}/webhooks/{DEMO}",
            )
        if name == STRIPE and settings.stripe_api_key is not None:
            return StripeProvider(
                settings.stripe_api_key.get_secret_value(),
                [secret.get_secret_value() for secret in settings.stripe_webhook_secrets],
            )
        return None


def provider_in_use(settings: Settings) -> str:
    """Stripe once its key is set, else the demo bank."""
    return STRIPE if settings.stripe_api_key is not None else DEMO


def demo_secret(settings: Settings, purpose: str) -> str:
    """A secret shared with the demo bank, which both sides derive from the master key."""
    return blake2b(purpose.encode(), key=settings.read_master_key(), digest_size=32).hexdigest()
