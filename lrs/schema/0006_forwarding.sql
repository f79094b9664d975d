-- Forwarding to other stores: where to, how far, and what was refused there.

CREATE TABLE lrs.forwardings (
    forwarding uuid PRIMARY KEY,
    institution uuid NOT NULL REFERENCES lrs.institutions,
    sealed bytea NOT NULL,
    started_at timestamptz NOT NULL,
    stopped_at timestamptz,
    position bigint NOT NULL,
    sent bigint NOT NULL DEFAULT 0,
    sent_at timestamptz,
    failures int NOT NULL DEFAULT 0,
    failing_since timestamptz,
    failure text
) WITH (fillfactor = 70);
CREATE INDEX forwardings_of_institution ON lrs.forwardings (institution, forwarding);
COMMENT ON TABLE lrs.forwardings IS 'Stores that statements are forwarded to; one row for each ever started.';
COMMENT ON COLUMN lrs.forwardings.forwarding IS 'Stream of its events, ordered by time (UUIDv7). Immutable.';
COMMENT ON COLUMN lrs.forwardings.institution IS 'Institution whose statements they are. Immutable.';
COMMENT ON COLUMN lrs.forwardings.sealed IS 'Address, credentials and selection, under the institution''s record key. Immutable.';
COMMENT ON COLUMN lrs.forwardings.started_at IS 'When. Immutable.';
COMMENT ON COLUMN lrs.forwardings.stopped_at IS 'When it was stopped. Set once.';
COMMENT ON COLUMN lrs.forwardings.position IS 'Everything up to here was taken or refused by the receiver. Mutable: grows.';
COMMENT ON COLUMN lrs.forwardings.sent IS 'Statements that the receiver took, those sent again included. Mutable: grows.';
COMMENT ON COLUMN lrs.forwardings.sent_at IS 'When the receiver last took some. Mutable.';
COMMENT ON COLUMN lrs.forwardings.failures IS 'Attempts that failed since the last success. Mutable.';
COMMENT ON COLUMN lrs.forwardings.failing_since IS 'First of these; null while all is well. Mutable.';
COMMENT ON COLUMN lrs.forwardings.failure IS 'Why the last attempt failed: a kind or an HTTP status, never content. Mutable.';

CREATE TABLE lrs.forwarding_refusals (
    forwarding uuid NOT NULL REFERENCES lrs.forwardings,
    position bigint NOT NULL,
    status int NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (forwarding, position)
);
COMMENT ON TABLE lrs.forwarding_refusals IS 'Statements that a receiver refuses; the others went on.';
COMMENT ON COLUMN lrs.forwarding_refusals.forwarding IS 'Forwarding. Immutable.';
COMMENT ON COLUMN lrs.forwarding_refusals.position IS 'notification_id of the statement. Immutable.';
COMMENT ON COLUMN lrs.forwarding_refusals.status IS 'HTTP status of the refusal. Immutable.';
COMMENT ON COLUMN lrs.forwarding_refusals.refused_at IS 'When. Immutable.';

GRANT SELECT, INSERT ON lrs.forwardings, lrs.forwarding_refusals TO lrs_writer;
GRANT UPDATE (stopped_at, position, sent, sent_at, failures, failing_since, failure)
    ON lrs.forwardings TO lrs_writer;
