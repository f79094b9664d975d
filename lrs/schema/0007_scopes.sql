-- Scopes, rotation and rates of credentials; and which credential a statement came by, so that a
-- tool which may read only its own statements is answered from the index.

ALTER TABLE lrs.credentials
    ADD COLUMN scopes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN generation int NOT NULL DEFAULT 1,
    ADD COLUMN old_secret_hash text,
    ADD COLUMN old_valid_until timestamptz,
    ADD COLUMN requests_rate float8 CHECK (requests_rate >= 0),
    ADD COLUMN statements_rate float8 CHECK (statements_rate >= 0);
UPDATE lrs.credentials SET scopes = '{all}' WHERE 'tool' = ANY (roles);

COMMENT ON COLUMN lrs.credentials.secret_hash IS 'Argon2id of the secret. Mutable: rotation replaces it.';
COMMENT ON COLUMN lrs.credentials.scopes IS 'What its holder reaches as a tool. Immutable.';
COMMENT ON COLUMN lrs.credentials.generation IS 'How many secrets it has had. Mutable: rotation counts it up.';
COMMENT ON COLUMN lrs.credentials.old_secret_hash IS 'Argon2id of the secret before, null without one. Mutable.';
COMMENT ON COLUMN lrs.credentials.old_valid_until IS 'Until when the secret before opens it too. Mutable.';
COMMENT ON COLUMN lrs.credentials.requests_rate IS 'Requests per second and process; 0 is no limit, null what the settings say. Immutable.';
COMMENT ON COLUMN lrs.credentials.statements_rate IS 'Statements per second and process; 0 is no limit, null what the settings say. Immutable.';

GRANT UPDATE (secret_hash, generation, old_secret_hash, old_valid_until)
    ON lrs.credentials TO lrs_writer;

-- ---------------------------------------------------------------------------------------------
-- Terms are inherited by references, and anybody may name anybody in a statement: neither may show
-- one tool's statement to another. So the author has a column of its own beside the terms.

ALTER TABLE lrs.statement_index ADD COLUMN author uuid;
COMMENT ON COLUMN lrs.statement_index.author IS 'Pseudonym of the authority; null where it was stored before this was kept. Immutable.';

DROP FUNCTION lrs.append_statements(
    text, uuid[], bytea[], uuid[], uuid[], boolean[], uuid[], int[], uuid[]);
CREATE FUNCTION lrs.append_statements(
    topic text,
    originators uuid[], states bytea[], owners uuid[], targets uuid[], voiding boolean[],
    terms uuid[], term_owner int[], named uuid[], authors uuid[]
) RETURNS bigint[] LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    positions bigint[];
    fresh bigint[];
    clash text;
BEGIN
    -- A statement that refers to another inherits its terms, in whichever order the two arrive:
    -- its writer is alone, so that no two batches can miss each other.
    IF array_remove(targets, NULL) <> '{}' THEN
        PERFORM pg_advisory_xact_lock(7001);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(7001);
    END IF;
    SELECT string_agg(pseudonym::text, ',') INTO clash
        FROM lrs.fences WHERE pseudonym = ANY (named);
    IF clash IS NOT NULL THEN
        RAISE EXCEPTION 'fenced' USING ERRCODE = 'KB001', DETAIL = clash;
    END IF;

    SELECT array_agg(nextval('lrs.notification_ids') ORDER BY n) INTO positions
        FROM generate_subscripts(originators, 1) AS n;
    WITH inserted AS (
        INSERT INTO lrs.stored_events
            (originator_id, originator_version, topic, state, notification_id)
        SELECT originator, 1, append_statements.topic, state, position
        FROM unnest(originators, states, positions) AS e (originator, state, position)
        ORDER BY originator
        ON CONFLICT (originator_id, originator_version) DO NOTHING
        RETURNING notification_id
    ) SELECT coalesce(array_agg(notification_id), '{}') INTO fresh FROM inserted;

    IF cardinality(fresh) < cardinality(originators) THEN
        -- Bytes 18 to 33 of a state are the keyed digest of the statement's content.
        SELECT string_agg(e.originator::text, ',') INTO clash
            FROM unnest(originators, states) AS e (originator, state)
            JOIN lrs.stored_events s ON s.originator_id = e.originator AND s.originator_version = 1
            WHERE substring(s.state FROM 18 FOR 16) <> substring(e.state FROM 18 FOR 16);
        IF clash IS NOT NULL THEN
            RAISE EXCEPTION 'conflict' USING ERRCODE = 'KB002', DETAIL = clash;
        END IF;
        SELECT array_agg(s.notification_id ORDER BY e.n) INTO positions
            FROM unnest(originators) WITH ORDINALITY AS e (originator, n)
            JOIN lrs.stored_events s ON s.originator_id = e.originator AND s.originator_version = 1;
    END IF;

    -- Only what is fresh gets index rows: an older one has them already, or lost them to an erasure.
    INSERT INTO lrs.statement_index (position, originator_id, owner, voiding, terms, author)
        SELECT e.position, e.originator, e.owner, e.voiding, t.terms, e.author
        FROM unnest(positions, originators, owners, append_statements.voiding, authors)
            WITH ORDINALITY AS e (position, originator, owner, voiding, author, n)
        JOIN (SELECT n, array_agg(DISTINCT term) AS terms
              FROM unnest(append_statements.terms, term_owner) AS t (term, n) GROUP BY n) AS t
            ON t.n = e.n
        WHERE e.position = ANY (fresh)
        ORDER BY e.position;
    INSERT INTO lrs.postings (term, position)
        SELECT DISTINCT t.term, e.position
        FROM unnest(positions) WITH ORDINALITY AS e (position, n)
        JOIN unnest(append_statements.terms, term_owner) AS t (term, n) ON t.n = e.n
        WHERE e.position = ANY (fresh)
        ORDER BY t.term, e.position;
    INSERT INTO lrs.statement_refs (target, position, voiding)
        SELECT e.target, e.position, e.voiding
        FROM unnest(positions, targets, append_statements.voiding) AS e (position, target, voiding)
        WHERE e.target IS NOT NULL AND e.position = ANY (fresh);
    IF EXISTS (SELECT FROM lrs.statement_refs WHERE target = ANY (originators))
        OR array_remove(targets, NULL) <> '{}' THEN
        PERFORM lrs.inherit_terms(fresh);
    END IF;
    RETURN positions;
END $$;
COMMENT ON FUNCTION lrs.append_statements IS
    'Appends statements and their index rows: equal ones already there are left, others raise KB002; '
    'a fenced person raises KB001. Returns the position of each, in the order given.';
