-- Locks lrs.contents: SHARE UPDATE EXCLUSIVE
-- Locks lrs.credentials: ACCESS EXCLUSIVE
-- Locks lrs.documents: ACCESS EXCLUSIVE
-- Locks lrs.erased_identifiers: SHARE ROW EXCLUSIVE
-- Locks lrs.fences: SHARE ROW EXCLUSIVE
-- Locks lrs.forwardings: ACCESS EXCLUSIVE
-- Locks lrs.postings: SHARE UPDATE EXCLUSIVE
-- Locks lrs.quarantine: ACCESS EXCLUSIVE
-- Locks lrs.statement_index: SHARE UPDATE EXCLUSIVE
-- Locks lrs.stored_events: ACCESS EXCLUSIVE
-- What the database refuses by itself, whoever asks: rights of each role, triggers that nothing
-- skips, values that cannot be. Constraints are checked for new rows from here on; the rows that
-- are there are checked by 0009_defence.concurrent.sql, which locks nobody out.

-- ---------------------------------------------------------------------------------------------
-- Who may what. Nothing is anybody's by default.

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lrs_reader') THEN
        CREATE ROLE lrs_reader NOLOGIN;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO lrs_writer, lrs_reader', current_database());
    -- The key store may stand on another server, and its role with it.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'lrs_keys') THEN
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO lrs_keys', current_database());
    END IF;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
END $$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA lrs FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA lrs FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA lrs FROM PUBLIC;
-- Functions are the one kind of object that PUBLIC may use from the start.
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA lrs GRANT EXECUTE ON FUNCTIONS TO lrs_writer;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA lrs TO lrs_writer;

-- The writer gives no time: `recorded_at` is the database's own clock, or nothing.
REVOKE INSERT ON lrs.stored_events FROM lrs_writer;
GRANT INSERT (originator_id, originator_version, topic, state, notification_id)
    ON lrs.stored_events TO lrs_writer;
REVOKE UPDATE ON lrs.activities, lrs.documents FROM lrs_writer;
GRANT UPDATE (sealed) ON lrs.activities TO lrs_writer;

-- The reader opens records with the keys that a process of ours gets elsewhere. It does not see
-- secrets of credentials and receivers, nor what was refused.
GRANT USAGE ON SCHEMA lrs TO lrs_reader;
GRANT SELECT ON lrs.stored_events, lrs.statement_index, lrs.postings, lrs.statement_refs,
    lrs.people, lrs.fences, lrs.activities, lrs.contents, lrs.documents, lrs.attachments,
    lrs.institutions, lrs.erasures TO lrs_reader;
GRANT EXECUTE ON FUNCTION lrs.position_before TO lrs_reader;

-- ---------------------------------------------------------------------------------------------
-- Rows that stay. ALWAYS: a session that plays a replica (session_replication_role) does not skip
-- them, and the owner would have to drop or disable them by name.

CREATE FUNCTION lrs.keep_rows() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '%.% keeps its rows: % is refused',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
COMMENT ON FUNCTION lrs.keep_rows IS
    'Refuses whatever would change or lose a row, of the owner too; used by triggers.';
REVOKE ALL ON FUNCTION lrs.keep_rows FROM lrs_writer;

ALTER FUNCTION lrs.refuse_change() SET search_path = pg_catalog;
COMMENT ON FUNCTION lrs.refuse_change IS
    'Refuses whatever would change or lose an event, of the owner too; used by triggers.';
REVOKE ALL ON FUNCTION lrs.refuse_change FROM lrs_writer;

CREATE TRIGGER rows_stay BEFORE UPDATE OR DELETE ON lrs.fences
    FOR EACH ROW EXECUTE FUNCTION lrs.keep_rows();
CREATE TRIGGER rows_stay_truncate BEFORE TRUNCATE ON lrs.fences
    FOR EACH STATEMENT EXECUTE FUNCTION lrs.keep_rows();
ALTER TABLE lrs.fences ENABLE ALWAYS TRIGGER rows_stay, ENABLE ALWAYS TRIGGER rows_stay_truncate;
COMMENT ON TRIGGER rows_stay ON lrs.fences IS
    'A fence that went would let writes name an erased person again.';
COMMENT ON TRIGGER rows_stay_truncate ON lrs.fences IS 'As rows_stay.';

CREATE TRIGGER rows_stay BEFORE UPDATE OR DELETE ON lrs.erased_identifiers
    FOR EACH ROW EXECUTE FUNCTION lrs.keep_rows();
CREATE TRIGGER rows_stay_truncate BEFORE TRUNCATE ON lrs.erased_identifiers
    FOR EACH STATEMENT EXECUTE FUNCTION lrs.keep_rows();
ALTER TABLE lrs.erased_identifiers
    ENABLE ALWAYS TRIGGER rows_stay, ENABLE ALWAYS TRIGGER rows_stay_truncate;
COMMENT ON TRIGGER rows_stay ON lrs.erased_identifiers IS
    'A source that still has an erased person sends them again: this is what refuses it.';
COMMENT ON TRIGGER rows_stay_truncate ON lrs.erased_identifiers IS 'As rows_stay.';

-- ---------------------------------------------------------------------------------------------
-- How tables are kept; measurements are in docs/adr/0018.

ALTER TABLE lrs.stored_events SET (
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_freeze_min_age = 0);
ALTER TABLE lrs.postings SET (
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_freeze_min_age = 0, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE lrs.statement_index SET (
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE lrs.documents SET (
    autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE lrs.contents SET (autovacuum_vacuum_scale_factor = 0.05);

-- ---------------------------------------------------------------------------------------------
-- Values that cannot be. The log comes last, so that its lock is held for a moment only.

ALTER TABLE lrs.documents
    ADD CONSTRAINT documents_version_counts CHECK (version >= 1) NOT VALID;
ALTER TABLE lrs.credentials
    ADD CONSTRAINT credentials_generation_counts CHECK (generation >= 1) NOT VALID,
    ADD CONSTRAINT credentials_old_secret_ends
        CHECK (old_secret_hash IS NULL OR old_valid_until IS NOT NULL) NOT VALID;
ALTER TABLE lrs.forwardings
    ADD CONSTRAINT forwardings_count CHECK (position >= 0 AND sent >= 0 AND failures >= 0)
        NOT VALID,
    ADD CONSTRAINT forwardings_fail_since
        CHECK ((failing_since IS NULL) = (failures = 0)) NOT VALID;
ALTER TABLE lrs.quarantine
    ADD CONSTRAINT quarantine_counts CHECK (times >= 1 AND statements >= 0) NOT VALID;

-- Topics of ours have a dot; the library's own recorder cases write others.
ALTER TABLE lrs.stored_events
    ADD CONSTRAINT stored_events_state_has_header
        CHECK (strpos(topic, '.') = 0 OR octet_length(state) >= 33) NOT VALID,
    ADD CONSTRAINT stored_events_version_counts
        CHECK (strpos(topic, '.') = 0 OR originator_version >= 1) NOT VALID,
    ADD CONSTRAINT stored_events_position_counts CHECK (notification_id >= 1) NOT VALID,
    ENABLE ALWAYS TRIGGER append_only,
    ENABLE ALWAYS TRIGGER append_only_truncate;
COMMENT ON TRIGGER append_only ON lrs.stored_events IS
    'What happened does not change: audit, replay and rebuild all rest on it.';
COMMENT ON TRIGGER append_only_truncate ON lrs.stored_events IS 'As append_only.';
