-- Locks keystore.data_keys: SHARE ROW EXCLUSIVE
-- Locks keystore.fences: SHARE ROW EXCLUSIVE
-- What the key store refuses by itself: a key that is gone stays gone, a fence stays.

DO $$ BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO lrs_keys', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA keystore FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA keystore FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA keystore GRANT EXECUTE ON FUNCTIONS TO lrs_keys;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA keystore TO lrs_keys;
REVOKE UPDATE ON keystore.data_keys FROM lrs_keys;
GRANT UPDATE (kek_id, wrapped, revoked_at) ON keystore.data_keys TO lrs_keys;

CREATE FUNCTION keystore.keep_rows() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '%.% keeps its rows: % is refused',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
COMMENT ON FUNCTION keystore.keep_rows IS
    'Refuses whatever would change or lose a row, of the owner too; used by triggers.';

CREATE FUNCTION keystore.guard_key() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NEW IS NOT DISTINCT FROM OLD THEN
        RETURN NEW;
    END IF;
    IF OLD.wrapped IS NOT NULL
        AND (NEW.key_id, NEW.institution, NEW.pseudonym, NEW.version, NEW.created_at)
            IS NOT DISTINCT FROM
            (OLD.key_id, OLD.institution, OLD.pseudonym, OLD.version, OLD.created_at)
        -- Revoked: nothing of the key is left. Or wrapped anew: by another KEK, and still whole.
        AND (NEW.wrapped IS NULL
            OR (NEW.kek_id <> OLD.kek_id AND NEW.wrapped <> OLD.wrapped))
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a data key can be revoked or wrapped anew, and nothing else'
        USING ERRCODE = 'insufficient_privilege';
END $$;
COMMENT ON FUNCTION keystore.guard_key IS
    'Lets a data key be revoked once, or be wrapped under another KEK; refuses every other change, '
    'of the owner too.';
REVOKE ALL ON FUNCTION keystore.keep_rows, keystore.guard_key FROM lrs_keys;

CREATE TRIGGER key_states BEFORE UPDATE ON keystore.data_keys
    FOR EACH ROW EXECUTE FUNCTION keystore.guard_key();
CREATE TRIGGER rows_stay BEFORE DELETE ON keystore.data_keys
    FOR EACH ROW WHEN (current_setting('lrs.mover', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION keystore.keep_rows();
CREATE TRIGGER rows_stay_truncate BEFORE TRUNCATE ON keystore.data_keys
    FOR EACH STATEMENT EXECUTE FUNCTION keystore.keep_rows();
ALTER TABLE keystore.data_keys
    ENABLE ALWAYS TRIGGER key_states,
    ENABLE ALWAYS TRIGGER rows_stay,
    ENABLE ALWAYS TRIGGER rows_stay_truncate;
COMMENT ON TRIGGER key_states ON keystore.data_keys IS
    'A key that came back would undo an erasure; one that changed would lose records.';
COMMENT ON TRIGGER rows_stay ON keystore.data_keys IS
    'A revoked key keeps its row: not found is damage, never erasure. Only a move of the institution '
    'to another key store, which says so (lrs.mover), takes rows with it.';
COMMENT ON TRIGGER rows_stay_truncate ON keystore.data_keys IS 'As rows_stay.';

CREATE TRIGGER rows_stay BEFORE UPDATE OR DELETE ON keystore.fences
    FOR EACH ROW EXECUTE FUNCTION keystore.keep_rows();
CREATE TRIGGER rows_stay_truncate BEFORE TRUNCATE ON keystore.fences
    FOR EACH STATEMENT EXECUTE FUNCTION keystore.keep_rows();
ALTER TABLE keystore.fences ENABLE ALWAYS TRIGGER rows_stay, ENABLE ALWAYS TRIGGER rows_stay_truncate;
COMMENT ON TRIGGER rows_stay ON keystore.fences IS
    'Without its fence an erased person could be issued a key again.';
COMMENT ON TRIGGER rows_stay_truncate ON keystore.fences IS 'As rows_stay.';

COMMENT ON CONSTRAINT data_keys_pkey ON keystore.data_keys IS 'Ciphertext names its key by this id.';
COMMENT ON CONSTRAINT data_keys_institution_pseudonym_version_key ON keystore.data_keys IS
    'Of two that issue the same version one is first, and both use its key.';
COMMENT ON CONSTRAINT data_keys_version_check ON keystore.data_keys IS 'Versions begin at 1.';
COMMENT ON CONSTRAINT data_keys_check ON keystore.data_keys IS
    'A key is whole, or it is gone and the time is known.';
COMMENT ON CONSTRAINT fences_pkey ON keystore.fences IS
    'Issuing asks whether the person is fenced; nobody is fenced twice.';
COMMENT ON INDEX keystore.fences_fenced_at IS
    'Every process asks each second who was fenced lately, to drop their keys.';
