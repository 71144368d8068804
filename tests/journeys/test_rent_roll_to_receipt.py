"""From a rent roll to a receipt: the running program, as a script or an agency drives it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

READY_SECONDS = 90
HEADER = (
    "Réf. client;Civilité;Nom;Prénom;Né(e) le;E-mail;Téléphone;Réf. bail;N° lot;Nature;Adresse;CP;"
    "Ville;Classe DPE;Date d'entrée;Date de sortie;Loyer HC;Charges;Mode charges;APL;"
    "Dépôt de garantie;Terme;Jour d'échéance;Trimestre IRL;IBAN;Solde au 31/10/2026"
)
FLAT = (
    "C-004217;Mme;Bœuf;Anaïs;01/02/1990;anais.boeuf@exemple.fr;06 01 02 03 04;L-0312;LOT-1;"
    "logement vide;1 rue aux Ours;57000;Metz;C;01/01/2020;;612,40;98,60;provision;;612,40;"
    "à échoir;5;T1;;0,00"
)
GARAGE = (
    "C-004217;Mme;Bœuf;Anaïs;01/02/1990;anais.boeuf@exemple.fr;06 01 02 03 04;L-0313;LOT-2;"
    "garage;1 rue aux Ours;57000;Metz;;01/01/2020;;45,00;0,00;;;45,00;échu;5;T1;;-10,00"
)
FAULTY = GARAGE.replace("L-0313", "L-0314").replace("45,00;0,00", "4S,00;0,00")


class Program:
    """`quittance run` in a folder of its own, and the command line beside it."""

    def __init__(self, folder: Path, database_url: str | None) -> None:
        self.port, bank = _free_port(), _free_port()
        self.env = {
            **{k: v for k, v in os.environ.items() if k != "DATABASE_URL"},
            "DATA_DIR": str(folder / "data"),
            "PORT": str(self.port),
            "DEMO_PROVIDER_PORT": str(bank),
            "LC_ALL": "C.UTF-8",
        }
        if database_url is not None:
            self.env["DATABASE_URL"] = database_url
        self.output = folder / "output.log"
        self.bank = f"http://127.0.0.1:{bank}"
        self.api = f"http://127.0.0.1:{self.port}/v1/agencies/metz"
        self.http = httpx.Client(trust_env=False, timeout=20)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it; the line that says ready."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "system.cli", "run"],
                env=self.env, stdout=subprocess.PIPE, stderr=output,
            )  # fmt: skip
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if b" ready at " in line:
                return line.decode()
        raise AssertionError(self.output.read_text()[-2000:])

    def stop(self) -> int:
        """Press Ctrl-C; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=30)
        return self.process.returncode

    def cli(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "system.cli", *words],
            env=self.env, capture_output=True, text=True, timeout=READY_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == code, (words, done.stdout[-500:], done.stderr[-2000:])
        return done.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.cli(*words, "--json", code=code))

    def sign_in(self, role: str = "admin") -> None:
        token = self.cli("token", "create", "--agency", "metz", "--role", role).strip()
        self.http.headers["Authorization"] = f"Bearer {token}"

    def ask(self, command: str, key: str, **body: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return self.http.post(f"{self.api}/commands/{command}", json=body, headers=headers)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(f"{self.api}/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def program(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Program]:
    on_a_server = bool(os.environ.get("DATABASE_URL"))
    url = request.getfixturevalue("empty_database_url") if on_a_server else None
    program = Program(tmp_path, url)
    yield program
    program.http.close()
    if program.process is not None and program.process.poll() is None:
        program.process.kill()
        program.process.communicate(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _pay(program: Program, key: str, lease_id: str, cents: int, invoice_id: str) -> int:
    """Pay by card on the demo bank's page; the position after the payer has come back."""
    asked = program.ask(
        "initiate-payment", key, lease_id=lease_id, amount_cents=cents,
        terms_accepted_version="2026-01",
        designation={"kind": "explicit", "invoice_ids": [invoice_id]},
    ).json()  # fmt: skip
    payment = asked["ids"]["payment_id"]
    opened = program.http.post(
        f"{program.api}/payments/{payment}/checkout", params={"min_position": asked["position"]}
    ).json()
    card = {"number": "4242 4242 4242 4242", "expiry": "12/30", "cvc": "123", "name": "A. Bœuf"}
    paid = program.http.post(opened["redirect_url"], data=card)
    assert paid.status_code == 303
    back = program.http.get(paid.headers["location"], follow_redirects=True)
    assert back.status_code == 200, back.text
    shown = program.get(f"payments/{payment}", min_position=opened["position"])
    assert shown["payment"]["state"] == "confirmed"
    assert re.fullmatch(r"T-\d{4}-\d{6}", shown["payment"]["ticket_number"])
    return int(shown["freshness"]["position"])


def test_an_agency_goes_from_its_rent_roll_to_a_receipt(program: Program, tmp_path: Path) -> None:
    ready = program.start()
    assert f"http://127.0.0.1:{program.port}" in ready
    assert "token create" in ready
    assert "/docs" in ready

    # The rent roll: one faulty row is given back, the others are kept.
    roll = tmp_path / "roll.csv"
    roll.write_text("\r\n".join((HEADER, FLAT, GARAGE, FAULTY)) + "\r\n", encoding="cp1252")
    refused = program.cli("import", "rent-roll", str(roll), "--agency", "metz", code=3)
    assert refused == ""
    program.cli("agency", "create", "metz", "--siren", "732829320", "--department", "57")
    done = program.json("import", "rent-roll", str(roll), "--agency", "metz", code=1)
    assert (done["imported"], done["unchanged"]) == (2, 0)
    assert [(r["line"], r["column"]) for r in done["rejected"]] == [(4, "Loyer HC")]
    again = program.json("import", "rent-roll", str(roll), "--agency", "metz", code=1)
    assert (again["imported"], again["unchanged"]) == (0, 2)

    # The month: the dry run says what the real run does, and the second run does nothing.
    dry = program.json("bill", "2026-11", "--agency", "metz", "--dry-run")
    real = program.json("bill", "2026-11", "--agency", "metz")
    assert (dry["invoices"], dry["total_cents"]) == (2, 75600)
    assert (real["invoices"], real["total_cents"]) == (2, 75600)
    assert program.json("bill", "2026-11", "--agency", "metz")["already_issued"] == 2

    # A card payment, in two parts; the balance is true at once.
    program.sign_in()
    (lease,) = program.get("leases", reference="L-0312")["items"]
    lease_id = lease["lease_id"]
    (invoice,) = program.get(f"leases/{lease_id}/invoices")["items"]
    assert (invoice["total_cents"], invoice["due_on"]) == (71100, "2026-11-05")
    position = _pay(program, "first", lease_id, 40000, invoice["invoice_id"])
    balance = program.get(f"leases/{lease_id}/balance", min_position=position)
    assert (balance["confirmed_cents"], balance["booked_cents"]) == (31100, 31100)
    assert balance["settled_cents"] == 71100
    partial = program.ask("request-receipt", "r1", lease_id=lease_id, period="2026-11").json()
    assert (partial["ids"]["kind"], partial["ids"]["shortfall_cents"]) == ("receipt", 31100)
    position = _pay(program, "second", lease_id, 31100, invoice["invoice_id"])
    balance = program.get(f"leases/{lease_id}/balance", min_position=position)
    assert balance["confirmed_cents"] == balance["booked_cents"] == 0

    # The quittance, the same bytes each time, and the whole story.
    full = program.ask("request-receipt", "r2", lease_id=lease_id, period="2026-11").json()
    assert full["ids"]["kind"] == "quittance"
    receipts = program.get(f"leases/{lease_id}/receipts", min_position=full["position"])["items"]
    assert (receipts[1]["rent_cents"], receipts[1]["charges_cents"]) == (61240, 9860)
    address = f"{program.api}/receipts/{full['ids']['receipt_id']}/pdf"
    pdf = program.http.get(address)
    assert pdf.content.startswith(b"%PDF-")
    assert program.http.get(address).content == pdf.content
    story = program.get(f"leases/{lease_id}/history")["items"]
    names = [moment["name"] for moment in story]
    assert names[0] == "LeaseSigned"
    assert names.count("PaymentBooked") == 2
    assert names[-1] in ("RentReceiptIssued", "DocumentStored")

    health = program.http.get(f"http://127.0.0.1:{program.port}/health").json()
    assert health["status"] == "ok"
    assert set(health["position_lag"]) >= {"account", "payments", "timeline"}

    # Ctrl-C stops all of it, and the next start finds everything again.
    assert program.stop() == 0
    with pytest.raises(httpx.ConnectError):
        program.http.get(f"{program.bank}/v1/healthz")
    program.start()
    assert program.get(f"leases/{lease_id}/balance")["booked_cents"] == 0
    assert program.stop() == 0


def test_a_taken_port_is_said_in_one_sentence(program: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", program.port))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "system.cli", "run"],
            env=program.env, capture_output=True, text=True, timeout=READY_SECONDS, check=False,
        )  # fmt: skip
    assert done.returncode in (2, 4)
    assert str(program.port) in done.stderr
    assert "Traceback" not in done.stderr
