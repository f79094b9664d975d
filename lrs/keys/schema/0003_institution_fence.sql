-- The fence of a whole institution: a row of keystore.fences under the institution's own id, that of
-- its record key. From then on no key of the institution is issued, to whomever.

CREATE OR REPLACE FUNCTION keystore.issue(
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
            SELECT FROM keystore.fences f WHERE f.institution = issue.institution
                AND f.pseudonym IN (k.pseudonym, issue.institution))
        ORDER BY k.pseudonym, k.version
        ON CONFLICT ON CONSTRAINT data_keys_institution_pseudonym_version_key DO NOTHING;
    GET DIAGNOSTICS issued = ROW_COUNT;
    RETURN issued;
END $$;
COMMENT ON FUNCTION keystore.issue IS
    'Stores new wrapped keys; skips fenced persons, fenced institutions, and versions that another '
    'writer issued first.';

CREATE FUNCTION keystore.revoke_institution(
    institution uuid, after_pseudonym uuid, after_version int, many int,
    OUT last_pseudonym uuid, OUT last_version int, OUT revoked int
) LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM keystore.fences f
        WHERE f.institution = revoke_institution.institution AND f.pseudonym = f.institution) THEN
        RAISE EXCEPTION '% is not fenced', institution USING ERRCODE = 'KB004';
    END IF;
    WITH page AS MATERIALIZED (
        SELECT k.key_id, k.pseudonym, k.version FROM keystore.data_keys k
        WHERE k.institution = revoke_institution.institution
            AND (k.pseudonym, k.version) > (after_pseudonym, after_version)
        ORDER BY k.pseudonym, k.version LIMIT many
    ), gone AS (
        UPDATE keystore.data_keys k SET wrapped = NULL, kek_id = NULL, revoked_at = now()
        FROM page p WHERE k.key_id = p.key_id AND k.wrapped IS NOT NULL
        RETURNING 1
    ), final AS (
        SELECT p.pseudonym, p.version FROM page p ORDER BY p.pseudonym DESC, p.version DESC LIMIT 1
    )
    SELECT f.pseudonym, f.version, (SELECT count(*) FROM gone)
        INTO last_pseudonym, last_version, revoked FROM final f;
END $$;
COMMENT ON FUNCTION keystore.revoke_institution IS
    'Destroys the keys of the next `many` rows of a fenced institution after one; returns the last, '
    'null at the end, and how many keys were destroyed. Raises KB004 without a fence.';
GRANT EXECUTE ON FUNCTION keystore.revoke_institution TO lrs_keys;
