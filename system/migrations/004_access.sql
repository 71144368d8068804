-- Access: who may do what. Global and outside the journal; events name the ids alone.

CREATE TABLE tokens (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    role          text COLLATE "C" NOT NULL,
    agencies      uuid[] NOT NULL CHECK (cardinality(agencies) > 0),
    secret_sha256 bytea NOT NULL CHECK (octet_length(secret_sha256) = 32),
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    revoked_at    timestamptz,
    last_used_on  date,
    CHECK (role IN ('service', 'agent', 'accountant', 'auditor', 'admin')),
    CHECK (expires_at > created_at)
);
COMMENT ON COLUMN tokens.secret_sha256 IS 'A plain hash suffices: the secret is 32 random bytes, which nobody can guess.';
COMMENT ON COLUMN tokens.last_used_on IS 'The Paris date of the last use, written at most once a day.';
