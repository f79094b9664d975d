-- Locks lrs.documents: SHARE ROW EXCLUSIVE
-- Locks lrs.attachments: SHARE ROW EXCLUSIVE
-- Uploads under way: what an interrupted one left can be told from content that is somebody's.

CREATE TABLE lrs.uploads (
    content_id uuid PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX uploads_started_at ON lrs.uploads (started_at);
COMMENT ON TABLE lrs.uploads IS 'Contents that no document and no attachment has yet; rows go with the first that has.';
COMMENT ON COLUMN lrs.uploads.content_id IS 'Content, the whole or its first chunks. Immutable.';
COMMENT ON COLUMN lrs.uploads.started_at IS 'When its first chunk was written, or it was found adrift. Immutable.';
COMMENT ON CONSTRAINT uploads_pkey ON lrs.uploads IS 'A content is uploaded once.';
COMMENT ON INDEX lrs.uploads_started_at IS 'Finds what began too long ago.';
GRANT SELECT, INSERT, DELETE ON lrs.uploads TO lrs_writer;

CREATE FUNCTION lrs.end_upload() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM lrs.uploads u WHERE u.content_id = NEW.content_id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION lrs.end_upload IS
    'The content is somebody''s from here on. Waits for a sweep that is taking it, which has then won.';

CREATE TRIGGER end_upload AFTER INSERT ON lrs.documents
    FOR EACH ROW EXECUTE FUNCTION lrs.end_upload();
CREATE TRIGGER end_upload AFTER INSERT ON lrs.attachments
    FOR EACH ROW EXECUTE FUNCTION lrs.end_upload();
COMMENT ON TRIGGER end_upload ON lrs.documents IS 'What somebody has is not swept away.';
COMMENT ON TRIGGER end_upload ON lrs.attachments IS 'What somebody has is not swept away.';

CREATE FUNCTION lrs.sweep_uploads(older interval) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    swept int;
BEGIN
    WITH stale AS (
        DELETE FROM lrs.uploads u WHERE u.started_at < now() - older RETURNING u.content_id
    ), emptied AS (
        DELETE FROM lrs.contents c USING stale WHERE c.content_id = stale.content_id
    )
    SELECT count(*) FROM stale INTO swept;
    RETURN swept;
END $$;
COMMENT ON FUNCTION lrs.sweep_uploads IS
    'Deletes what uploads left that began longer ago than this and never became anything; returns how many.';
GRANT EXECUTE ON FUNCTION lrs.sweep_uploads TO lrs_writer;
