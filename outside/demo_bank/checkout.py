"""A checkout at the demo bank: what is asked, what is known of it, and how it is told."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, model_validator

Status = Literal["pending", "authenticating", "confirmed", "failed", "unknown"]
Decision = Literal["confirmed", "failed"]


def _on_loopback(url: HttpUrl) -> HttpUrl:
    host = (url.host or "").strip("[]")
    if host != "localhost":
        try:
            if not ip_address(host).is_loopback:
                raise ValueError
        except ValueError:
            raise ValueError("notifications are sent to loopback addresses only") from None
    return url


class _Exact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asked(_Exact):
    """A merchant's request for a checkout."""

    payment_id: UUID
    amount_cents: int = Field(strict=True, ge=1, le=99_999_999)
    label: str = Field(min_length=1, max_length=200)
    return_url: HttpUrl
    webhook_url: Annotated[HttpUrl, AfterValidator(_on_loopback)]
    language: Literal["fr", "en"] = "fr"


class Delivery(_Exact):
    """How the notifications of one checkout are sent. `reversed` keeps all until the end."""

    delay_seconds: float = Field(0, ge=0, le=86_400, allow_inf_nan=False)
    times: int = Field(1, ge=1, le=20)
    order: Literal["normal", "reversed"] = "normal"
    silent: bool = False


class Orders(_Exact):
    """What a script may order, carried out in the order of the fields.

    `deliver` holds for what happens afterwards. `pay` plays the payer, who is challenged first.
    `decide` ends an unknown outcome. `notify` sends a notification that may be untrue, for
    drills. `resend` sends every notification so far again, that many times.
    """

    deliver: Delivery | None = None
    pay: Literal["confirmed", "failed", "unknown"] | None = None
    decide: Decision | None = None
    notify: Literal["authenticating", "confirmed", "failed"] | None = None
    resend: int | None = Field(None, ge=1, le=20)

    @model_validator(mode="after")
    def _orders_something(self) -> Orders:
        if not self.model_fields_set:
            raise ValueError("order at least one thing")
        return self


class Checkout(BaseModel):
    """A checkout as the bank keeps it; of the card only brand and last four digits."""

    model_config = ConfigDict(frozen=True)

    id: str
    asked: Asked
    status: Status = "pending"
    brand: str | None = None
    last4: str | None = None
    authorisation_code: str | None = None
    failure_code: str | None = None
    opened_at: datetime
    changed_at: datetime
    delivery: Delivery = Delivery()

    def told(self) -> dict[str, Any]:
        """What the merchant may know, as JSON."""
        shown = self.model_dump(mode="json", exclude={"asked", "delivery"})
        return shown | {
            "payment_id": str(self.asked.payment_id),
            "amount_cents": self.asked.amount_cents,
        }
