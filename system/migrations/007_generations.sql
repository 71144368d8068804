-- Generations of the read models: the rows that serve are in `read`, the ones that are being
-- built beside them in `building`, and the ones that served before in `former`. `checking` holds
-- what is folded anew only to be compared.

CREATE SCHEMA building;
CREATE SCHEMA former;
CREATE SCHEMA checking;

ALTER TABLE read.positions
    ADD generation integer NOT NULL DEFAULT 1,
    ADD traceback  text,
    ADD rebuilt_at timestamptz;
COMMENT ON COLUMN read.positions.generation IS 'Counts how often the rows were exchanged for rebuilt ones: who folds on the former ones is fenced.';
COMMENT ON COLUMN read.positions.traceback IS 'The program''s places on the way to the error: file, line and function, no values.';
CREATE INDEX positions_stopped ON read.positions (projection) WHERE error IS NOT NULL;

CREATE TABLE building.positions (LIKE read.positions INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
CREATE TABLE checking.positions (LIKE read.positions INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);

CREATE TABLE read.generations (
    projection text COLLATE "C" NOT NULL,
    generation integer NOT NULL,
    state      text COLLATE "C" NOT NULL CHECK (state IN ('building', 'serving', 'former', 'dropped')),
    version    integer NOT NULL,
    definition text NOT NULL,
    agencies   uuid[],
    releases   integer NOT NULL DEFAULT 0,
    begun_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ready_at   timestamptz,
    PRIMARY KEY (projection, generation)
);
CREATE UNIQUE INDEX generations_one_of_each ON read.generations (projection, state) WHERE state <> 'dropped';
COMMENT ON TABLE read.generations IS 'What was built for each projection, by which fold; one serves.';
COMMENT ON COLUMN read.generations.version IS 'The version of the fold; with the definition of the tables it says which program may fold here.';
COMMENT ON COLUMN read.generations.agencies IS 'NULL for all; else the only ones that are being built.';
COMMENT ON COLUMN read.generations.releases IS 'How often stopped agencies were let go on: whoever folds looks again when it grows.';
