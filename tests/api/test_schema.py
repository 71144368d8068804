"""What the documentation says and what the edge does are the same, for whatever is sent."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection

from api.limits import FIRST_YEAR, LAST_YEAR
from domain.principal import Role
from journal import agency_id
from tests.api.premises import Premises

load_all_checks()

# A schema cannot say which part of the calendar is ours: `date` ends at year 9999 there.
dates = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))
schemathesis.openapi.format("date", dates.map(str))

OPERATIONS = ["TakeEdgeNote", "NoteEdgePerson", "CountEdgeNotes", "head", "health"]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_the_edge_does_what_its_documentation_says(
    edge: Premises, operation_id: str, mode: GenerationMode
):
    edge.shown.positions = {agency_id("lilas"): 10**6}
    schema = schemathesis.openapi.from_asgi("/openapi.json", edge.app)
    # Nor can it say that a text has no NUL.
    schema.config.generation.update(allow_x00=False)
    operation = schema.find_operation_by_id(operation_id)
    if mode is GenerationMode.NEGATIVE and operation_id == "health":
        pytest.skip("nothing can be wrong with a request that says nothing")

    @settings(
        max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
    def holds(case, known: bool) -> None:
        if known and "agency" in case.path_parameters:
            case.path_parameters["agency"] = "lilas"
        case.body = whole(case.body)
        if mode is GenerationMode.POSITIVE and "Idempotency-Key" in case.headers:
            # Examples share keys, and a key with another body is refused.
            case.headers["Idempotency-Key"] = str(uuid4())
        response = case.call(headers={"Authorization": f"Bearer {edge.tokens[Role.AGENT]}"})
        assert response.status_code != 500
        # 503 is documented: a position that nobody has reached yet. Tokens have their own tests.
        excluded = [not_a_server_error, ignored_auth]
        if known and operation_id == "head":
            # Its one field is right now, and surplus ones in the query are passed over.
            excluded.append(negative_data_rejection)
        case.validate_response(response, excluded_checks=excluded)

    holds()


def whole(value: Any) -> Any:
    """A schema takes 123.0 for an integer; we take integers that are written as such."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: whole(held) for name, held in value.items()}
        case list():
            return [whole(held) for held in value]
    return value


def test_every_answer_of_a_command_is_documented(edge: Premises):
    spec = edge.app.openapi()
    commands = [path for path in spec["paths"] if "/commands/" in path]
    assert len(commands) == 4
    for path in commands:
        answers = spec["paths"][path]["post"]["responses"]
        assert set(answers) == {
            "200", "401", "403", "404", "409", "413", "415", "422", "503",
        }  # fmt: skip
        for status, answer in answers.items():
            kind = "application/json" if status == "200" else "application/problem+json"
            assert list(answer["content"]) == [kind]
