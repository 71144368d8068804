-- What one batch of the writer carries: rows that come over the wire as they are stored.
-- Types of their own, and not those of the tables: a table may get a column while an older
-- program still writes.

CREATE TYPE head_move AS (
    agency        uuid,
    expected      bigint,
    expected_hash bytea,
    position      bigint,
    hash          bytea,
    recorded_at   timestamptz
);
COMMENT ON TYPE head_move IS 'A log of the batch: the head that it must have, and the head that it will have.';

CREATE TYPE entry_row AS (
    agency         uuid,
    position       bigint,
    recorded_at    timestamptz,
    hash           bytea,
    stream         uuid,
    event_id       uuid,
    version        integer,
    schema_version integer,
    effective_on   date,
    actor          text,
    on_behalf_of   text,
    command_id     uuid,
    correlation_id uuid,
    causation_id   uuid,
    name           text,
    subjects       uuid[],
    state          bytea
);

CREATE TYPE answer_row AS (
    agency     uuid,
    position   bigint,
    principal  text,
    key        text,
    body_hash  bytea,
    answer     bytea,
    kept_until timestamptz
);
