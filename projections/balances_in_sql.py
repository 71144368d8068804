"""What does each lease owe: the fold of `balances.py` for whole logs, as one statement."""

from domain.payment import PaymentConfirmed, PaymentSettled
from domain.rent_account import (
    AllocationReversed,
    ChargePosted,
    CreditAllocated,
    CreditPosted,
    PaymentAllocated,
    PaymentBooked,
    PaymentUnbooked,
)
from projections.in_sql import InSql

# A source is begun once, by a credit or a booking, and ended by an unbooking; whatever comes
# before or after, or twice, is odd. Of what it paid, only what came after the last reversal
# counts. So all that an account needs of its sources is known once each is summed up.
_STATEMENT = """
WITH logs AS (
    SELECT * FROM unnest(%(agencies)s::uuid[], %(uptos)s::bigint[]) AS l(agency, upto)
), told AS MATERIALIZED (
    SELECT e.agency, e.position, e.name, (j ->> 'lease_id')::uuid AS lease_id,
        CASE WHEN e.name NOT IN ('ChargePosted', 'PaymentConfirmed')
            THEN coalesce(j ->> 'payment_id', j ->> 'credit_id')::uuid END AS source_id,
        (j ->> 'amount_cents')::bigint AS cents,
        CASE WHEN e.name = 'CreditPosted' THEN j ->> 'kind' END AS kind,
        CASE WHEN e.name IN ('PaymentAllocated', 'CreditAllocated') THEN
            (SELECT sum((p ->> 'amount_cents')::bigint) FROM jsonb_array_elements(j -> 'parts') p)
        END AS paid
    FROM logs l JOIN events e ON e.agency = l.agency AND e.position <= l.upto
    CROSS JOIN LATERAL (SELECT convert_from(e.state, 'UTF8')::jsonb AS j OFFSET 0) f
    WHERE e.name IN ('ChargePosted', 'CreditPosted', 'PaymentConfirmed', 'PaymentBooked',
        'PaymentAllocated', 'CreditAllocated', 'AllocationReversed', 'PaymentSettled',
        'PaymentUnbooked')
), undone AS (
    SELECT agency, lease_id, source_id, max(position) AS position FROM told
    WHERE name = 'AllocationReversed' GROUP BY agency, lease_id, source_id
), source AS MATERIALIZED (
    SELECT t.agency, t.lease_id, t.source_id,
        coalesce(max(t.kind), 'payment') AS kind,
        sum(t.cents) FILTER (WHERE t.name IN ('CreditPosted', 'PaymentBooked')) AS cents,
        coalesce(sum(t.paid) FILTER (WHERE u.position IS NULL OR t.position > u.position), 0)
            AS paid,
        max(t.cents) FILTER (WHERE t.name = 'PaymentUnbooked') AS unbooked,
        bool_or(t.name IN ('CreditPosted', 'PaymentSettled')) AS settled,
        count(*) FILTER (WHERE t.name IN ('CreditPosted', 'PaymentBooked')) <> 1
            OR min(t.position)
                <> min(t.position) FILTER (WHERE t.name IN ('CreditPosted', 'PaymentBooked'))
            OR max(t.position)
                <> min(t.position) FILTER (WHERE t.name = 'PaymentUnbooked')
            OR (bool_or(t.name = 'CreditPosted')
                AND bool_or(t.name NOT IN ('CreditPosted', 'CreditAllocated'))) AS odd
    FROM told t LEFT JOIN undone u USING (agency, lease_id, source_id)
    WHERE t.source_id IS NOT NULL GROUP BY t.agency, t.lease_id, t.source_id
), sources AS (
    INSERT INTO {schema}.sources
        (agency, lease_id, source_id, kind, amount_cents, left_cents, settled)
    SELECT agency, lease_id, source_id, kind, cents, cents - paid, settled
    FROM source WHERE unbooked IS NULL
), posted AS (
    SELECT agency, lease_id,
        sum(CASE name WHEN 'ChargePosted' THEN cents WHEN 'CreditPosted' THEN -cents
            WHEN 'PaymentUnbooked' THEN cents ELSE 0 END) AS owed,
        coalesce(sum(cents) FILTER (WHERE name = 'PaymentConfirmed'), 0) AS confirmed,
        coalesce(sum(cents) FILTER (WHERE name = 'PaymentBooked'), 0) AS booked,
        coalesce(sum(cents) FILTER (WHERE name = 'PaymentSettled'), 0) AS settled
    FROM told GROUP BY agency, lease_id
), spent AS (
    SELECT agency, lease_id,
        coalesce(sum(cents - paid - coalesce(unbooked, 0))
            FILTER (WHERE kind <> 'benefit_surplus'), 0) AS credit,
        coalesce(sum(unbooked) FILTER (WHERE NOT settled), 0) AS never_settled
    FROM source GROUP BY agency, lease_id
), accounts AS (
    INSERT INTO {schema}.accounts
        (agency, lease_id, confirmed_cents, booked_cents, settled_cents, credit_cents)
    SELECT p.agency, p.lease_id, p.owed - p.confirmed, p.owed - p.booked,
        p.owed - p.settled - coalesce(s.never_settled, 0), coalesce(s.credit, 0)
    FROM posted p LEFT JOIN spent s USING (agency, lease_id)
)
SELECT count(*) FROM source WHERE odd
"""

BALANCES = InSql(
    (
        ChargePosted, CreditPosted, PaymentConfirmed, PaymentBooked, PaymentAllocated,
        CreditAllocated, AllocationReversed, PaymentSettled, PaymentUnbooked,
    ),
    _STATEMENT,
)  # fmt: skip
