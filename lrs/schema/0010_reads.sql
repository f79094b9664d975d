-- Reads: how lists of postings are read, and how they are kept when a person is forgotten.

-- A person is posted once for each statement: as its agent, or as one whom it names otherwise. What
-- is left of an erased person finds no statement by its agent, but a replay at its position.
CREATE FUNCTION lrs.demote_term(agent uuid, related uuid, many int) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    gone int;
BEGIN
    -- Shared with the writers, not with one whose statement inherits terms from those read here.
    PERFORM pg_advisory_xact_lock_shared(7001);
    WITH doomed AS MATERIALIZED (
        SELECT p.position FROM lrs.postings p WHERE p.term = agent ORDER BY p.position LIMIT many
    ), unposted AS (
        DELETE FROM lrs.postings p USING doomed d WHERE p.term = agent AND p.position = d.position
    ), kept AS (
        INSERT INTO lrs.postings (term, position)
        SELECT related, d.position FROM doomed d ORDER BY d.position ON CONFLICT DO NOTHING
    ), untermed AS (
        UPDATE lrs.statement_index i
        SET terms = array_append(array_remove(array_remove(i.terms, agent), related), related)
        FROM doomed d WHERE i.position = d.position
    )
    SELECT count(*) FROM doomed INTO gone;
    RETURN gone;
END $$;
COMMENT ON FUNCTION lrs.demote_term IS
    'Makes up to `many` statements no longer found under the term `agent`, but under `related`; '
    'returns how many: 0 when none is.';
