-- Quarantine: what was refused, for a while; and what credentials are let through with.

CREATE TABLE lrs.quarantine (
    item uuid PRIMARY KEY,
    institution uuid NOT NULL,
    credential text NOT NULL,
    reason text NOT NULL,
    rule text NOT NULL,
    xapi_version text NOT NULL,
    statements int NOT NULL,
    digest bytea,
    sealed bytea NOT NULL,
    received_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    times bigint NOT NULL DEFAULT 1,
    UNIQUE (credential, digest)
) WITH (fillfactor = 80);
CREATE INDEX quarantine_of_institution ON lrs.quarantine (institution, item);
CREATE INDEX quarantine_of_credential ON lrs.quarantine (credential, item);
CREATE INDEX quarantine_age ON lrs.quarantine (received_at);
COMMENT ON TABLE lrs.quarantine IS 'Refused requests: one row for each, however often it came. Rows are dropped, and go with age.';
COMMENT ON COLUMN lrs.quarantine.item IS 'Random, ordered by time (UUIDv7). Immutable.';
COMMENT ON COLUMN lrs.quarantine.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.quarantine.credential IS 'Key of the credential that it came by. Immutable.';
COMMENT ON COLUMN lrs.quarantine.reason IS 'invalid, conflict, erased or too-large. Immutable.';
COMMENT ON COLUMN lrs.quarantine.rule IS 'Code of the rule that was broken first. Immutable.';
COMMENT ON COLUMN lrs.quarantine.xapi_version IS 'Version that it was to be read by. Immutable.';
COMMENT ON COLUMN lrs.quarantine.statements IS 'How many statements it had; 0 where it could not be read. Immutable.';
COMMENT ON COLUMN lrs.quarantine.digest IS 'Keyed hash of what was kept of it, by which the same is known again; null once a part was erased. Mutable.';
COMMENT ON COLUMN lrs.quarantine.sealed IS 'What was wrong with the request, not with one statement; under the institution''s record key. Immutable.';
COMMENT ON COLUMN lrs.quarantine.received_at IS 'When it came first. Immutable.';
COMMENT ON COLUMN lrs.quarantine.last_at IS 'When it came last. Mutable.';
COMMENT ON COLUMN lrs.quarantine.times IS 'How often it came. Mutable: grows.';

CREATE TABLE lrs.quarantined_statements (
    item uuid NOT NULL REFERENCES lrs.quarantine ON DELETE CASCADE,
    number int NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (item, number)
);
ALTER TABLE lrs.quarantined_statements ALTER COLUMN sealed SET STORAGE EXTERNAL;
COMMENT ON TABLE lrs.quarantined_statements IS 'The statements of refused requests; erasure deletes rows.';
COMMENT ON COLUMN lrs.quarantined_statements.item IS 'Request. Immutable.';
COMMENT ON COLUMN lrs.quarantined_statements.number IS 'Place in the request, from 0. Immutable.';
COMMENT ON COLUMN lrs.quarantined_statements.sealed IS 'The statement, if kept, and what is wrong with it; under the institution''s record key. Immutable.';

CREATE TABLE lrs.quarantined_people (
    item uuid NOT NULL,
    number int NOT NULL,
    fence bytea NOT NULL,
    PRIMARY KEY (item, number, fence),
    FOREIGN KEY (item, number) REFERENCES lrs.quarantined_statements ON DELETE CASCADE
);
CREATE INDEX quarantined_people_fence ON lrs.quarantined_people (fence);
COMMENT ON TABLE lrs.quarantined_people IS 'By which identifiers erasure finds a refused statement.';
COMMENT ON COLUMN lrs.quarantined_people.item IS 'Request. Immutable.';
COMMENT ON COLUMN lrs.quarantined_people.number IS 'Place in the request. Immutable.';
COMMENT ON COLUMN lrs.quarantined_people.fence IS 'Keyed fence of an identifier, as in erased_identifiers. Immutable.';

GRANT SELECT, INSERT, DELETE
    ON lrs.quarantine, lrs.quarantined_statements, lrs.quarantined_people TO lrs_writer;
GRANT UPDATE (digest, last_at, times) ON lrs.quarantine TO lrs_writer;

ALTER TABLE lrs.credentials ADD COLUMN tolerance text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN lrs.credentials.tolerance IS 'Deviations that it is let through with. Mutable.';
GRANT UPDATE (tolerance) ON lrs.credentials TO lrs_writer;
