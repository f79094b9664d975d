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

-- ---------------------------------------------------------------------------------------------
-- Pages. The plan of every statement below is fixed by the settings of `read_page`, which alone
-- calls the others: an index in its order, whatever the statistics say or do not say yet, and
-- whatever a session kept from when a table was small.

CREATE FUNCTION lrs.next_places(
    narrow uuid, wide uuid, low bigint, high bigint, ascending boolean, many int
) RETURNS bigint[] LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
    IF ascending THEN
        RETURN ARRAY(SELECT DISTINCT l.position FROM (
            (SELECT p.position FROM lrs.postings p
                WHERE p.term = narrow AND p.position > low AND p.position < high
                ORDER BY p.position LIMIT many)
            UNION ALL
            (SELECT p.position FROM lrs.postings p
                WHERE p.term = wide AND p.position > low AND p.position < high
                ORDER BY p.position LIMIT many)
        ) l ORDER BY l.position LIMIT many);
    END IF;
    RETURN ARRAY(SELECT DISTINCT l.position FROM (
        (SELECT p.position FROM lrs.postings p
            WHERE p.term = narrow AND p.position > low AND p.position < high
            ORDER BY p.position DESC LIMIT many)
        UNION ALL
        (SELECT p.position FROM lrs.postings p
            WHERE p.term = wide AND p.position > low AND p.position < high
            ORDER BY p.position DESC LIMIT many)
    ) l ORDER BY l.position DESC LIMIT many);
END $$;
COMMENT ON FUNCTION lrs.next_places IS
    'Returns the first `many` positions between `low` and `high`, both exclusive, that have either '
    'term (`wide` may be null), in order.';

CREATE FUNCTION lrs.places_among(narrow uuid, wide uuid, places bigint[], ascending boolean)
RETURNS bigint[] LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
    IF ascending THEN
        RETURN ARRAY(SELECT DISTINCT l.position FROM (
            (SELECT p.position FROM lrs.postings p
                WHERE p.term = narrow AND p.position = ANY (places)
                ORDER BY p.position)
            UNION ALL
            (SELECT p.position FROM lrs.postings p
                WHERE p.term = wide AND p.position = ANY (places)
                ORDER BY p.position)
        ) l ORDER BY l.position);
    END IF;
    RETURN ARRAY(SELECT DISTINCT l.position FROM (
        (SELECT p.position FROM lrs.postings p
            WHERE p.term = narrow AND p.position = ANY (places)
            ORDER BY p.position DESC)
        UNION ALL
        (SELECT p.position FROM lrs.postings p
            WHERE p.term = wide AND p.position = ANY (places)
            ORDER BY p.position DESC)
    ) l ORDER BY l.position DESC);
END $$;
COMMENT ON FUNCTION lrs.places_among IS
    'Returns those of the positions that have either term (`wide` may be null), in order.';

CREATE FUNCTION lrs.read_page(
    persons uuid[], narrow uuid[], wide uuid[], after bigint, ascending boolean, many int,
    author uuid, since timestamptz, until timestamptz, margin interval, budget interval
) RETURNS TABLE (
    originator_id uuid, originator_version bigint, topic text, state bytea, notification_id bigint,
    recorded_at timestamptz
) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_hashagg = off
SET enable_material = off SET jit = off SET max_parallel_workers_per_gather = 0 AS $$
#variable_conflict use_column
DECLARE
    began CONSTANT timestamptz := clock_timestamp();
    round_began timestamptz;
    took interval;
    filters CONSTANT int := cardinality(narrow);
    -- What is still to be looked at lies between these two, both exclusive.
    low bigint := 0;
    high bigint := 9223372036854775807;
    person uuid;
    width int := CASE WHEN filters = 1 THEN many ELSE greatest(4 * many, 256) END;
    driver int := 1;
    place bigint;
    farthest bigint;
    matching bigint[];
    part bigint[];
    found bigint[] := '{}';
    reached bigint;
BEGIN
    FOREACH person IN ARRAY persons LOOP
        IF NOT EXISTS (SELECT FROM lrs.people p WHERE p.pseudonym = person) THEN
            RETURN;
        END IF;
    END LOOP;
    -- Times grow with positions only within an institution: one may have moved here (0013).
    IF since IS NOT NULL THEN low := lrs.position_before(since - margin, narrow[1]); END IF;
    IF until IS NOT NULL THEN high := lrs.position_from(until + margin, narrow[1]); END IF;
    IF ascending THEN low := greatest(low, after); ELSE high := least(high, after); END IF;

    LOOP
        round_began := clock_timestamp();
        -- The list that gets farthest in a few entries leads: the others are only asked about its
        -- entries, and skip what lies between.
        IF filters > 1 THEN
            farthest := NULL;
            FOR n IN 1 .. filters LOOP
                place := (lrs.next_places(narrow[n], wide[n], low, high, ascending, 32))[32];
                IF farthest IS NULL OR place IS NULL OR (place > farthest) = ascending THEN
                    driver := n;
                    farthest := place;
                END IF;
                EXIT WHEN place IS NULL;
            END LOOP;
        END IF;
        matching := lrs.next_places(narrow[driver], wide[driver], low, high, ascending, width);
        reached := matching[width];
        FOR n IN 1 .. filters LOOP
            EXIT WHEN matching = '{}';
            CONTINUE WHEN n = driver;
            matching := lrs.places_among(narrow[n], wide[n], matching, ascending);
        END LOOP;

        -- Of these, what may be read: it has an index row and is not voided. (Values of subqueries,
        -- not EXISTS: beside OR the planner may hash all rows of the other table for that.)
        WHILE matching <> '{}' AND cardinality(found) < many LOOP
            part := matching[: many];
            matching := matching[many + 1 :];
            found := found || ARRAY(
                SELECT i.position FROM lrs.statement_index i
                WHERE i.position = ANY (part)
                    AND (read_page.author IS NULL OR i.author = read_page.author)
                    AND (i.voiding OR (SELECT r.voiding FROM lrs.statement_refs r
                        WHERE r.target = i.originator_id AND r.voiding LIMIT 1) IS NULL)
                    AND (coalesce(since, until) IS NULL OR (
                        SELECT (since IS NULL OR e.recorded_at > since)
                            AND (until IS NULL OR e.recorded_at <= until)
                        FROM lrs.stored_events e WHERE e.notification_id = i.position)));
            IF matching <> '{}' AND clock_timestamp() - began >= budget THEN
                reached := part[cardinality(part)];
                EXIT;
            END IF;
        END LOOP;

        -- A full page does not go on only to know whether there is another one; nor does one that
        -- another round like this would keep for too long.
        took := clock_timestamp() - round_began;
        EXIT WHEN reached IS NULL OR cardinality(found) >= many - 1
            OR clock_timestamp() - began + took >= budget;
        IF ascending THEN low := reached; ELSE high := reached; END IF;
        width := CASE WHEN took > budget / 8 THEN greatest(width / 2, 32)
            ELSE least(width * 2, 4096) END;
    END LOOP;

    IF ascending THEN
        RETURN QUERY SELECT e.originator_id, e.originator_version, e.topic, e.state,
                e.notification_id, e.recorded_at
            FROM lrs.stored_events e WHERE e.notification_id = ANY (found)
            ORDER BY e.notification_id LIMIT many;
    ELSE
        RETURN QUERY SELECT e.originator_id, e.originator_version, e.topic, e.state,
                e.notification_id, e.recorded_at
            FROM lrs.stored_events e WHERE e.notification_id = ANY (found)
            ORDER BY e.notification_id DESC LIMIT many;
    END IF;
    RETURN QUERY SELECT NULL::uuid, NULL::bigint, NULL, NULL::bytea, reached, NULL::timestamptz;
END $$;
COMMENT ON FUNCTION lrs.read_page IS
    'Returns up to `many` statements beyond the position `after` that have, for each n, the term '
    'narrow[n] or wide[n], and then a row of the position alone that everything was looked at up '
    'to: null at the end. It stops there when it has all but one of `many`, or spent its budget. '
    'No row at all where one of `persons`, whom the caller remembered, is known no more.';

CREATE FUNCTION lrs.read_statement(stream uuid, voided boolean, author uuid) RETURNS TABLE (
    originator_id uuid, originator_version bigint, topic text, state bytea, notification_id bigint,
    recorded_at timestamptz
) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_material = off SET jit = off SET max_parallel_workers_per_gather = 0 AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT e.originator_id, e.originator_version, e.topic, e.state,
            e.notification_id, e.recorded_at
        FROM lrs.stored_events e
        JOIN lrs.statement_index i ON i.position = e.notification_id
        WHERE e.originator_id = stream AND e.originator_version = 1
            AND (read_statement.author IS NULL OR i.author = read_statement.author)
            AND (NOT i.voiding AND (SELECT r.voiding FROM lrs.statement_refs r
                WHERE r.target = stream AND r.voiding LIMIT 1) IS NOT NULL) = voided;
END $$;
COMMENT ON FUNCTION lrs.read_statement IS
    'Returns the statement of a stream, if it is voided as said and its authority is `author` (null: '
    'any); at most one row.';
GRANT EXECUTE ON FUNCTION
    lrs.next_places, lrs.places_among, lrs.read_page, lrs.read_statement TO lrs_reader;
