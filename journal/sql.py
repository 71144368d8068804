"""The statements of the writer, each written once."""

COMMIT = """
WITH wanted AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[],
                         $6::timestamptz[])
        AS w(agency, expected, expected_hash, position, hash, recorded_at)
), entries AS MATERIALIZED (
    SELECT * FROM unnest(
        $7::uuid[], $8::bigint[], $9::uuid[], $10::uuid[], $11::uuid[], $12::uuid[], $13::uuid[],
        $14::timestamptz[], $15::integer[], $16::integer[], $17::date[], $18::text[], $19::text[],
        $20::text[], $21::text[], $22::bytea[], $23::bytea[]
    ) AS e(agency, position, stream, event_id, command_id, correlation_id, causation_id,
           recorded_at, version, schema_version, effective_on, name, actor, on_behalf_of,
           subjects, hash, state)
), asked AS MATERIALIZED (
    SELECT * FROM unnest($24::uuid[], $25::text[], $26::text[], $27::bytea[], $28::bigint[],
                         $29::bytea[], $30::timestamptz[])
        AS a(agency, principal, key, body_hash, position, answer, kept_until)
), answered AS MATERIALIZED (
    SELECT s.agency, s.principal, s.key, s.position, s.answer, s.body_hash
    FROM asked a JOIN answers s
        ON s.agency = a.agency AND s.principal = a.principal AND s.key = a.key
), held AS MATERIALIZED (
    SELECT h.agency FROM heads h JOIN wanted w
        ON h.agency = w.agency AND h.position = w.expected AND h.hash = w.expected_hash
    WHERE NOT EXISTS (SELECT FROM answered s WHERE s.agency = w.agency)
    FOR UPDATE OF h SKIP LOCKED
), moved AS (
    UPDATE heads h SET position = w.position, hash = w.hash, recorded_at = w.recorded_at
    FROM wanted w JOIN held USING (agency) WHERE h.agency = w.agency
), stored AS (
    INSERT INTO events (agency, position, stream, event_id, command_id, correlation_id,
        causation_id, recorded_at, version, schema_version, effective_on, name, actor,
        on_behalf_of, subjects, hash, state)
    SELECT e.agency, e.position, e.stream, e.event_id, e.command_id, e.correlation_id,
        e.causation_id, e.recorded_at, e.version, e.schema_version, e.effective_on, e.name,
        e.actor, e.on_behalf_of, e.subjects::uuid[], e.hash, e.state
    FROM entries e WHERE e.agency IN (SELECT agency FROM held)
), remembered AS (
    INSERT INTO answers (agency, principal, key, body_hash, position, answer, kept_until)
    SELECT a.agency, a.principal, a.key, a.body_hash, a.position, a.answer, a.kept_until
    FROM asked a WHERE a.agency IN (SELECT agency FROM held)
)
SELECT agency, NULL AS principal, NULL AS key, NULL::bigint, NULL::bytea, NULL::bytea FROM held
UNION ALL
SELECT agency, principal, key, position, answer, body_hash FROM answered
"""

VERSIONS = """
SELECT s.stream, coalesce(
    (SELECT max(e.version) FROM events e WHERE e.agency = a.agency AND e.stream = s.stream), -1)
FROM unnest(%s::uuid[]) AS s(stream), (SELECT %s::uuid) AS a(agency)
"""
