"""Puts the content of a paper into words, as the strings that its template lays out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any, assert_never

from domain.period import Period
from domain.words import PARIS, Language, amount_in_words, clock_time, euros, long_date, month_name
from domain.words import short_date as short
from outside.paper import (
    Address,
    Content,
    InvoiceContent,
    InvoiceLine,
    Issuer,
    Line,
    Means,
    ReceiptContent,
    Tenancy,
    TicketContent,
)
from outside.paper.phrases import LINES, MEANS, PHRASES, Phrases
from outside.paper.printable import printable

_NAMES = (
    *("dwelling", "landlord", "what", "how", "total", "total_paid", "date", "amount"),
    *("label", "debit", "credit", "month_total", "fingerprint", "page"),
)
"""The phrases that templates take by name; the others are put into sentences here."""

SHORT_CELL = 48
"""So many letters fit one line of the narrowest text column of a ledger, wide letters apart."""

Page = dict[str, Any]
"""What a template reads: strings, lists of strings and None, nothing to be reckoned."""


def page_of(content: Content, language: Language) -> Page:
    """Everything that the template of this kind of paper prints, in words."""
    match content:
        case ReceiptContent():
            page = _receipt(content, language)
        case TicketContent():
            page = _ticket(content, language)
        case InvoiceContent():
            page = _invoice(content, language)
        case _:
            assert_never(content)
    said = PHRASES[language]
    page |= _parties(content.tenancy, said)
    page["marks"] = [page.pop("issued"), *page.pop("references")]
    return page | _measures(page) | {"language": language, "said": {k: said[k] for k in _NAMES}}


def _measures(page: Page) -> Page:
    """What the layout may count on, so that typst need not measure: see `look.typ`.

    `short` when no ledger cell needs a second line; `long` when the paper may need a second page.
    """
    ledgers = [*page.get("lines", []), *page.get("payments", []), *page.get("facts", [])]
    short = all(len(cell) <= SHORT_CELL for row in ledgers for cell in row)
    band = max(_lines_taken(page["giver"], 58), _lines_taken(page["marks"], 40))
    right = _lines_taken([*page["tenants"], *page["recipient"]], 40)
    below = max(_lines_taken(page["dwelling"], 40), _lines_taken(page["landlord"], 40))
    notes = _lines_taken([*page["notes"], *page.get("ways", [])], 80)
    taken = len(ledgers) + max(0, band - 6) + right + below + notes
    return {"short": short, "long": not short or taken > 17, "band_lines": band}


def _lines_taken(texts: list[str], letters_per_line: int) -> int:
    return sum(1 + len(text) // letters_per_line for text in texts)


def printed_at(content: Content) -> datetime:
    """The instant that the file carries: its paper's own, never the clock's."""
    if isinstance(content, TicketContent):
        return content.confirmed_at.astimezone(UTC)
    return datetime.combine(content.issued_on, time(), UTC)


def _receipt(content: ReceiptContent, language: Language) -> Page:
    said = PHRASES[language]
    title = said["quittance" if content.full else "part_receipt"]
    notes = []
    if content.still_due_cents is not None:
        notes.append(said["still_due"].format(euros(content.still_due_cents, language)))
    if content.earlier_due_cents is not None:
        notes.append(said["earlier_due"].format(euros(content.earlier_due_cents, language)))
    if content.subject_to_collection:
        notes.append(said["reserve"])
    law = said["quittance_law" if content.full else "part_law"]
    if content.annuls:
        law += " " + said["annuls"].format(", ".join(map(printable, content.annuls)))
    giver = content.tenancy.agent or content.tenancy.landlord
    for_whom = said["for_agent" if content.tenancy.agent else "for_landlord"]
    return {
        "title": title,
        "number": said["number"].format(printable(content.number)),
        "issued": said["issued_on_f" if content.full else "issued_on"].format(
            long_date(content.issued_on, language)
        ),
        **_period(content.from_on, content.until_on, language),
        "full": content.full,
        "seal": said["paid_full" if content.full else "paid_part"],
        "lead": said["received" if content.full else "received_part"],
        "total": euros(content.total_cents, language),
        "in_words": amount_in_words(content.total_cents, language).replace("'", "’"),
        "lines": _receipt_lines(content, language),
        "payments": [
            [
                short(payment.paid_on),
                _with_detail(payment.means, payment.detail, language),
                euros(payment.amount_cents, language),
            ]
            for payment in content.payments
        ],
        "notes": notes,
        "law": law,
        "done": said["done_at"].format(
            printable(content.issued_in), long_date(content.issued_on, language)
        ),
        "signature": for_whom.format(printable(giver.name)),
        "signed_by": printable(content.signed_by) if content.signed_by else None,
    }


def _receipt_lines(content: ReceiptContent, language: Language) -> list[list[str]]:
    if content.rent_cents is None or content.charges_cents is None:
        return []
    lines = (
        Line(kind="rent", amount_cents=content.rent_cents),
        Line(kind="charges", amount_cents=content.charges_cents),
        *content.other_lines,
    )
    return [[_label(line, language), euros(line.amount_cents, language)] for line in lines]


def _ticket(content: TicketContent, language: Language) -> Page:
    said = PHRASES[language]
    day = long_date(content.confirmed_at.astimezone(PARIS).date(), language)
    hour = clock_time(content.confirmed_at, language)
    facts = [[said["paid_at"], said["at_time"].format(day, hour)]]
    facts.append([said["means"], _with_detail(content.means, content.detail, language)])
    if content.paid_for is not None:
        facts.append([said["paid_for"], _capital(month_name(content.paid_for, language))])
    if content.invoice_number is not None:
        facts.append([said["invoice_of"], printable(content.invoice_number)])
    facts.append([said["provider_reference"], printable(content.provider_reference)])
    fee = euros(content.fee_cents, language) if content.fee_cents else said["no_fee"]
    facts.append([said["fee"], fee])
    if content.balance_after_cents is not None:
        facts.append([said["left"], _left(content.balance_after_cents, language)])
    notes = []
    if content.expected_on is not None:
        notes.append(said["expected"].format(long_date(content.expected_on, language)))
    return {
        "title": said["ticket"],
        "number": said["number"].format(printable(content.number)),
        "issued": day,
        "of": facts[2][1] if content.paid_for is not None else day,
        "facts_header": [said["payment"], said["detail"]],
        "seal": said["paid"],
        "full": True,
        "lead": said["ticket_amount"],
        "total": euros(content.amount_cents, language),
        "confirmed": said["confirmed"].format(day, hour),
        "facts": facts,
        "notes": notes,
        "law": said["ticket_law"],
    }


def _left(cents: int, language: Language) -> str:
    said = PHRASES[language]
    if cents < 0:
        return said["in_advance"].format(euros(-cents, language))
    return euros(cents, language) if cents else said["nothing_left"]


def _invoice(content: InvoiceContent, language: Language) -> Page:
    said = PHRASES[language]
    previous, net = content.previous_balance_cents, content.net_cents
    return {
        "title": said["invoice"],
        "number": said["number"].format(printable(content.number)),
        "issued": said["issued_on"].format(long_date(content.issued_on, language)),
        **_period(content.from_on, content.until_on, language),
        "lines": [_invoice_line(line, language) for line in content.lines],
        "month_total": _in_columns(content.total_cents, language),
        "previous": said["previous" if previous >= 0 else "previous_credit"],
        "previous_amounts": _in_columns(previous, language),
        "net_label": said["net" if net > 0 else "net_credit" if net < 0 else "nothing_due"],
        "net": euros(abs(net), language),
        "when": _when(content, language),
        "ways": _ways_to_pay(content, language) if net > 0 else [],
        "notes": (
            [said["benefit_left"].format(euros(content.benefit_to_tenant_cents, language))]
            if content.benefit_to_tenant_cents is not None
            else []
        ),
        "law": said["invoice_law"],
    }


def _invoice_line(line: InvoiceLine, language: Language) -> list[str]:
    amount = euros(line.amount_cents, language)
    return [_label(line, language), *([amount, ""] if line.side == "debit" else ["", amount])]


def _in_columns(cents: int, language: Language) -> list[str]:
    """A signed amount as DÉBIT and CRÉDIT, so that no reader has to know what a minus means."""
    amount = euros(abs(cents), language)
    return [amount, ""] if cents >= 0 else ["", amount]


def _when(content: InvoiceContent, language: Language) -> str | None:
    said = PHRASES[language]
    if content.net_cents < 0:
        return said["carried"]
    if content.net_cents == 0:
        return None
    if content.debited_on is not None:
        return said["debited_on"].format(long_date(content.debited_on, language))
    return said["due_on"].format(long_date(content.due_on, language))


def _ways_to_pay(content: InvoiceContent, language: Language) -> list[str]:
    said = PHRASES[language]
    ways = []
    if content.debited_on is None and content.means:
        *others, last = (MEANS[language][means] for means in content.means)
        joined = f"{', '.join(others)} {said['or']} {last}" if others else last
        ways.append(said["pay_by"].format(joined))
    if content.pay_online is not None:
        ways.append(said["pay_online"].format(printable(content.pay_online)))
    if content.iban is not None:
        ways.append(said["iban"].format(printable(content.iban)))
    reference = content.tenancy.client_reference or content.tenancy.lease_reference
    return [*ways, said["quote"].format(printable(reference))]


def _parties(tenancy: Tenancy, said: Phrases) -> Page:
    giver = tenancy.agent or tenancy.landlord
    references = [said["lease"].format(printable(tenancy.lease_reference))]
    if tenancy.client_reference is not None:
        references.append(said["client"].format(printable(tenancy.client_reference)))
    return {
        "author": printable(giver.name),
        "giver": [printable(giver.name), *_issuer_lines(giver)],
        "landlord": [printable(tenancy.landlord.name), *_issuer_lines(tenancy.landlord)],
        "agent": (
            [printable(tenancy.agent.name), *_issuer_lines(tenancy.agent)]
            if tenancy.agent is not None
            else None
        ),
        "tenant_label": said["tenant" if len(tenancy.tenants) == 1 else "tenants"],
        "tenants": list(map(printable, tenancy.tenants)),
        "recipient": _lines(tenancy.mailing_address or tenancy.dwelling),
        "dwelling": _lines(tenancy.dwelling),
        "references": references,
    }


def _issuer_lines(issuer: Issuer) -> list[str]:
    more = (issuer.registration, issuer.contact)
    return [*_lines(issuer.address), *(printable(line) for line in more if line is not None)]


def _lines(address: Address) -> list[str]:
    return list(map(printable, address))


def _period(from_on: date, until_on: date, language: Language) -> Page:
    said = PHRASES[language]
    span = said["span"].format(long_date(from_on, language), long_date(until_on, language))
    one_month = (from_on.year, from_on.month) == (until_on.year, until_on.month)
    return {
        "month": _capital(month_name(Period.of(from_on), language)) if one_month else None,
        "span": _capital(span),
    }


def _label(line: Line | InvoiceLine, language: Language) -> str:
    return printable(line.label) if line.label is not None else LINES[language][line.kind]


def _with_detail(means: Means, detail: str | None, language: Language) -> str:
    name = _capital(MEANS[language][means])
    return f"{name}, {printable(detail)}" if detail is not None else name


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
