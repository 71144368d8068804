-- The journal: one log per agency, its head, its keys, and what has been answered.

CREATE TABLE heads (
    agency      uuid PRIMARY KEY,
    position    bigint NOT NULL DEFAULT 0,
    hash        bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00+00'
) WITH (fillfactor = 20);
COMMENT ON TABLE heads IS 'One row per agency: the last position, hash and instant of its log. Appending takes this row.';

CREATE TABLE events (
    agency         uuid NOT NULL,
    position       bigint NOT NULL,
    stream         uuid NOT NULL,
    event_id       uuid NOT NULL,
    command_id     uuid NOT NULL,
    correlation_id uuid NOT NULL,
    causation_id   uuid,
    recorded_at    timestamptz NOT NULL,
    version        integer NOT NULL,
    schema_version integer NOT NULL,
    effective_on   date NOT NULL,
    name           text COLLATE "C" NOT NULL,
    actor          text COLLATE "C" NOT NULL,
    on_behalf_of   text COLLATE "C",
    subjects       uuid[] NOT NULL,
    hash           bytea NOT NULL,
    state          bytea NOT NULL,
    PRIMARY KEY (agency, position),
    UNIQUE (agency, stream, version)
);
COMMENT ON COLUMN events.state IS 'The exact bytes of the fact as JSON in UTF-8; personal fields sealed.';
COMMENT ON COLUMN events.hash IS 'SHA-256(previous hash || header || SHA-256(state)); see docs/decisions.';

CREATE TABLE answers (
    agency     uuid NOT NULL,
    principal  text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL,
    body_hash  bytea NOT NULL,
    position   bigint NOT NULL,
    answer     bytea NOT NULL,
    kept_until timestamptz,
    PRIMARY KEY (agency, principal, key)
);
COMMENT ON COLUMN answers.kept_until IS 'When a repetition is forgotten; NULL for ever (reactions, clock, imports).';
CREATE INDEX answers_kept_until ON answers (kept_until) WHERE kept_until IS NOT NULL;

CREATE TABLE data_keys (
    agency     uuid NOT NULL,
    subject    uuid NOT NULL,
    wrapped    bytea,
    made_at    timestamptz NOT NULL DEFAULT now(),
    erased_at  timestamptz,
    PRIMARY KEY (agency, subject)
);
COMMENT ON COLUMN data_keys.wrapped IS 'The key of one person in one agency, under the master key; NULL once destroyed.';
