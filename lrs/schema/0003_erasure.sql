-- Erasures: where each one stands, and the functions that fence, forget and purge.

CREATE TABLE lrs.erasures (
    erasure uuid PRIMARY KEY,
    institution uuid NOT NULL,
    pseudonym uuid NOT NULL,
    requested_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX erasures_of_institution ON lrs.erasures (institution, requested_at, erasure);
CREATE INDEX erasures_unfinished ON lrs.erasures (requested_at) WHERE finished_at IS NULL;
COMMENT ON TABLE lrs.erasures IS 'One row for each erasure; its events in the log are the truth.';
COMMENT ON COLUMN lrs.erasures.erasure IS 'Stream of its events. Immutable.';
COMMENT ON COLUMN lrs.erasures.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.erasures.pseudonym IS 'The person, pseudonymous. Immutable.';
COMMENT ON COLUMN lrs.erasures.requested_at IS 'When it was asked for. Immutable.';
COMMENT ON COLUMN lrs.erasures.finished_at IS 'When its receipt was issued. Set once.';

GRANT SELECT, INSERT, UPDATE (finished_at) ON lrs.erasures TO lrs_writer;

CREATE FUNCTION lrs.fence_person(institution uuid, pseudonym uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7001);
    INSERT INTO lrs.fences (pseudonym, institution)
        VALUES (fence_person.pseudonym, fence_person.institution) ON CONFLICT DO NOTHING;
END $$;
COMMENT ON FUNCTION lrs.fence_person IS
    'Waits for the writes under way; from its commit on no statement can name the person.';

CREATE FUNCTION lrs.forget_people(institution uuid, pseudonyms uuid[]) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    forgotten int;
BEGIN
    PERFORM pg_advisory_xact_lock(7011);
    INSERT INTO lrs.erased_identifiers (institution, fence)
        SELECT p.institution, p.fence FROM lrs.people p
        WHERE p.institution = forget_people.institution AND p.pseudonym = ANY (pseudonyms)
        ON CONFLICT DO NOTHING;
    DELETE FROM lrs.people p
        WHERE p.institution = forget_people.institution AND p.pseudonym = ANY (pseudonyms);
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END $$;
COMMENT ON FUNCTION lrs.forget_people IS
    'Replaces the identifiers of these persons by their keyed fences; nothing leads back to them.';

CREATE FUNCTION lrs.purge_statements(
    related uuid, owners uuid[], kept uuid[], after bigint, many int,
    OUT last bigint, OUT purged int
) LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    -- Shared with the writers, not with one whose statement inherits terms from those read here.
    PERFORM pg_advisory_xact_lock_shared(7001);
    WITH named AS MATERIALIZED (
        SELECT p.position FROM lrs.postings p
        WHERE p.term = related AND p.position > after ORDER BY p.position LIMIT many
    ), doomed AS (
        DELETE FROM lrs.statement_index i USING named n
        WHERE i.position = n.position AND i.owner = ANY (owners)
        RETURNING i.position, i.terms
    ), unposted AS (
        DELETE FROM lrs.postings p
        USING (SELECT d.position, t.term FROM doomed d, unnest(d.terms) AS t (term)) AS d
        WHERE p.term = d.term AND p.position = d.position AND p.term <> ALL (kept)
    ), unreferred AS (
        -- A void stays: what its author was erased for does not bring its target back.
        DELETE FROM lrs.statement_refs r USING doomed d
        WHERE r.position = d.position AND NOT r.voiding
    )
    SELECT (SELECT max(position) FROM named), (SELECT count(*) FROM doomed) INTO last, purged;
END $$;
COMMENT ON FUNCTION lrs.purge_statements IS
    'Deletes index rows, postings and references of statements that these owners own, among the '
    'next `many` that the term `related` finds after a position; keeps postings of the terms `kept`. '
    'Returns the position to go on from, null at the end, and how many statements were purged.';

CREATE FUNCTION lrs.purge_term(purged uuid, many int) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    gone int;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7001);
    WITH doomed AS MATERIALIZED (
        SELECT p.position FROM lrs.postings p WHERE p.term = purged ORDER BY p.position LIMIT many
    ), unposted AS (
        DELETE FROM lrs.postings p USING doomed d WHERE p.term = purged AND p.position = d.position
    ), untermed AS (
        UPDATE lrs.statement_index i SET terms = array_remove(i.terms, purged)
        FROM doomed d WHERE i.position = d.position
    )
    SELECT count(*) FROM doomed INTO gone;
    RETURN gone;
END $$;
COMMENT ON FUNCTION lrs.purge_term IS
    'Makes up to `many` statements no longer found under a term; returns how many: 0 when none is.';
