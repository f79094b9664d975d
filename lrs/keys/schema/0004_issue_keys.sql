-- Keys for persons who have none yet: issued and read in one round trip instead of two.

CREATE FUNCTION keystore.newest(institution uuid, pseudonyms uuid[])
RETURNS SETOF keystore.data_keys LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT DISTINCT ON (k.pseudonym) k.* FROM keystore.data_keys k
    WHERE k.institution = newest.institution AND k.pseudonym = ANY (newest.pseudonyms)
        AND NOT EXISTS (SELECT FROM keystore.fences f
            WHERE f.institution = k.institution AND f.pseudonym IN (k.pseudonym, k.institution))
    ORDER BY k.pseudonym, k.version DESC
$$;
COMMENT ON FUNCTION keystore.newest IS
    'Returns the newest key of each person; nothing for who has none or is fenced.';
GRANT EXECUTE ON FUNCTION keystore.newest TO lrs_keys;

CREATE FUNCTION keystore.issue_newest(
    institution uuid, key_ids uuid[], pseudonyms uuid[], versions int[], kek_id int, wrapped bytea[]
) RETURNS SETOF keystore.data_keys LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM keystore.issue(institution, key_ids, pseudonyms, versions, kek_id, wrapped);
    RETURN QUERY SELECT * FROM keystore.newest(institution, pseudonyms);
END $$;
COMMENT ON FUNCTION keystore.issue_newest IS
    'Issues keys (keystore.issue) and returns the newest of each person: another writer''s where that '
    'was first, nothing for who is fenced.';
GRANT EXECUTE ON FUNCTION keystore.issue_newest TO lrs_keys;
