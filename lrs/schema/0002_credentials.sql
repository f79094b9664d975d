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
    secret_hash text NOT NULL,
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
COMMENT ON COLUMN lrs.credentials.secret_hash IS 'Argon2id of the secret. Immutable.';
COMMENT ON COLUMN lrs.credentials.issued_at IS 'When. Immutable.';
COMMENT ON COLUMN lrs.credentials.revoked_at IS 'When it stopped opening anything. Set once.';

GRANT SELECT, INSERT ON lrs.institutions TO lrs_writer;
GRANT SELECT, INSERT, UPDATE (revoked_at) ON lrs.credentials TO lrs_writer;
