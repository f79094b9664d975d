-- Locks lrs.contents: ACCESS EXCLUSIVE
-- Locks lrs.people: SHARE ROW EXCLUSIVE
-- Locks lrs.activities: SHARE ROW EXCLUSIVE
-- Locks lrs.documents: SHARE ROW EXCLUSIVE
-- Locks lrs.attachments: SHARE ROW EXCLUSIVE
-- Locks lrs.quarantine: SHARE ROW EXCLUSIVE
-- Locks lrs.credentials: SHARE ROW EXCLUSIVE
-- Locks lrs.forwardings: SHARE ROW EXCLUSIVE
-- Locks lrs.erasures: SHARE ROW EXCLUSIVE
-- Locks lrs.erased_identifiers: SHARE ROW EXCLUSIVE
-- Locks lrs.fences: SHARE ROW EXCLUSIVE
-- Usage of each institution, quotas, and the erasure of a whole institution (its closure).
--
-- Nothing here is updated by a write of statements: what was stored is counted from the log
-- afterwards, and contents leave a note of their size that is counted and deleted.

CREATE TABLE lrs.usage (
    institution uuid NOT NULL,
    day date NOT NULL,
    statements bigint NOT NULL,
    documents bigint NOT NULL,
    log_bytes bigint NOT NULL,
    content_bytes bigint NOT NULL,
    freed_bytes bigint NOT NULL,
    PRIMARY KEY (institution, day)
) WITH (fillfactor = 70);
COMMENT ON TABLE lrs.usage IS 'What an institution stored on a day; no count of people.';
COMMENT ON COLUMN lrs.usage.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.usage.day IS 'Day (UTC) on which it was recorded. Immutable.';
COMMENT ON COLUMN lrs.usage.statements IS 'Statements recorded, voided and erased ones too: their events stay. Mutable: grows.';
COMMENT ON COLUMN lrs.usage.documents IS 'Documents written, each version of one. Mutable: grows.';
COMMENT ON COLUMN lrs.usage.log_bytes IS 'Sealed bytes of events of every kind. Mutable: grows.';
COMMENT ON COLUMN lrs.usage.content_bytes IS 'Sealed bytes of contents of documents and attachments. Mutable: grows.';
COMMENT ON COLUMN lrs.usage.freed_bytes IS 'Sealed bytes of contents deleted on that day. Mutable: grows.';

CREATE TABLE lrs.usage_totals (
    institution uuid PRIMARY KEY,
    statements bigint NOT NULL,
    bytes bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE lrs.usage_totals IS 'Sums over all days of lrs.usage, written with it.';
COMMENT ON COLUMN lrs.usage_totals.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.usage_totals.statements IS 'Statements recorded. Mutable: grows.';
COMMENT ON COLUMN lrs.usage_totals.bytes IS 'Sealed bytes held: events, and contents that were not deleted. Mutable.';

CREATE TABLE lrs.usage_cursor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL,
    counted_at timestamptz NOT NULL
) WITH (fillfactor = 50);
INSERT INTO lrs.usage_cursor (position, counted_at) VALUES (0, to_timestamp(0));
COMMENT ON TABLE lrs.usage_cursor IS 'How far the log is counted; moves in the transaction that counts.';
COMMENT ON COLUMN lrs.usage_cursor.one IS 'There is one row. Immutable.';
COMMENT ON COLUMN lrs.usage_cursor.position IS 'Log position up to which all is counted. Mutable: grows.';
COMMENT ON COLUMN lrs.usage_cursor.counted_at IS 'Whatever was committed before is counted. Mutable: grows.';

CREATE TABLE lrs.usage_notes (
    note bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution uuid NOT NULL,
    day date NOT NULL,
    bytes bigint NOT NULL
);
COMMENT ON TABLE lrs.usage_notes IS 'Contents written and deleted since they were last counted; counting deletes the rows.';
COMMENT ON COLUMN lrs.usage_notes.note IS 'Order of arrival. Immutable.';
COMMENT ON COLUMN lrs.usage_notes.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.usage_notes.day IS 'Day (UTC). Immutable.';
COMMENT ON COLUMN lrs.usage_notes.bytes IS 'Sealed bytes written; negative: deleted. Immutable.';

ALTER TABLE lrs.contents ADD COLUMN institution uuid;
COMMENT ON COLUMN lrs.contents.institution IS 'Institution; null in rows of release 0.1, which are not counted as usage. Immutable.';

CREATE FUNCTION lrs.note_contents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO lrs.usage_notes (institution, day, bytes)
        SELECT c.institution, (now() AT TIME ZONE 'UTC')::date,
            sum(octet_length(c.sealed)) * CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END
        FROM changed c WHERE c.institution IS NOT NULL GROUP BY c.institution;
    RETURN NULL;
END $$;
CREATE TRIGGER note_written AFTER INSERT ON lrs.contents REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION lrs.note_contents();
CREATE TRIGGER note_deleted AFTER DELETE ON lrs.contents REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION lrs.note_contents();

-- Bytes 2 to 17 of a state name the institution, in clear.
CREATE FUNCTION lrs.institution_of(state bytea) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN encode(substring(state FROM 2 FOR 16), 'hex')::uuid;
COMMENT ON FUNCTION lrs.institution_of IS 'Returns the institution that the header of a state names.';

CREATE FUNCTION lrs.count_usage(through bigint, at timestamptz, many int) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    first bigint;
    last bigint;
    found bigint;
    taken bigint;
BEGIN
    SELECT c.position INTO first FROM lrs.usage_cursor c FOR UPDATE SKIP LOCKED;
    IF first IS NULL THEN RETURN NULL; END IF;
    SELECT max(p.notification_id), count(*) INTO last, found FROM (
        SELECT e.notification_id FROM lrs.stored_events e
        WHERE e.notification_id > first AND e.notification_id <= through
        ORDER BY e.notification_id LIMIT many) AS p;
    -- Grouped as the bytes stand: to make ids and days of them first costs half as much again.
    WITH grouped AS (
        SELECT substring(e.state FROM 2 FOR 16) AS institution,
            date_bin('1 day', e.recorded_at, '2000-01-01Z') AS day,
            count(*) FILTER (WHERE e.topic = 'statement.stored') AS statements,
            count(*) FILTER (WHERE e.topic = 'document.stored') AS documents,
            sum(octet_length(e.state)) AS log_bytes
        FROM lrs.stored_events e
        WHERE e.notification_id > first AND e.notification_id <= last
        GROUP BY 1, 2
    ), written AS (
        SELECT encode(g.institution, 'hex')::uuid AS institution,
            (g.day AT TIME ZONE 'UTC')::date AS day, g.statements, g.documents, g.log_bytes,
            0 AS content_bytes, 0 AS freed_bytes
        FROM grouped g
    ), notes AS (
        DELETE FROM lrs.usage_notes n WHERE n.note = ANY (ARRAY(
            SELECT u.note FROM lrs.usage_notes u ORDER BY u.note LIMIT many))
        RETURNING n.institution, n.day, n.bytes
    ), news AS (
        SELECT * FROM written UNION ALL
        SELECT n.institution, n.day, 0, 0, 0, greatest(n.bytes, 0), greatest(-n.bytes, 0)
        FROM notes n
    ), days AS (
        INSERT INTO lrs.usage AS u (institution, day, statements, documents, log_bytes,
            content_bytes, freed_bytes)
        SELECT n.institution, n.day, sum(n.statements), sum(n.documents), sum(n.log_bytes),
            sum(n.content_bytes), sum(n.freed_bytes)
        FROM news n
        WHERE NOT EXISTS (SELECT FROM lrs.fences f WHERE f.pseudonym = n.institution)
        GROUP BY n.institution, n.day
        ON CONFLICT (institution, day) DO UPDATE SET
            statements = u.statements + excluded.statements,
            documents = u.documents + excluded.documents,
            log_bytes = u.log_bytes + excluded.log_bytes,
            content_bytes = u.content_bytes + excluded.content_bytes,
            freed_bytes = u.freed_bytes + excluded.freed_bytes
    ), totals AS (
        INSERT INTO lrs.usage_totals AS t (institution, statements, bytes)
        SELECT n.institution, sum(n.statements), sum(n.log_bytes + n.content_bytes - n.freed_bytes)
        FROM news n
        WHERE NOT EXISTS (SELECT FROM lrs.fences f WHERE f.pseudonym = n.institution)
        GROUP BY n.institution
        ON CONFLICT (institution) DO UPDATE SET
            statements = t.statements + excluded.statements, bytes = t.bytes + excluded.bytes
    )
    SELECT count(*) INTO taken FROM notes;
    UPDATE lrs.usage_cursor c SET
        position = CASE WHEN found < many THEN greatest(through, first) ELSE last END,
        counted_at = CASE WHEN found < many AND taken < many
            THEN greatest(at, c.counted_at) ELSE c.counted_at END;
    RETURN found < many AND taken < many;
END $$;
COMMENT ON FUNCTION lrs.count_usage IS
    'Counts up to `many` events after the cursor, through a position that no open transaction can '
    'still come before, as of a moment before that was asked for; and up to `many` notes. Returns '
    'whether that was all; null where another is counting.';

CREATE TABLE lrs.quotas (
    institution uuid PRIMARY KEY,
    statements bigint CHECK (statements >= 0),
    bytes bigint CHECK (bytes >= 0),
    per_day bigint CHECK (per_day >= 0),
    credentials int CHECK (credentials >= 0)
);
COMMENT ON TABLE lrs.quotas IS 'What an institution may store; its events in the log are the truth. No row: no limit.';
COMMENT ON COLUMN lrs.quotas.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.quotas.statements IS 'Statements in all; null is no limit. Mutable.';
COMMENT ON COLUMN lrs.quotas.bytes IS 'Sealed bytes held; null is no limit. Mutable.';
COMMENT ON COLUMN lrs.quotas.per_day IS 'Statements recorded on a day (UTC); null is no limit. Mutable.';
COMMENT ON COLUMN lrs.quotas.credentials IS 'Credentials that are not revoked; null is no limit. Mutable.';

CREATE TABLE lrs.closures (
    closure uuid PRIMARY KEY,
    institution uuid NOT NULL UNIQUE,
    requested_at timestamptz NOT NULL,
    finished_at timestamptz
);
COMMENT ON TABLE lrs.closures IS 'Institutions erased or being erased; the events in the log are the truth.';
COMMENT ON COLUMN lrs.closures.closure IS 'Stream of its events. Immutable.';
COMMENT ON COLUMN lrs.closures.institution IS 'The institution that goes. Immutable.';
COMMENT ON COLUMN lrs.closures.requested_at IS 'When it was asked for. Immutable.';
COMMENT ON COLUMN lrs.closures.finished_at IS 'When its receipt was issued. Set once.';

GRANT SELECT ON lrs.usage, lrs.usage_totals, lrs.usage_cursor, lrs.usage_notes TO lrs_writer;
GRANT SELECT, INSERT, UPDATE ON lrs.quotas TO lrs_writer;
GRANT SELECT, INSERT, UPDATE (finished_at) ON lrs.closures TO lrs_writer;
GRANT EXECUTE ON FUNCTION lrs.institution_of, lrs.count_usage TO lrs_writer;

-- ---------------------------------------------------------------------------------------------
-- Closing. An institution is fenced like a person, under its own id. Statements name it among those
-- who must not be fenced; every other table that it could still write to asks here. Locks are taken
-- in one order everywhere: the log (7001), then this one (7014).

CREATE FUNCTION lrs.fence_institution(institution uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7001);
    PERFORM pg_advisory_xact_lock(7014);
    INSERT INTO lrs.fences (pseudonym, institution)
        VALUES (fence_institution.institution, fence_institution.institution)
        ON CONFLICT DO NOTHING;
END $$;
COMMENT ON FUNCTION lrs.fence_institution IS
    'Waits for the writes under way; from its commit on the institution can write nothing.';

CREATE FUNCTION lrs.refuse_closed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7014);
    IF EXISTS (SELECT FROM lrs.fences f WHERE f.pseudonym = NEW.institution) THEN
        RAISE EXCEPTION 'fenced' USING ERRCODE = 'KB001', DETAIL = NEW.institution::text;
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION lrs.purge_postings(purged uuid, after bigint, many int, OUT last bigint, OUT gone int)
LANGUAGE plpgsql SET search_path = pg_catalog
-- Each page by the indexes: a plan that reads the whole table for a page costs the store each time.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    WITH named AS MATERIALIZED (
        SELECT p.position FROM lrs.postings p
        WHERE p.term = purged AND p.position > after ORDER BY p.position LIMIT many
    ), indexed AS (
        DELETE FROM lrs.statement_index i USING named n WHERE i.position = n.position
        RETURNING i.position, i.terms
    ), unposted AS (
        DELETE FROM lrs.postings p
        USING (SELECT i.position, t.term FROM indexed i, unnest(i.terms) AS t (term)
               UNION SELECT n.position, purged FROM named n) AS d
        WHERE p.term = d.term AND p.position = d.position
    ), unreferred AS (
        DELETE FROM lrs.statement_refs r USING named n WHERE r.position = n.position
    )
    SELECT (SELECT max(position) FROM named), (SELECT count(*) FROM named) INTO last, gone;
END $$;
COMMENT ON FUNCTION lrs.purge_postings IS
    'Deletes index rows, references and all postings of the next `many` statements that a term finds '
    'after a position. Returns the position to go on from, null at the end, and how many there were.';

-- What the writer may not delete otherwise, it may of an institution that is fenced.
CREATE FUNCTION lrs.purge_institution(institution uuid, store text, many int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    gone int;
    doomed CONSTANT text := format(
        'DELETE FROM lrs.%1$I t WHERE t.ctid = ANY (ARRAY(SELECT d.ctid FROM lrs.%1$I d'
        ' WHERE d.institution = $1 LIMIT $2))', store);
BEGIN
    IF NOT EXISTS (SELECT FROM lrs.fences f WHERE f.pseudonym = purge_institution.institution) THEN
        RAISE EXCEPTION '% is not fenced', institution USING ERRCODE = 'KB004';
    END IF;
    IF store IN ('documents', 'attachments') THEN
        -- Contents of release 0.1 are known by these rows alone.
        EXECUTE 'WITH doomed AS (' || doomed || ' RETURNING t.content_id), emptied AS ('
            'DELETE FROM lrs.contents c USING doomed d WHERE c.content_id = d.content_id)'
            ' SELECT count(*) FROM doomed' INTO gone USING institution, many;
        RETURN gone;
    ELSIF store = 'forwardings' THEN
        DELETE FROM lrs.forwarding_refusals r USING lrs.forwardings f
            WHERE r.forwarding = f.forwarding AND f.institution = purge_institution.institution;
    ELSIF store NOT IN ('people', 'activities', 'contents', 'quarantine', 'erasures', 'credentials',
        'quotas', 'usage_notes', 'usage', 'usage_totals', 'institutions') THEN
        RAISE EXCEPTION 'nothing is purged from %', store USING ERRCODE = 'KB004';
    END IF;
    EXECUTE doomed USING institution, many;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;
COMMENT ON FUNCTION lrs.purge_institution IS
    'Deletes up to `many` rows of a fenced institution from one table; returns how many: 0 at the '
    'end. Raises KB004 for an institution that is not fenced. Fences stay, those of persons too.';
GRANT EXECUTE ON FUNCTION lrs.fence_institution, lrs.purge_postings, lrs.purge_institution
    TO lrs_writer;

-- ---------------------------------------------------------------------------------------------
-- The triggers, and why each constraint is there.

COMMENT ON CONSTRAINT usage_pkey ON lrs.usage IS 'Counts of a day are added to its one row.';
COMMENT ON CONSTRAINT usage_totals_pkey ON lrs.usage_totals IS
    'Every process reads the total of each institution with a quota, each second.';
COMMENT ON CONSTRAINT usage_cursor_pkey ON lrs.usage_cursor IS 'There is one row.';
COMMENT ON CONSTRAINT usage_cursor_one_check ON lrs.usage_cursor IS 'There is one row.';
COMMENT ON CONSTRAINT usage_notes_pkey ON lrs.usage_notes IS 'Notes are taken in order of arrival.';
COMMENT ON SEQUENCE lrs.usage_notes_note_seq IS 'Order of arrival; gaps mean nothing.';
COMMENT ON CONSTRAINT quotas_pkey ON lrs.quotas IS 'One quota for each institution.';
COMMENT ON CONSTRAINT quotas_statements_check ON lrs.quotas IS 'Less than nothing is a mistake.';
COMMENT ON CONSTRAINT quotas_bytes_check ON lrs.quotas IS 'Less than nothing is a mistake.';
COMMENT ON CONSTRAINT quotas_per_day_check ON lrs.quotas IS 'Less than nothing is a mistake.';
COMMENT ON CONSTRAINT quotas_credentials_check ON lrs.quotas IS 'Less than nothing is a mistake.';
COMMENT ON CONSTRAINT closures_pkey ON lrs.closures IS 'One row for each stream.';
COMMENT ON CONSTRAINT closures_institution_key ON lrs.closures IS 'An institution goes once.';
COMMENT ON FUNCTION lrs.note_contents IS
    'Leaves a note of the bytes that a statement wrote or deleted; whoever counts takes it.';
COMMENT ON TRIGGER note_written ON lrs.contents IS
    'Bytes are counted from notes, so that no row is written by everybody.';
COMMENT ON TRIGGER note_deleted ON lrs.contents IS 'As note_written.';
COMMENT ON FUNCTION lrs.refuse_closed IS
    'Raises KB001 for a row of an institution that is fenced; used by triggers.';
REVOKE ALL ON FUNCTION lrs.note_contents, lrs.refuse_closed FROM PUBLIC, lrs_writer;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['people', 'activities', 'documents', 'contents', 'attachments',
        'quarantine', 'credentials', 'forwardings', 'erasures', 'erased_identifiers', 'fences',
        'quotas']
    LOOP
        EXECUTE format('CREATE TRIGGER refuse_closed BEFORE INSERT ON lrs.%I FOR EACH ROW'
            ' %s EXECUTE FUNCTION lrs.refuse_closed()', guarded,
            -- The fence of the institution itself may be written again.
            CASE guarded WHEN 'fences' THEN 'WHEN (NEW.pseudonym <> NEW.institution)' ELSE '' END);
        EXECUTE format('COMMENT ON TRIGGER refuse_closed ON lrs.%I IS %L', guarded,
            'What a process writes that has not heard of the closure yet would never be purged.');
    END LOOP;
END $$;
