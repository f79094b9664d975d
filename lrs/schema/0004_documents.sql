-- Documents (State, Agent Profile, Activity Profile), and the content that is too large for events:
-- documents and attachments, in sealed chunks.

CREATE TABLE lrs.contents (
    content_id uuid NOT NULL,
    number int NOT NULL CHECK (number >= 0),
    sealed bytea NOT NULL,
    PRIMARY KEY (content_id, number)
);
ALTER TABLE lrs.contents ALTER COLUMN sealed SET STORAGE EXTERNAL;
COMMENT ON TABLE lrs.contents IS 'Content of documents and attachments in chunks, sealed under its owner''s key.';
COMMENT ON COLUMN lrs.contents.content_id IS 'Random; named by the event that the content belongs to. Immutable.';
COMMENT ON COLUMN lrs.contents.number IS 'Place of the chunk, from 0. Immutable.';
COMMENT ON COLUMN lrs.contents.sealed IS 'One box, bound to institution, content and number. Immutable.';

CREATE TABLE lrs.documents (
    document uuid PRIMARY KEY,
    institution uuid NOT NULL,
    holder uuid NOT NULL,
    registration uuid,
    owner uuid NOT NULL,
    version bigint NOT NULL,
    content_id uuid NOT NULL,
    sealed bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE INDEX documents_holder ON lrs.documents (holder, updated_at);
CREATE INDEX documents_owner ON lrs.documents (institution, owner);
COMMENT ON TABLE lrs.documents IS 'The documents as they are now; deleted ones have no row.';
COMMENT ON COLUMN lrs.documents.document IS 'Stream: keyed hash of institution and address. Immutable.';
COMMENT ON COLUMN lrs.documents.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.documents.holder IS 'Keyed hash of kind, activity and person: what is listed together. Immutable.';
COMMENT ON COLUMN lrs.documents.registration IS 'Registration of a State document. Immutable.';
COMMENT ON COLUMN lrs.documents.owner IS 'Whose key seals it: a person''s pseudonym, or the institution. Immutable.';
COMMENT ON COLUMN lrs.documents.version IS 'Version of the stream that this is. Mutable: grows.';
COMMENT ON COLUMN lrs.documents.content_id IS 'Its content. Mutable.';
COMMENT ON COLUMN lrs.documents.sealed IS 'Id, type, size and digests, sealed. Mutable.';
COMMENT ON COLUMN lrs.documents.updated_at IS 'Start of the transaction that wrote it. Mutable.';

GRANT SELECT, INSERT, DELETE ON lrs.contents TO lrs_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON lrs.documents TO lrs_writer;

CREATE FUNCTION lrs.append_document(
    originator uuid, version bigint, topic text, state bytea,
    institution uuid, holder uuid, registration uuid, owner uuid, content_id uuid, sealed bytea
) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    at bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7001);
    IF EXISTS (SELECT FROM lrs.fences f WHERE f.pseudonym = append_document.owner) THEN
        RAISE EXCEPTION 'fenced' USING ERRCODE = 'KB001', DETAIL = append_document.owner::text;
    END IF;
    at := nextval('lrs.notification_ids');
    INSERT INTO lrs.stored_events (originator_id, originator_version, topic, state, notification_id)
        VALUES (originator, append_document.version, append_document.topic, append_document.state, at);
    DELETE FROM lrs.documents d WHERE d.document = originator;
    IF append_document.content_id IS NOT NULL THEN
        INSERT INTO lrs.documents
            (document, institution, holder, registration, owner, version, content_id, sealed)
            VALUES (originator, append_document.institution, append_document.holder,
                append_document.registration, append_document.owner, append_document.version,
                append_document.content_id, append_document.sealed);
    END IF;
    RETURN at;
END $$;
COMMENT ON FUNCTION lrs.append_document IS
    'Appends a document''s event and brings its row up to date; a taken version is a unique '
    'violation, a fenced owner raises KB001. Without content the document is deleted.';
