-- What anchors were kept, so that one that is gone from its place is missed.

CREATE TABLE anchors (
    number      bigint PRIMARY KEY,
    anchored_at timestamptz NOT NULL,
    root        bytea NOT NULL,
    sha256      text COLLATE "C" NOT NULL
);
COMMENT ON COLUMN anchors.sha256 IS 'Of the file outside the database that holds the anchor, in hex.';
