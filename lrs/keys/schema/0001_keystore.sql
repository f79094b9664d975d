-- The key store: wrapped data keys, apart from the event log, because the log is immutable and keys
-- must be destroyable. It may live on a server of its own.

CREATE SCHEMA IF NOT EXISTS keystore;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lrs_keys') THEN
        CREATE ROLE lrs_keys NOLOGIN;
    END IF;
END $$;

GRANT USAGE ON SCHEMA keystore TO lrs_keys;

CREATE TABLE keystore.data_keys (
    key_id uuid PRIMARY KEY,
    institution uuid NOT NULL,
    pseudonym uuid NOT NULL,
    version int NOT NULL CHECK (version >= 1),
    kek_id int,
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    UNIQUE (institution, pseudonym, version),
    -- A key is whole, or it is gone and the time is known: "not found" never means erased.
    CHECK ((wrapped IS NULL) = (revoked_at IS NOT NULL) AND (wrapped IS NULL) = (kek_id IS NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE keystore.data_keys IS 'Data keys of persons and institutions, wrapped; revoked ones keep their row.';
COMMENT ON COLUMN keystore.data_keys.key_id IS 'Random; named by every ciphertext. Immutable.';
COMMENT ON COLUMN keystore.data_keys.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN keystore.data_keys.pseudonym IS 'Person, or the institution itself for its record key. Immutable.';
COMMENT ON COLUMN keystore.data_keys.version IS 'From 1; the newest is used for new writes. Immutable.';
COMMENT ON COLUMN keystore.data_keys.kek_id IS 'Key-encryption key that wraps it. Mutable: rewrapped at a new epoch.';
COMMENT ON COLUMN keystore.data_keys.wrapped IS 'AES-256-GCM of the data key. Mutable: rewrapped, or destroyed.';
COMMENT ON COLUMN keystore.data_keys.created_at IS 'Issued; starts the rotation period. Immutable.';
COMMENT ON COLUMN keystore.data_keys.revoked_at IS 'Destroyed here. Set once.';

CREATE TABLE keystore.fences (
    institution uuid NOT NULL,
    pseudonym uuid NOT NULL,
    fenced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (institution, pseudonym)
);
CREATE INDEX fences_fenced_at ON keystore.fences (fenced_at);
COMMENT ON TABLE keystore.fences IS 'Persons for whom no key may be issued again; written before keys are destroyed.';
COMMENT ON COLUMN keystore.fences.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN keystore.fences.pseudonym IS 'Person. Immutable.';
COMMENT ON COLUMN keystore.fences.fenced_at IS 'When. Immutable.';

GRANT SELECT, INSERT, UPDATE ON keystore.data_keys TO lrs_keys;
GRANT SELECT, INSERT ON keystore.fences TO lrs_keys;

-- Issuing and fencing exclude each other (lock 7010), so that a key minted beside an erasure is
-- either destroyed by it or never made.
CREATE FUNCTION keystore.issue(
    institution uuid, key_ids uuid[], pseudonyms uuid[], versions int[], kek_id int, wrapped bytea[]
) RETURNS int LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    issued int;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7010);
    INSERT INTO keystore.data_keys (key_id, institution, pseudonym, version, kek_id, wrapped)
        SELECT k.key_id, issue.institution, k.pseudonym, k.version, issue.kek_id, k.wrapped
        FROM unnest(key_ids, pseudonyms, versions, issue.wrapped)
            AS k (key_id, pseudonym, version, wrapped)
        WHERE NOT EXISTS (
            SELECT FROM keystore.fences f
            WHERE f.institution = issue.institution AND f.pseudonym = k.pseudonym)
        ORDER BY k.pseudonym, k.version
        ON CONFLICT ON CONSTRAINT data_keys_institution_pseudonym_version_key DO NOTHING;
    GET DIAGNOSTICS issued = ROW_COUNT;
    RETURN issued;
END $$;
COMMENT ON FUNCTION keystore.issue IS
    'Stores new wrapped keys; skips fenced persons and versions that another writer issued first.';

CREATE FUNCTION keystore.fence(institution uuid, pseudonym uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7010);
    INSERT INTO keystore.fences (institution, pseudonym)
        VALUES (fence.institution, fence.pseudonym) ON CONFLICT DO NOTHING;
END $$;
COMMENT ON FUNCTION keystore.fence IS 'Fences a person for good; keys issued before are still there.';
