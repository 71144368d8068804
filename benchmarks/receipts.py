"""Quittance PDFs on one core: how many a month's end lets out.

One thread of one process that is tied to one core prints quittances as the API and the workers
do: content checked and hashed, typst, PDF/A-2a and PDF/UA-1. Each is another tenant's, with another
number and amount. There is no other side. Beside the rate by the clock stands that by the
processor's own time, which other work on the machine does not lower.
"""

from __future__ import annotations

import os
from datetime import date
from time import perf_counter, process_time

from benchmarks import Bench, Measured
from outside.paper import Issuer, Paid, ReceiptContent, Tenancy
from outside.paper.renderer import Renderer, renderer_version

TITLE = "quittance PDFs per second and core"
GOAL = "150 /s"


def measure(bench: Bench) -> Measured:
    measured = Measured()
    # Before typst starts any thread, so that all of them stay on this core.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    renderer = Renderer()
    number, size_bytes = 0, 0
    for _ in range(20):
        renderer.render(quittance(number), "fr")
    for _ in bench.each_round():
        began, began_cpu, printed = perf_counter(), process_time(), 0
        while perf_counter() < began + bench.turn_seconds:
            number += 1
            size_bytes = len(renderer.render(quittance(number), "fr").pdf)
            printed += 1
        measured.add("quittances", printed / (perf_counter() - began), "1/s")
        measured.add("by processor time", printed / (process_time() - began_cpu), "1/s")
    measured.note(f"one core; {size_bytes} bytes each; {renderer_version()}")
    return measured


def quittance(number: int) -> ReceiptContent:
    """A month's rent and charges, paid in two times."""
    rent, charges = 60_000 + number % 40_000, 9_860
    tenancy = Tenancy(
        landlord=Issuer(
            name="SCI du Graoully",
            address=("18 rue des Jardins", "57000 Metz"),
            registration="SIREN 123 456 782",
        ),
        agent=Issuer(name="Agence Exemple", address=("4 place de la Cathédrale", "57000 Metz")),
        tenants=(f"Mme Zoë Roÿ-Bœuf {number}", "M. Łukasz Nguyễn"),
        dwelling=(f"Appartement {number % 90}", "12 rue de l’Exemple", "57000 Metz"),
        lease_reference=f"L-{number:04d}",
        client_reference=f"C-{number:06d}",
    )
    return ReceiptContent(
        number=f"Q-2026-{number:06d}",
        full=True,
        tenancy=tenancy,
        from_on=date(2026, 5, 1),
        until_on=date(2026, 5, 31),
        rent_cents=rent,
        charges_cents=charges,
        total_cents=rent + charges,
        payments=(
            Paid(paid_on=date(2026, 5, 4), amount_cents=rent, means="card"),
            Paid(paid_on=date(2026, 5, 12), amount_cents=charges, means="cheque"),
        ),
        issued_on=date(2026, 5, 12),
        issued_in="Metz",
    )
