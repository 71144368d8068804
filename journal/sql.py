"""The statements of the writer, each written once."""

ROW_TYPES = "SELECT oid::int FROM unnest(%s::regtype[]) WITH ORDINALITY AS t(oid, n) ORDER BY n"

COMMIT = """
WITH wanted AS (
    SELECT * FROM unnest($1::head_move[])
), entries AS MATERIALIZED (
    SELECT * FROM unnest($2::entry_row[])
), asked AS MATERIALIZED (
    SELECT * FROM unnest($3::answer_row[])
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
        e.actor, e.on_behalf_of, e.subjects, e.hash, e.state
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
