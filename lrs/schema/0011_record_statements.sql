-- The lean way in for statements. `append_statements` stays for processes of the release before,
-- which may still run while this one is brought in.
--
-- What a statement cost the server before, and what it costs now, is in docs/adr/0013.

CREATE FUNCTION lrs.record_statements(
    topic text,
    originators uuid[], states bytea[], owners uuid[], authors uuid[], targets uuid[],
    voiding boolean[], terms uuid[], firsts int[], lasts int[], named uuid[], again boolean
) RETURNS bigint[] LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    positions bigint[];
    fresh boolean[];
    clash text;
    referring CONSTANT boolean := array_remove(targets, NULL) <> '{}';
BEGIN
    -- A statement that refers to another inherits its terms, in whichever order the two arrive:
    -- its writer is alone, so that no two batches can miss each other.
    IF referring THEN
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
    IF NOT again THEN
        -- Rows go in in stream order, so that batches which share ids cannot wait in a circle.
        -- A taken stream is a unique violation; the caller then comes again, saying so: to allow
        -- for it every time would cost each row a speculative insertion.
        INSERT INTO lrs.stored_events
            (originator_id, originator_version, topic, state, notification_id)
        SELECT originator, 1, record_statements.topic, state, position
        FROM unnest(originators, states, positions) AS e (originator, state, position)
        ORDER BY originator;
    ELSE
        WITH inserted AS (
            INSERT INTO lrs.stored_events
                (originator_id, originator_version, topic, state, notification_id)
            SELECT originator, 1, record_statements.topic, state, position
            FROM unnest(originators, states, positions) AS e (originator, state, position)
            ORDER BY originator
            ON CONFLICT (originator_id, originator_version) DO NOTHING
            RETURNING notification_id
        ) SELECT array_agg(i.notification_id IS NOT NULL ORDER BY e.n) INTO fresh
            FROM unnest(positions) WITH ORDINALITY AS e (position, n)
            LEFT JOIN inserted i ON i.notification_id = e.position;
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
        SELECT e.position, e.originator, e.owner, e.voiding,
            record_statements.terms[e.first:e.last], e.author
        FROM unnest(positions, originators, owners, authors, record_statements.voiding,
                    firsts, lasts, fresh)
            AS e (position, originator, owner, author, voiding, first, last, fresh)
        WHERE e.fresh IS NOT FALSE;
    INSERT INTO lrs.postings (term, position)
        SELECT t.term, e.position
        FROM unnest(positions, firsts, lasts, fresh) AS e (position, first, last, fresh),
            unnest(record_statements.terms[e.first:e.last]) AS t (term)
        WHERE e.fresh IS NOT FALSE
        ORDER BY t.term, e.position;
    IF referring THEN
        INSERT INTO lrs.statement_refs (target, position, voiding)
            SELECT e.target, e.position, e.voiding
            FROM unnest(positions, targets, record_statements.voiding, fresh)
                AS e (position, target, voiding, fresh)
            WHERE e.target IS NOT NULL AND e.fresh IS NOT FALSE;
    END IF;
    IF referring OR EXISTS (SELECT FROM lrs.statement_refs WHERE target = ANY (originators)) THEN
        PERFORM lrs.inherit_terms(ARRAY(
            SELECT e.position FROM unnest(positions, fresh) AS e (position, fresh)
            WHERE e.fresh IS NOT FALSE));
    END IF;
    RETURN positions;
END $$;
COMMENT ON FUNCTION lrs.record_statements IS
    'Appends statements and their index rows; returns the position of each, in the order given. The '
    'terms of a statement are terms[first:last], each once. A taken stream is a unique violation, '
    'unless `again`: then equal statements that are there are left and others raise KB002. A fenced '
    'person among `named` raises KB001.';
GRANT EXECUTE ON FUNCTION lrs.record_statements TO lrs_writer;
