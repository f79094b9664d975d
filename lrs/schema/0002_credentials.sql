-- Institutions and credentials as reads need them; the events in the log are the truth.

CREATE TABLE lrs.institutions (
    institution uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE lrs.institutions IS 'Tenants: everything else belongs to one of them.';
COMMENT ON COLUMN lrs.institutions.institution IS 'Random id. Immutable.';
COMMENT ON COLUMN lrs.institutions.name IS 'What the operator calls it. Immutable.';
COMMENT ON COLUMN lrs.institutions.created_at IS 'When. Immutable.';

CREATE TABLE lrs.credentials (
    key text PRIMARY KEY,
    credential uuid NOT NULL UNIQUE,
    institution uuid NOT NULL REFERENCES lrs.institutions,
    label bytea NOT NULL,
    roles text[] NOT NULL,
    scopes text[] NOT NULL,
    requests_rate float8 CHECK (requests_rate >= 0),
    statements_rate float8 CHECK (statements_rate >= 0),
    secret_hash text NOT NULL,
    generation int NOT NULL DEFAULT 1,
    old_secret_hash text,
    old_valid_until timestamptz,
    issued_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX credentials_of_institution ON lrs.credentials (institution, credential);
COMMENT ON TABLE lrs.credentials IS 'Who may come in: one row for each credential ever issued.';
COMMENT ON COLUMN lrs.credentials.key IS 'Public half, random. Immutable.';
COMMENT ON COLUMN lrs.credentials.credential IS 'Stream of its events, ordered by time (UUIDv7). Immutable.';
COMMENT ON COLUMN lrs.credentials.institution IS 'Institution that it acts for. Immutable.';
COMMENT ON COLUMN lrs.credentials.label IS 'What the operator calls it, sealed: it may name a person. Immutable.';
COMMENT ON COLUMN lrs.credentials.roles IS 'Roles of its holder. Immutable.';
COMMENT ON COLUMN lrs.credentials.secret_hash IS 'Argon2id of the secret. Mutable: rotation replaces it.';
COMMENT ON COLUMN lrs.credentials.scopes IS 'What its holder reaches as a tool. Immutable.';
COMMENT ON COLUMN lrs.credentials.generation IS 'How many secrets it has had. Mutable: rotation counts it up.';
COMMENT ON COLUMN lrs.credentials.old_secret_hash IS 'Argon2id of the secret before, null without one. Mutable.';
COMMENT ON COLUMN lrs.credentials.old_valid_until IS 'Until when the secret before opens it too. Mutable.';
COMMENT ON COLUMN lrs.credentials.requests_rate IS 'Requests per second and process; 0 is no limit, null what the settings say. Immutable.';
COMMENT ON COLUMN lrs.credentials.statements_rate IS 'Statements per second and process; 0 is no limit, null what the settings say. Immutable.';
COMMENT ON COLUMN lrs.credentials.issued_at IS 'When. Immutable.';
COMMENT ON COLUMN lrs.credentials.revoked_at IS 'When it stopped opening anything. Set once.';

GRANT SELECT, INSERT ON lrs.institutions TO lrs_writer;
GRANT SELECT, INSERT ON lrs.credentials TO lrs_writer;
GRANT UPDATE (revoked_at, secret_hash, generation, old_secret_hash, old_valid_until)
    ON lrs.credentials TO lrs_writer;
