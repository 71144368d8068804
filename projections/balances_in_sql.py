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
    SELECT e.agency, e.position, e.name, j ->> 'lease_id' AS lease_id,
        CASE WHEN e.name NOT IN ('ChargePosted', 'PaymentConfirmed')
            THEN coalesce(j ->> 'payment_id', j ->> 'credit_id') END AS source_id,
        (j -> 'amount_cents')::bigint AS cents,
        CASE WHEN e.name = 'CreditPosted' THEN j ->> 'kind' END AS kind,
        CASE WHEN e.name IN ('PaymentAllocated', 'CreditAllocated') THEN
            CASE jsonb_array_length(j -> 'parts')
            WHEN 1 THEN (j #> '{{parts,0,amount_cents}}')::bigint
            WHEN 2 THEN (j #> '{{parts,0,amount_cents}}')::bigint
                + (j #> '{{parts,1,amount_cents}}')::bigint
            ELSE (SELECT coalesce(sum((p -> 'amount_cents')::bigint), 0)
                FROM jsonb_array_elements(j -> 'parts') p)
            END
        END AS paid
    FROM logs l JOIN events e ON e.agency = l.agency AND e.position <= l.upto
    CROSS JOIN LATERAL (SELECT convert_from(e.state, 'UTF8')::jsonb AS j OFFSET 0) f
    WHERE e.agency = ANY(%(agencies)s)
        AND e.name IN ('ChargePosted', 'CreditPosted', 'PaymentConfirmed', 'PaymentBooked',
        'PaymentAllocated', 'CreditAllocated', 'AllocationReversed', 'PaymentSettled',
        'PaymentUnbooked')
), undone AS (
    SELECT lease_id, source_id, agency, max(position) AS position FROM told
    WHERE name = 'AllocationReversed' GROUP BY lease_id, source_id, agency
), source AS MATERIALIZED (
    SELECT t.agency, t.lease_id, t.source_id,
        coalesce(max(t.kind), 'payment') AS kind,
        coalesce(sum(t.cents) FILTER (WHERE t.name = 'ChargePosted'), 0) AS charged,
        coalesce(sum(t.cents) FILTER (WHERE t.name = 'PaymentConfirmed'), 0) AS confirmed,
        sum(t.cents) FILTER (WHERE t.name IN ('CreditPosted', 'PaymentBooked')) AS cents,
        coalesce(sum(t.cents) FILTER (WHERE t.name = 'PaymentSettled'), 0) AS settled_cents,
        coalesce(sum(t.paid) FILTER (WHERE u.position IS NULL OR t.position > u.position), 0)
            AS paid,
        sum(t.cents) FILTER (WHERE t.name = 'PaymentUnbooked') AS unbooked,
        bool_or(t.name IN ('CreditPosted', 'PaymentSettled')) AS settled,
        t.source_id IS NOT NULL AND (
            count(*) FILTER (WHERE t.name IN ('CreditPosted', 'PaymentBooked')) <> 1
            OR min(t.position)
                <> min(t.position) FILTER (WHERE t.name IN ('CreditPosted', 'PaymentBooked'))
            OR max(t.position)
                <> min(t.position) FILTER (WHERE t.name = 'PaymentUnbooked')
            OR (bool_or(t.name = 'CreditPosted')
                AND bool_or(t.name NOT IN ('CreditPosted', 'CreditAllocated')))) AS odd
    FROM told t LEFT JOIN undone u USING (lease_id, source_id, agency)
    GROUP BY t.lease_id, t.source_id, t.agency
), sources AS (
    INSERT INTO {schema}.sources
        (agency, lease_id, source_id, kind, amount_cents, left_cents, settled)
    SELECT agency, lease_id::uuid, source_id::uuid, kind, cents, cents - paid, settled
    FROM source WHERE source_id IS NOT NULL AND unbooked IS NULL
), summed AS (
    SELECT agency, lease_id,
        sum(charged + coalesce(unbooked, 0)
            - CASE WHEN kind = 'payment' THEN 0 ELSE cents END) AS owed,
        sum(confirmed) AS confirmed,
        coalesce(sum(cents) FILTER (WHERE kind = 'payment'), 0) AS booked,
        sum(settled_cents) + coalesce(sum(unbooked) FILTER (WHERE NOT settled), 0) AS settled,
        coalesce(sum(cents - paid - coalesce(unbooked, 0))
            FILTER (WHERE kind <> 'benefit_surplus'), 0) AS credit
    FROM source GROUP BY agency, lease_id
), accounts AS (
    INSERT INTO {schema}.accounts
        (agency, lease_id, confirmed_cents, booked_cents, settled_cents, credit_cents)
    SELECT agency, lease_id::uuid, owed - confirmed, owed - booked, owed - settled, credit
    FROM summed
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
