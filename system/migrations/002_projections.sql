-- Where each projection and each reaction stands in each agency's log.
-- The tables of the projections themselves are made from their row classes.

CREATE SCHEMA read;

CREATE TABLE read.positions (
    projection text COLLATE "C" NOT NULL,
    agency     uuid NOT NULL,
    position   bigint NOT NULL,
    version    integer NOT NULL,
    as_of      timestamptz NOT NULL,
    error      text,
    PRIMARY KEY (agency, projection)
) WITH (fillfactor = 50);
COMMENT ON TABLE read.positions IS 'How far each projection has folded each log; moved in the transaction that writes its rows.';
COMMENT ON COLUMN read.positions.as_of IS 'The instant at which the last folded entry was recorded.';
COMMENT ON COLUMN read.positions.error IS 'Why the projection has stopped in this agency, without personal data; NULL while it runs.';

CREATE TABLE reaction_positions (
    reaction text COLLATE "C" NOT NULL,
    agency   uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (reaction, agency)
) WITH (fillfactor = 50);
COMMENT ON TABLE reaction_positions IS 'The last entry of each log for which a reaction has been asked to act.';
