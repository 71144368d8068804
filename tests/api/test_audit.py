"""The auditor over HTTP: histories, chains, states at two dates, and the journal as it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.tokens import create_token
from commands import Asked, execute
from commands.agency import CreateAgency
from commands.payment import InitiatePayment
from domain.principal import OPERATOR, Role
from journal import HOUSE, agency_id
from tests.api.pages.counter import Counter, counter
from tests.given import row

LILAS, ROSES = "/v1/agencies/lilas", "/v1/agencies/roses"


class Auditor:
    """Somebody with a token of a role, who waits for all that is written."""

    def __init__(self, till: Counter, role: Role = Role.AUDITOR, slug: str = "lilas") -> None:
        self.till = till
        with till.parts.pool.connection() as connection:
            self.token = create_token(
                connection, role, [agency_id(slug)], "contrôle 2026", now=till.clock()
            )

    def ask(self, address: str, **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en"}
        return self.till.get(address, params=query, headers=headers)

    def get(self, address: str, **query: Any) -> Any:
        answer = self.ask(address, **{"min_position": self.head} | query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def head(self) -> int:
        return self.till.parts.office.journal.head(agency_id("lilas"))[0]


@pytest.fixture
def till(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    monkeypatch.setattr(InitiatePayment, "provider", "fake")
    with counter(database_url, tmp_path) as built:
        built.parts.office.journal.open_log(agency_id("roses"))
        house = CreateAgency(slug="roses", legal_name="Roses", siren="732829320", department="57")
        execute(built.parts.office, house, Asked(OPERATOR, HOUSE))
        built.do(row("L-0312"), slug="roses")
        yield built


@pytest.fixture
def auditor(till: Counter) -> Auditor:
    return Auditor(till)


def test_a_balance_and_its_lines_are_told_at_two_dates(till, auditor) -> None:
    lease = f"{LILAS}/leases/{till.leases[0]}"
    before = auditor.head
    till.pay(till.begin(amount_cents=11_100))
    dates = {"as_of": "2026-11-30", "known_at": before}

    then = auditor.get(f"{lease}/balance-as-of", **dates)
    assert (then["booked_cents"], then["known_position"]) == (71_100, before)
    assert auditor.get(f"{lease}/balance-as-of", as_of="2026-11-30")["booked_cents"] == 60_000
    assert auditor.get(f"{lease}/balance-as-of", as_of="2026-10-31")["booked_cents"] == 0

    balance = auditor.get(f"{lease}/balance", **dates)
    assert [c["amount_cents"] for c in balance["open_charges"]] == [61_240, 9_860]
    assert balance["booked_cents"] == balance["confirmed_cents"] == balance["settled_cents"]
    now, also = auditor.get(f"{lease}/balance"), auditor.get(f"{lease}/balance", as_of="2199-01-01")
    assert {**now, "freshness": None} == {**also, "freshness": None}

    lines = auditor.get(f"{lease}/postings", **dates)["items"]
    assert [line["kind"] for line in lines] == ["rent", "charges"]
    assert len(auditor.get(f"{lease}/postings", as_of="2026-11-30")["items"]) == 3
    assert auditor.get(f"{lease}/postings", as_of="2026-10-31")["items"] == []
    other = f"{LILAS}/leases/{till.leases[1]}"
    assert auditor.get(f"{other}/balance", as_of="2026-11-30")["booked_cents"] == 71_100


def test_a_replay_shows_what_was_learnt_since_and_from_whom(till, auditor) -> None:
    before = auditor.head
    till.pay(till.begin(amount_cents=11_100))
    address = f"{LILAS}/leases/{till.leases[0]}/replay"
    seen = auditor.get(address, as_of="2026-11-30", known_at=before, diff=True)["replay"]
    booked = next(d for d in seen["differences"] if d["part"] == "booked")
    assert (booked["before_told"], booked["after_told"]) == ("€711.00", "€600.00")
    (cause,) = booked["because"]
    assert (cause["name"], cause["who"]) == ("PaymentBooked", "the payment provider")
    assert seen["compared_with_position"] == auditor.head
    assert seen["lease"]["tenants"][0]["name"] == "Mme Anaïs Schmitt"
    assert auditor.get(address)["replay"]["differences"] is None
    nothing = auditor.get(address, known_at=0)["replay"]
    assert nothing["lease"] is None
    assert nothing["account"]["booked_cents"] == 0


def test_a_tenant_who_was_erased_leaves_the_replay_as_it_was(till, auditor) -> None:
    address = f"{LILAS}/leases/{till.leases[0]}/replay"
    before = auditor.get(address, diff=True)["replay"]
    (tenant,) = before["lease"]["tenants"]
    till.parts.office.journal.keys.destroy(agency_id("lilas"), UUID(tenant["party_id"]))
    after = auditor.get(address, diff=True)["replay"]
    assert after["lease"]["tenants"] == [{**tenant, "name": "[effacé]"}]
    assert {**after, "lease": None} == {**before, "lease": None}


def test_a_history_is_told_in_pages(till, auditor) -> None:
    till.pay(till.begin())
    whole = auditor.get(f"{LILAS}/history", subject="period")["items"]
    assert [moment["position"] for moment in whole] == list(range(1, auditor.head + 1))
    first = auditor.get(f"{LILAS}/history", subject="period", limit=3)
    assert (first["items"], first["next"]) == (whole[:3], "3")
    second = auditor.get(f"{LILAS}/history", subject="period", limit=3, after=first["next"])
    assert second["items"] == whole[3:6]
    window = {"subject": "period", "from": 3, "to": 4}
    assert auditor.get(f"{LILAS}/history", **window)["items"] == whole[2:4]
    lease = auditor.get(f"{LILAS}/history", subject="lease", reference="L-0312")["items"]
    assert lease[0]["told"].startswith("Lease L-0312 from")
    acted = auditor.get(f"{LILAS}/history", subject="agent", reference="webhook")["items"]
    assert {moment["who"] for moment in acted} == {"the payment provider"}
    booked = next(m for m in whole if m["name"] == "PaymentBooked")
    links = auditor.get(f"{LILAS}/entries/{booked['position']}/chain")["links"]
    assert "PaymentConfirmed" in [link["moment"]["name"] for link in links]


def test_the_journal_is_shown_as_it_is_kept_with_its_hashes_and_its_seals(till, auditor) -> None:
    entries = auditor.get(f"{LILAS}/entries", limit=200)["items"]
    assert [entry["position"] for entry in entries] == list(range(1, auditor.head + 1))
    assert len({entry["hash"] for entry in entries}) == len(entries)
    with till.parts.pool.connection() as connection:
        stored = connection.execute(
            "SELECT state, hash FROM events WHERE agency = %s ORDER BY position",
            [agency_id("lilas")],
        ).fetchall()
    assert [(e["state"].encode(), e["hash"]) for e in entries] == [
        (state, kept.hex()) for state, kept in stored
    ]
    assert "Schmitt" not in json.dumps(entries)
    page = auditor.get(f"{LILAS}/entries", limit=2, after=1)
    assert (page["items"], page["next"]) == (entries[1:3], "3")


ADDRESSES = (
    "/history?subject=period",
    "/entries",
    "/entries/1/chain",
    "/leases/{lease}/replay",
)


def test_only_those_who_audit_read_all(till) -> None:
    for role, status in (
        (Role.AUDITOR, 200),
        (Role.ADMIN, 200),
        (Role.AGENT, 403),
        (Role.SERVICE, 403),
        (Role.ACCOUNTANT, 403),
    ):
        somebody = Auditor(till, role)
        for address in ADDRESSES:
            path, _, query = address.format(lease=till.leases[0]).partition("?")
            asked = dict(part.split("=") for part in query.split("&") if part)
            head = somebody.head
            assert somebody.ask(LILAS + path, min_position=head, **asked).status_code == status
            assert somebody.ask(ROSES + path, **asked).status_code == 404


def test_what_belongs_to_another_agency_is_not_found(till) -> None:
    auditor = Auditor(till, slug="roses")
    head = till.parts.office.journal.head(agency_id("roses"))[0]
    lease, mine = till.leases[0], {"min_position": head}
    payment = till.begin().rpartition("/")[2]
    for path, query in (
        (f"/leases/{lease}/replay", {}),
        (f"/leases/{lease}/balance", {"as_of": "2026-11-30"}),
        (f"/leases/{lease}/balance-as-of", {}),
        (f"/leases/{lease}/postings", {"known_at": "1"}),
        ("/history", {"subject": "lease", "reference": str(lease)}),
        ("/history", {"subject": "account", "reference": str(lease)}),
        ("/history", {"subject": "payment", "reference": payment}),
        ("/history", {"subject": "lease", "reference": "L-0313"}),
        ("/history", {"subject": "agent", "reference": "webhook"}),
        (f"/entries/{head + 1}/chain", {}),
    ):
        answer = auditor.ask(ROSES + path, **mine, **query)
        assert answer.status_code == 404, (path, answer.text)
    known = auditor.ask(f"{ROSES}/history", subject="lease", reference="L-0312", **mine)
    assert known.status_code == 200


BAD = (
    ({"as_of": "hier"}, "no_date"),
    ({"as_of": "1234"}, "no_date"),
    ({"as_of": "9999-12-31"}, "no_date"),
    ({"known_at": "2026-02-30"}, "no_date"),
    ({"known_at": "a\0b"}, "no_date"),
    ({"known_at": "9" * 19}, "no_date"),
    ({"known_at": "9" * 41}, "invalid"),
    ({"known_at": "2199-01-01"}, "not_yet_known"),
    ({"known_at": "2199-01-01T10:00:00Z"}, "not_yet_known"),
    ({"known_at": "999999"}, "beyond_the_head"),
)


def test_two_dates_without_an_answer_are_said_to_be_so(till, auditor) -> None:
    for query, code in BAD:
        for path in ("balance", "balance-as-of", "postings", "replay"):
            answer = auditor.ask(
                f"{LILAS}/leases/{till.leases[0]}/{path}", min_position=auditor.head, **query
            )
            assert answer.status_code == 422, (path, answer.text)
            assert answer.json()["code"] == code


def test_the_ends_of_a_period_may_lie_ahead_but_not_the_wrong_way_round(till, auditor) -> None:
    for since, until, code in (
        ("2026-11-02", "2026-11-01", "backward_period"),
        ("3", "2", "backward_period"),
        ("1", "999999", "beyond_the_head"),
        ("hier", "", "no_date"),
    ):
        answer = auditor.ask(
            f"{LILAS}/history", **{"subject": "period", "from": since, "to": until}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    period = {"subject": "period", "from": "1990-01-01", "to": "2199-01-01"}
    assert len(auditor.get(f"{LILAS}/history", **period)["items"]) == auditor.head


def test_a_lag_is_never_hidden_behind_an_older_answer(till, auditor) -> None:
    auditor.get(f"{LILAS}/history", subject="period")
    shown = auditor.head
    till.stop_projecting()
    till.begin()
    address = f"{LILAS}/leases/{till.leases[0]}/balance-as-of"
    behind = auditor.ask(address, known_at=auditor.head)
    assert (behind.status_code, behind.json()["code"]) == (503, "not_yet")
    answer = auditor.ask(address)
    assert answer.json()["known_position"] == shown
    assert answer.json()["freshness"]["lag_events"] == auditor.head - shown


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    as_of=st.one_of(st.none(), st.text(max_size=20), st.dates().map(str)),
    known_at=st.one_of(st.none(), st.text(max_size=20), st.integers(-5, 10**20).map(str)),
)
def test_whatever_is_asked_nothing_breaks(till, auditor, as_of, known_at) -> None:
    query = {"as_of": as_of, "known_at": known_at}
    query = {
        name: value.encode(errors="replace").decode()
        for name, value in query.items()
        if value is not None
    }
    for path in ("balance-as-of", "replay"):
        answer = auditor.ask(f"{LILAS}/leases/{till.leases[0]}/{path}", **query)
        assert answer.status_code in (200, 404, 422, 503), answer.text


def test_an_unknown_lease_or_subject_is_said_to_be_so(till, auditor) -> None:
    assert auditor.ask(f"{LILAS}/leases/{uuid4()}/replay").status_code == 404
    assert auditor.ask(f"{LILAS}/history", subject="weather").status_code == 422
    answer = auditor.ask(f"{LILAS}/history", subject="lease", reference="B-99999")
    assert answer.json()["code"] == "nothing_known"
    assert "B-99999" in answer.json()["detail"]
