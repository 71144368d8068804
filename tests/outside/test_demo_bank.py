"""The demo bank as payers and scripts meet it, over real HTTP."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.outside.loopback import ROOT, Browser, Ear, RunningBank, bank_running, listening

CONFIRMED, CHALLENGED = "4242 4242 4242 4242", "4000 0000 0000 3220"
DECLINED, POOR, TIMED_OUT = "4000000000000002", "4000-0000-0000-9995", "4000 0000 0000 0119"
RETURN_URL = "http://127.0.0.1:8000/retour?paiement=1"


@pytest.fixture(scope="module")
def ear() -> Iterator[Ear]:
    with listening() as ear:
        yield ear


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bank")


@pytest.fixture(scope="module")
def bank(state: Path) -> Iterator[RunningBank]:
    with bank_running(state) as bank:
        yield bank


@pytest.fixture(scope="module")
def api(bank: RunningBank) -> Iterator[httpx.Client]:
    bearer = {"Authorization": f"Bearer {bank.secret}"}
    with httpx.Client(base_url=f"{bank.url}/v1", headers=bearer, trust_env=False) as api:
        yield api


@pytest.fixture
def browser() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def asked(ear: Ear) -> dict[str, object]:
    return {
        "payment_id": str(uuid4()),
        "amount_cents": 71100,
        "label": "Loyer <mai> & charges",
        "return_url": RETURN_URL,
        "webhook_url": ear.url,
    }


@pytest.fixture
def checkout(api: httpx.Client, asked: dict[str, object]) -> dict[str, str]:
    answer = api.post("/checkouts", json=asked, headers={"Idempotency-Key": str(uuid4())})
    assert answer.status_code == 201
    opened: dict[str, str] = answer.json()
    return opened


def card(number: str, **other: str) -> dict[str, str]:
    return {"number": number, "expiry": "12/34", "name": "Camille Essai", "cvc": "123"} | other


def known(api: httpx.Client, checkout: dict[str, str]) -> dict[str, str]:
    answer: dict[str, str] = api.get(f"/checkouts/{checkout['id']}").json()
    return answer


def test_a_card_pays_and_the_payer_goes_back(
    api: httpx.Client, checkout: dict[str, str], browser: Browser
) -> None:
    page = browser.open(checkout["redirect_url"])
    assert "Aucune carte réelle" in page
    assert "711,00\u00a0€" in page
    assert "Loyer &lt;mai&gt; &amp; charges" in page
    browser.submit(card(CONFIRMED))
    assert browser.left_for == RETURN_URL
    paid = known(api, checkout)
    assert (paid["status"], paid["brand"], paid["last4"]) == ("confirmed", "visa", "4242")
    assert paid["authorisation_code"]


@pytest.mark.parametrize(
    ("number", "code"), [(DECLINED, "card_declined"), (POOR, "insufficient_funds")]
)
def test_a_card_is_declined(
    api: httpx.Client, checkout: dict[str, str], browser: Browser, number: str, code: str
) -> None:
    browser.open(checkout["redirect_url"])
    browser.submit(card(number))
    assert browser.left_for == RETURN_URL
    refused = known(api, checkout)
    assert (refused["status"], refused["failure_code"]) == ("failed", code)
    assert "Rien n’a été débité" in browser.open(checkout["redirect_url"])


def test_a_challenge_is_passed_with_a_code(
    api: httpx.Client, checkout: dict[str, str], browser: Browser
) -> None:
    browser.open(checkout["redirect_url"])
    assert "123456" in browser.submit(card(CHALLENGED))
    assert known(api, checkout)["status"] == "authenticating"
    assert "Écrivez six chiffres" in browser.submit({"code": "12345"})
    assert browser.page.status_code == 422
    browser.submit({"code": "123 456"})
    assert browser.left_for == RETURN_URL
    assert known(api, checkout)["status"] == "confirmed"


def test_a_challenge_is_refused_by_the_payer(
    api: httpx.Client, checkout: dict[str, str], browser: Browser
) -> None:
    browser.open(checkout["redirect_url"])
    browser.submit(card(CHALLENGED))
    browser.submit(button=1)
    assert browser.left_for == RETURN_URL
    assert known(api, checkout)["failure_code"] == "authentication_failed"


@pytest.mark.parametrize("number", [None, CHALLENGED])
def test_a_payer_cancels(
    api: httpx.Client, checkout: dict[str, str], browser: Browser, number: str | None
) -> None:
    browser.open(checkout["redirect_url"])
    if number:
        browser.submit(card(number))
    browser.submit(form=1)
    assert browser.left_for == RETURN_URL
    assert known(api, checkout)["failure_code"] == "cancelled"
    assert "a été annulé" in browser.open(checkout["redirect_url"])


def test_a_bank_that_does_not_answer_leaves_the_outcome_unknown(
    api: httpx.Client, checkout: dict[str, str], browser: Browser
) -> None:
    browser.open(checkout["redirect_url"])
    browser.submit(card(TIMED_OUT))
    assert browser.left_for == RETURN_URL
    assert known(api, checkout)["status"] == "unknown"
    assert "Ne payez pas une seconde fois" in browser.open(checkout["redirect_url"])


def test_a_second_click_pays_nothing_twice(
    api: httpx.Client, checkout: dict[str, str], browser: Browser
) -> None:
    browser.open(checkout["redirect_url"])
    form = browser.page
    browser.submit(card(CONFIRMED))
    first = known(api, checkout)
    browser.page = form
    assert "déjà fait" in browser.submit(card(DECLINED))
    browser.page = form
    assert "déjà fait" in browser.submit(form=1)
    assert known(api, checkout) == first


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"number": "4242 4242 4242 4241"}, "un chiffre est faux"),
        ({"number": "5555 5555 5555 4444"}, "pas une carte d’essai"),
        ({"number": "\u0664242"}, "un chiffre est faux"),
        ({"expiry": "13/34"}, "Écrivez le mois et l’année"),
        ({"expiry": "01/20"}, "Cette date est passée"),
        ({"name": " "}, "Écrivez un nom"),
        ({"cvc": "12"}, "Écrivez trois chiffres"),
    ],
)
def test_a_mistyped_card_is_said_beside_its_field(
    api: httpx.Client,
    checkout: dict[str, str],
    browser: Browser,
    wrong: dict[str, str],
    message: str,
) -> None:
    browser.open(checkout["redirect_url"])
    page = browser.submit(card(CONFIRMED) | wrong)
    assert browser.page.status_code == 422
    assert message in page
    kept = (card(CONFIRMED) | wrong) | {"number": "", "cvc": ""}
    assert browser.forms()[0].fields == kept
    assert known(api, checkout)["status"] == "pending"


def test_no_card_number_is_kept(checkout: dict[str, str], browser: Browser, state: Path) -> None:
    browser.open(checkout["redirect_url"])
    browser.submit(card(POOR))
    kept = b"".join(file.read_bytes() for file in state.iterdir())
    assert b"9995" in kept
    assert b"4000000000009995" not in kept.replace(b"-", b"").replace(b" ", b"")
    assert b"Camille" not in kept


def test_the_page_is_english_for_an_english_browser(checkout: dict[str, str]) -> None:
    english = Browser("en-GB,fr;q=0.4")
    assert "€711.00" in english.open(checkout["redirect_url"])
    french = english.open(checkout["redirect_url"] + "?lang=fr")
    assert '<html lang="fr">' in french
    assert 'lang="fr"' in english.submit(card("1"))
    english.close()


def test_the_page_asks_nothing_of_others(checkout: dict[str, str], browser: Browser) -> None:
    page = browser.open(checkout["redirect_url"])
    assert "<script" not in page
    assert "src=" not in page
    policy = browser.page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:8000" in policy


def test_a_page_that_is_not_there_says_so(bank: RunningBank, browser: Browser) -> None:
    assert "n’existe pas" in browser.open(f"{bank.url}/pay/demo_nothing")
    assert browser.page.status_code == 404


def test_the_same_key_with_the_same_body_is_the_same_checkout(
    api: httpx.Client, asked: dict[str, object]
) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first, again = (api.post("/checkouts", json=asked, headers=key) for _ in range(2))
    other = api.post("/checkouts", json=asked | {"amount_cents": 70000}, headers=key)
    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 409]
    assert first.json()["id"] == again.json()["id"]


@pytest.mark.parametrize("authorization", [None, "", "Bearer wrong", "Basic c2VjcmV0", "Bearer é"])
def test_without_the_bearer_nothing_is_told(
    bank: RunningBank, checkout: dict[str, str], authorization: str | None
) -> None:
    url = f"{bank.url}/v1/checkouts/{checkout['id']}"
    given = [] if authorization is None else [(b"Authorization", authorization.encode())]
    headers = httpx.Headers(given)
    assert httpx.get(url, headers=headers).status_code == 401
    assert httpx.post(f"{url}/control", headers=headers, json={"resend": 1}).status_code == 401
    assert httpx.get(f"{bank.url}/v1/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_cents": 0},
        {"amount_cents": -1},
        {"amount_cents": 7.11},
        {"amount_cents": "71100"},
        {"amount_cents": 10**400},
        {"payment_id": "secret-name"},
        {"label": ""},
        {"return_url": "javascript:alert(1)"},
        {"webhook_url": "http://example.org/hook"},
        {"webhook_url": "http://127.0.0.1.example.org/hook"},
        {"surprise": 1},
    ],
)
def test_a_wrong_request_is_refused_without_an_echo(
    api: httpx.Client, asked: dict[str, object], wrong: dict[str, object]
) -> None:
    answer = api.post("/checkouts", json=asked | wrong, headers={"Idempotency-Key": "wrong"})
    assert answer.status_code == 422
    assert "secret-name" not in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"[" * 60_000, 400),
        (b'"\xff"', 400),
        (b'{"label": "\\ud800"}', 422),
        (b'{"amount_cents": NaN}', 422),
        (b" " * 70_000, 413),
    ],
)
def test_no_body_breaks_the_bank(api: httpx.Client, body: bytes, status: int) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    assert api.post("/checkouts", content=body, headers=headers).status_code == status


def test_a_taken_port_is_said(bank: RunningBank, tmp_path: Path) -> None:
    port = str(httpx.URL(bank.url).port)
    command = [sys.executable, "-m", "outside.demo_bank", "--port", port, "--state", str(tmp_path)]
    failed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert failed.returncode == 4
    assert "cannot be used" in failed.stderr


def test_the_bank_listens_on_loopback_only(bank: RunningBank) -> None:
    port = httpx.URL(bank.url).port
    assert port is not None
    with socket.socket() as elsewhere:
        elsewhere.bind(("127.0.0.2", port))  # taken, were the bank on every address
