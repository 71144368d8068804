"""The pages of a payment, as a payer without a login meets them."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import httpx
import pytest
from structlog.testing import capture_logs

from api.pages import standing
from api.pages.static import FONT, STYLESHEET
from api.pages.words import WORDS
from commands.payment import CheckPayment, SettlePayment
from domain.payment import Designation
from domain.rent_account import ChargePosted
from journal import agency_id
from tests.api.pages.counter import AGENCY, Counter

DAY = timedelta(days=1)

UNKNOWN = "6f1e7c52-0c1a-4b0e-9a54-3f0a6d9e2b11"
"""The id of no payment; the same in every process, which collect the same tests."""


def read(answer: httpx.Response, status: int = 200) -> str:
    """What a person reads on a page: its text, with plain spaces."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    body = answer.text[answer.text.index("<title>") :]
    text = unescape(re.sub(r"<[^>]+>", " ", body))
    return re.sub(r"\s+", " ", text).replace("’", "'").strip()


def heading(answer: httpx.Response) -> str:
    found = re.findall(r"<h1>(.*?)</h1>", answer.text)
    assert len(found) == 1, answer.text
    return unescape(found[0]).replace("’", "'")


def invoice_of(till: Counter, lease: int = 0):
    """The invoice of November of a lease."""
    for entry in till.parts.office.journal.read(agency_id("lilas"), 0):
        if isinstance(entry.event, ChargePosted) and entry.event.lease_id == till.leases[lease]:
            return entry.event.invoice_id
    raise AssertionError("nothing was billed")


# Before anything is taken


def test_the_summary_says_what_will_be_paid_to_whom_and_takes_nothing(till: Counter):
    address = till.begin()
    answer = till.get(address)
    text = read(answer)
    assert heading(answer) == "Vérifiez avant de payer"
    assert "ce que vous devez, le plus ancien d'abord" in text
    assert f"À {AGENCY} " in text
    assert "Frais pour vous aucun" in text
    assert "À débiter 711,00 €" in text
    assert "Rien n'est débité à cette étape." in text
    assert "Confirmer le paiement de 711,00 €" in text
    assert f'<form class="card lift stack" method="post" action="{address}/partir">' in answer.text
    assert till.events()[-1] == "PaymentInitiated"


def test_a_named_invoice_is_shown_by_month_and_number(till: Counter):
    named = Designation(kind="explicit", invoice_ids=(invoice_of(till),))
    text = read(till.get(till.begin(designation=named)))
    assert re.search(r"Pour novembre 2026 facture \S+ À", text)


def test_nothing_personal_is_on_any_page(till: Counter):
    pages = [till.get(till.begin()), till.pay(till.begin(lease=1))]
    for page in pages:
        for personal in ("Schmitt", "Anaïs", "rue des Lilas", "L-031", "@exemple.fr"):
            assert personal not in page.text


# To the provider and back


def test_confirming_leads_to_the_provider_once(till: Counter):
    address = till.begin()
    first = till.ask("POST", f"{address}/partir")
    again = till.ask("POST", f"{address}/partir")
    assert first.status_code == again.status_code == 303
    assert first.headers["location"] == "https://fake-provider.invalid/pay/fake_000001"
    assert again.headers["location"] == first.headers["location"]
    assert till.events().count("AuthenticationRequired") == 1


def test_opening_the_address_of_the_form_leads_back_to_it(till: Counter):
    address = till.begin()
    answer = till.get(f"{address}/partir")
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    assert till.events()[-1] == "PaymentInitiated"


def test_coming_back_confirmed_shows_the_ticket_and_the_balance_at_once(till: Counter):
    answer = till.pay(till.begin())
    text = read(answer)
    assert heading(answer) == "Merci, vous ne devez plus rien"
    assert "proof" in answer.text
    assert "Paiement confirmé par votre banque" in text
    assert re.search(r"Ticket de paiement \S+-?\d+ ", text)
    assert "Payé le 21 novembre 2026 à 14 h 36" in text
    assert "Moyen carte Visa se terminant par 4242" in text
    assert re.search(r"Pour novembre 2026 facture \S+ À", text)
    assert "Payé 711,00 €" in text
    assert "Ce n'est pas une quittance" in text
    assert "Confirmé (fait) par votre banque" in text
    assert "Compté (fait) dans votre solde" in text
    assert "Reçu (à venir) sur notre compte pas encore vu sur notre relevé" in text
    assert "Votre solde rien à payer Confirmé et compté" in text
    assert "À jour le 21 novembre 2026 à 14 h 36 : tout ce que votre banque" in text


def test_amounts_and_hours_do_not_break_at_the_end_of_a_line(till: Counter):
    page = till.pay(till.begin(123_456)).text
    assert "1\u202f234,56\u00a0€" in page
    assert "14\u202fh\u202f36" in page
    assert "21\u00a0novembre" in page


@pytest.mark.parametrize(
    ("cents", "title", "owed"),
    [
        (50_000, "Merci, votre paiement est confirmé", "il vous reste 211,00 € à payer"),
        (75_000, "Merci, vous ne devez plus rien", "vous avez 39,00 € d'avance"),
    ],
)
def test_a_balance_is_said_in_words_without_a_sign(till: Counter, cents, title, owed):
    answer = till.pay(till.begin(cents))
    assert heading(answer) == title
    assert f"{owed} Confirmé et compté" in read(answer)
    assert "-39" not in answer.text


def test_what_is_paid_ahead_is_said_beside_the_month(till: Counter):
    text = read(till.pay(till.begin(75_000)))
    assert re.search(r"novembre 2026 facture \S+ avance de 39,00 € sur ce qui viendra", text)


def test_a_reload_and_a_second_return_change_nothing(till: Counter):
    address = till.begin()
    till.provider.confirm(till.leave(address))
    landed = till.get(f"{address}/retour")
    assert re.fullmatch(rf"{address}\?position=\d+", landed.headers["location"])
    shown, events = read(till.get(landed.headers["location"])), till.events()
    assert read(till.get(landed.headers["location"])) == shown
    assert read(till.come_back(address)) == shown
    assert till.events() == events
    assert events.count("PaymentTicketIssued") == 1


def test_a_confirmed_payment_is_not_confirmed_again(till: Counter):
    address = till.begin()
    till.pay(address)
    answer = till.ask("POST", f"{address}/partir")
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    assert "Confirmer le paiement" not in till.get(address).text
    assert heading(till.get(address)) == "Merci, vous ne devez plus rien"


def test_money_on_the_statement_is_the_third_step(till: Counter):
    address = till.begin()
    till.pay(address)
    settle = SettlePayment(
        payment_id=address.rpartition("/")[2], value_on="2026-11-24", statement_line_id="x-1"
    )
    till.do(settle)
    text = read(till.get(address))
    assert "Reçu (fait) sur notre compte 24 novembre 2026" in text


def test_the_ticket_comes_as_pdf_once_there_is_one(till: Counter):
    address = till.begin()
    read(till.get(f"{address}/ticket.pdf"), 404)
    till.pay(address)
    answer = till.get(f"{address}/ticket.pdf")
    assert answer.status_code == 200
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    assert f'href="{address}/ticket.pdf"' in till.get(address).text


# Not finished, failed, not known


def test_coming_back_without_having_paid_offers_the_same_payment(till: Counter):
    address = till.begin()
    reference = till.leave(address)
    for _ in range(2):
        answer = till.come_back(address)
        assert heading(answer) == "Vous n'avez pas terminé ce paiement"
        assert "Reprendre le paiement de 711,00 €" in read(answer)
        till.provider.authenticate(reference)
    assert till.leave(address) == reference
    assert till.events().count("AuthenticationRequired") == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("card_declined", "Votre banque a refusé cette carte"),
        ("insufficient_funds", "la provision ou le plafond de la carte n'y suffit pas"),
        ("something_rare", "Votre banque n'a pas accepté ce paiement."),
    ],
)
def test_a_refusal_says_that_nothing_was_taken_and_where_to_go(till: Counter, code, reason):
    address = till.begin()
    till.provider.decline(till.leave(address), code)
    answer = till.come_back(address)
    text = read(answer)
    assert heading(answer) == "Ce paiement n'a pas abouti"
    assert reason in text
    assert "Rien n'a été débité" in text
    assert "Repartez de votre espace locataire" in text
    assert code not in answer.text
    assert "<form" not in answer.text
    assert till.ask("POST", f"{address}/partir").headers["location"] == address


def test_a_yes_that_follows_a_no_is_shown_on_the_next_return(till: Counter):
    address = till.begin()
    reference = till.leave(address)
    till.provider.decline(reference)
    till.come_back(address)
    till.provider.confirm(reference)
    assert heading(till.come_back(address)) == "Merci, vous ne devez plus rien"


def test_a_lost_provider_leaves_the_outcome_unknown_and_says_so(till: Counter):
    address = till.begin()
    till.leave(address)
    till.provider.silence()
    answer = till.come_back(address)
    text = read(answer)
    assert heading(answer) == "Nous ne savons pas encore si votre paiement est passé"
    assert f"un paiement de 711,00 € à {AGENCY}." in text
    assert "nous attendons depuis le 21 novembre 2026 à 14 h 36." in text
    assert "Ne payez pas une seconde fois" in text
    assert "Prochaine demande le 21 novembre 2026 à 14 h 41." in text
    assert "au plus tard le 22 novembre 2026 à 14 h 36." in text
    assert address.rpartition("/")[2] in text
    assert "<form" not in answer.text
    assert till.ask("POST", f"{address}/partir").headers["location"] == address


def test_asking_again_shows_the_answer_as_soon_as_there_is_one(till: Counter):
    address = till.begin()
    reference = till.leave(address)
    till.provider.silence()
    unknown = till.come_back(address)
    assert f'href="{address}/retour"' in unknown.text
    assert heading(till.come_back(address)) == heading(unknown)
    assert till.events().count("PaymentOutcomeUnknown") == 1
    till.provider.speak()
    till.provider.confirm(reference)
    assert heading(till.come_back(address)) == "Merci, vous ne devez plus rien"


def test_a_bank_that_does_not_answer_the_provider_is_unknown_too(till: Counter):
    address = till.begin()
    till.provider.time_out(till.leave(address))
    assert heading(till.come_back(address)).startswith("Nous ne savons pas encore")


def test_once_all_asking_was_in_vain_somebody_is_on_it(till: Counter):
    address = till.begin()
    till.provider.time_out(till.leave(address))
    till.come_back(address)
    till.clock.later = DAY
    for _ in range(3):
        till.do(CheckPayment(payment_id=address.rpartition("/")[2]))
    text = read(till.get(address))
    assert "s'en occupe depuis le 22 novembre 2026 à 14 h 36" in text
    assert "Prochaine demande" not in text


def test_coming_back_from_nowhere_is_not_unknown(till: Counter):
    till.provider.silence()
    assert heading(till.come_back(till.begin())) == "Vérifiez avant de payer"


def test_a_provider_that_does_not_open_its_page_takes_nothing(till: Counter):
    address = till.begin()
    till.provider.silence()
    answer = till.ask("POST", f"{address}/partir?lang=fr")
    assert "Rien n'a été débité" in read(answer, 503)
    assert answer.headers["retry-after"] == "1"
    assert f'href="{address}?lang=fr"' in answer.text
    assert till.events()[-1] == "PaymentInitiated"


# Languages


def test_a_payment_begun_in_english_is_shown_in_english(till: Counter):
    address = till.begin(language="en")
    first = till.get(address)
    assert '<html lang="en">' in first.text
    assert "Confirm the payment of €711.00" in read(first)
    text = read(till.pay(address))
    assert "Thank you, you owe nothing more" in text
    assert "Paid on 21 November 2026 at 14:36" in text
    assert re.search(r"For November 2026 invoice \S+ To", text)


def test_the_language_asked_for_goes_with_the_payer(till: Counter):
    address = till.begin()
    page = till.get(f"{address}?lang=en", headers={"Accept-Language": "fr"})
    assert page.headers["content-language"] == "en"
    assert f'action="{address}/partir?lang=en"' in page.text
    assert 'href="?lang=fr"' in page.text
    back = till.get(f"{address}/retour?lang=en")
    assert back.headers["location"] == f"{address}?lang=en"
    till.provider.confirm(till.leave(address))
    back = till.get(f"{address}/retour?lang=en").headers["location"]
    assert re.fullmatch(rf"{address}\?lang=en&position=\d+", back)
    assert "Payment slip" in till.get(back).text


def test_a_page_about_no_payment_speaks_the_browsers_language(till: Counter):
    english = till.get(f"/payer/lilas/{UNKNOWN}", headers={"Accept-Language": "en"})
    assert "This page does not exist" in read(english, 404)
    assert "Cette page n'existe pas" in read(till.get(f"/payer/lilas/{UNKNOWN}?lang=de"), 404)


def test_both_languages_say_the_same_things():
    assert WORDS["fr"].keys() == WORDS["en"].keys()
    for name, french in WORDS["fr"].items():
        holes = [sorted(re.findall(r"{\w+}", w)) for w in (french, WORDS["en"][name])]
        assert holes[0] == holes[1], name
        assert not re.search(r"'| [;:!?»]|« ", french), name


# What is not there, and what goes wrong


@pytest.mark.parametrize(
    "address",
    [
        f"/payer/lilas/{UNKNOWN}",
        f"/payer/roses/{UNKNOWN}",
        f"/payer/lilas/{UNKNOWN}/retour",
        f"/payer/lilas/{UNKNOWN}/ticket.pdf",
        "/payer/lilas/not-a-uuid",
        "/payer/lilas/",
        "/payer/",
        "/payer/li%00las/x/y/z",
        f"/payer/li%00las/{UNKNOWN}",
        f"/payer/%ED%A0%80/{UNKNOWN}",
        f"/payer/lilas/{UNKNOWN}?position=-1",
        f"/payer/lilas/{UNKNOWN}?position={10**30}",
    ],
)
def test_what_does_not_exist_is_a_friendly_page(till: Counter, address: str):
    answer = till.get(address)
    assert "Cette page n'existe pas" in read(answer, 404)
    assert "L'ouvrir n'a rien débité." in read(answer, 404)


def test_a_payment_is_not_found_under_another_agency(till: Counter):
    address = till.begin().replace("lilas", "house")
    read(till.get(address), 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_meet_a_page_too(till: Counter, method: str):
    read(till.ask(method, till.begin()), 404)


def test_what_people_wrote_is_escaped(till: Counter):
    for answer in (till.get(till.begin()), till.pay(till.begin(lease=1))):
        assert "<& fils>" not in answer.text
        assert "Les Lilas &lt;&amp; fils&gt;" in answer.text


def test_a_position_from_the_future_is_no_reason_to_wait(till: Counter):
    address = till.begin()
    assert heading(till.get(f"{address}?position={2**62}")) == "Vérifiez avant de payer"


def test_a_page_that_is_behind_says_so_rather_than_show_what_was(till: Counter):
    address = till.begin()
    till.provider.confirm(till.leave(address))
    read(till.get(address))
    till.stop_projecting()
    answer = till.come_back(address)
    assert "Rien n'est perdu. Ne payez pas une seconde fois" in read(answer, 503)
    assert answer.headers["retry-after"] == "1"
    assert re.search(rf'href="{address}\?position=\d+"', answer.text)


def test_a_balance_that_is_behind_says_of_when_it_is(till: Counter, monkeypatch):
    address = till.begin()
    till.pay(address)
    monkeypatch.setattr(standing, "LATE_AFTER_SECONDS", 0.0)
    till.stop_projecting()
    till.begin()
    text = read(till.get(address))
    assert "Ce solde date du" in text
    assert "Il n'est pas perdu." in text
    assert "À jour" not in text
    assert heading(till.get(address)) == "Merci, votre paiement est confirmé"


def test_what_is_confirmed_and_not_yet_in_the_books_is_told_apart(till: Counter):
    address = till.begin()
    till.pay(address)
    till.stop_projecting()
    with till.parts.pool.connection() as connection:
        connection.execute(
            "UPDATE read.accounts SET booked_cents = 71100 WHERE lease_id = %s", [till.leases[0]]
        )
    text = read(till.get(address))
    assert "Avec ce que votre banque a confirmé rien à payer" in text
    assert "Compté dans nos livres il vous reste 711,00 € à payer" in text
    assert "est compté" not in text


def test_a_balance_of_an_account_under_check_is_not_shown(till: Counter):
    address = till.begin()
    till.pay(address)
    with till.parts.pool.connection() as connection:
        connection.execute(
            "UPDATE read.positions SET error = 'x' WHERE projection = 'balances' AND agency = %s",
            [agency_id("lilas")],
        )
    text = read(till.get(address))
    assert "Nous vérifions votre compte" in text
    assert "votre ticket reste valable" in text
    assert "rien à payer" not in text


def test_a_bug_shows_a_number_and_nothing_of_the_inside(till: Counter, monkeypatch):
    address = till.begin()

    monkeypatch.setattr(till.clock, "later", None)
    with capture_logs() as logs:
        answer = till.get(address)
    text = read(answer, 500)
    (bug,) = [line for line in logs if line["event"] == "bug"]
    assert bug["request_id"] in text
    assert "Error" not in answer.text
    assert "traceback" not in answer.text.lower()


# Headers


def test_pages_are_not_kept_framed_told_about_or_made_to_load_anything(till: Counter):
    address = till.begin()
    answers = [
        till.get(address),
        till.get(f"{address}/retour"),
        till.ask("POST", f"{address}/partir"),
        till.get("/payer/lilas/nothing"),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; font-src 'self'; ")
        assert "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; " in policy
    assert answers[0].headers["content-security-policy"].endswith("; form-action 'self' https:")
    assert answers[3].headers["content-security-policy"].endswith("; form-action 'self'")


def test_pages_need_no_script_and_no_inline_style(till: Counter):
    for answer in (till.get(till.begin()), till.pay(till.begin(lease=1))):
        assert "<script" not in answer.text
        assert "style=" not in answer.text
        assert "<style" not in answer.text
        assert not re.search(r"\son\w+=", answer.text)


def test_the_stylesheet_and_the_font_are_kept_for_ever_under_their_content(till: Counter):
    page = till.get(till.begin()).text
    for file, kind in ((STYLESHEET, "text/css; charset=utf-8"), (FONT, "font/woff2")):
        assert f'href="{file.address}"' in page
        assert re.search(r"\.[0-9a-f]{16}\.", file.address)
        answer = till.get(file.address)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        former = till.get(file.address.replace(".", ".0", 1))
        assert former.status_code == 404
        assert "max-age" not in former.headers.get("cache-control", "")
    assert FONT.address in till.get(STYLESHEET.address).text


def test_no_page_of_ours_is_in_the_documentation_for_programs(till: Counter):
    paths = till.app.openapi()["paths"]
    assert not [path for path in paths if path.startswith(("/payer", "/static"))]
