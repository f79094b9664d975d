-- The event log, the query index beside it, and the people and activities that statements name.
-- Nothing here says who a person is: identifiers are keyed hashes, content is ciphertext.

CREATE SCHEMA IF NOT EXISTS lrs;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lrs_writer') THEN
        CREATE ROLE lrs_writer NOLOGIN;
    END IF;
END $$;

GRANT USAGE ON SCHEMA lrs TO lrs_writer;

-- ---------------------------------------------------------------------------------------------
-- The log. Rows are only ever inserted: the role has no other right and a trigger refuses as well.

CREATE TABLE lrs.stored_events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    notification_id bigint NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
) WITH (
    -- Insert-only: vacuum is needed for freezing and the visibility map, never for dead rows.
    autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE SEQUENCE lrs.notification_ids OWNED BY lrs.stored_events.notification_id;
CREATE UNIQUE INDEX stored_events_notification_id ON lrs.stored_events (notification_id);
-- Ciphertext does not compress: keep large values out of line without trying.
ALTER TABLE lrs.stored_events ALTER COLUMN state SET STORAGE EXTERNAL;

COMMENT ON TABLE lrs.stored_events IS 'Every event of every stream, in one total order; insert only.';
COMMENT ON COLUMN lrs.stored_events.originator_id IS 'Stream; of a statement: derived from institution and statement id. Immutable.';
COMMENT ON COLUMN lrs.stored_events.originator_version IS 'Place in the stream, from 1. Immutable.';
COMMENT ON COLUMN lrs.stored_events.topic IS 'Kind of event, as the class names it (TOPIC). Immutable.';
COMMENT ON COLUMN lrs.stored_events.state IS 'Clear header (format, institution, keyed digest), then boxes of ciphertext. Immutable.';
COMMENT ON COLUMN lrs.stored_events.recorded_at IS 'Start of the transaction that wrote it; `stored` of a statement. Immutable.';
COMMENT ON COLUMN lrs.stored_events.notification_id IS 'Position in the log: in commit order, not dense. Immutable.';

CREATE FUNCTION lrs.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the event log is append-only: % on %.% is refused',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON lrs.stored_events
    FOR EACH ROW EXECUTE FUNCTION lrs.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON lrs.stored_events
    FOR EACH STATEMENT EXECUTE FUNCTION lrs.refuse_change();

-- ---------------------------------------------------------------------------------------------
-- The query index: which positions answer which filter.

CREATE TABLE lrs.statement_index (
    position bigint PRIMARY KEY,
    originator_id uuid NOT NULL,
    owner uuid NOT NULL,
    author uuid NOT NULL,
    voiding boolean NOT NULL,
    terms uuid[] NOT NULL
);
COMMENT ON TABLE lrs.statement_index IS 'One row for each statement that reads may give; erasure deletes rows.';
COMMENT ON COLUMN lrs.statement_index.position IS 'notification_id of the statement. Immutable.';
COMMENT ON COLUMN lrs.statement_index.originator_id IS 'Stream of the statement. Immutable.';
COMMENT ON COLUMN lrs.statement_index.owner IS 'Pseudonym whose key seals the body. Immutable.';
COMMENT ON COLUMN lrs.statement_index.author IS 'Pseudonym of the authority: terms are inherited and open to all, this is not. Immutable.';
COMMENT ON COLUMN lrs.statement_index.voiding IS 'Whether it voids another: such a one cannot be voided. Immutable.';
COMMENT ON COLUMN lrs.statement_index.terms IS 'Its postings, so that they can be found again. Mutable: grows with what it refers to.';

CREATE TABLE lrs.postings (
    term uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (term, position)
);
COMMENT ON TABLE lrs.postings IS 'Filter value to positions; a filter is read in index order.';
COMMENT ON COLUMN lrs.postings.term IS 'Keyed hash of institution, kind and value. Immutable.';
COMMENT ON COLUMN lrs.postings.position IS 'notification_id of a statement that matches. Immutable.';

CREATE TABLE lrs.statement_refs (
    target uuid NOT NULL,
    position bigint NOT NULL,
    voiding boolean NOT NULL,
    PRIMARY KEY (target, position)
);
CREATE INDEX statement_refs_position ON lrs.statement_refs (position);
COMMENT ON TABLE lrs.statement_refs IS 'Which statements have another as their object; a reference may come before its target.';
COMMENT ON COLUMN lrs.statement_refs.target IS 'Stream of the statement that is referred to. Immutable.';
COMMENT ON COLUMN lrs.statement_refs.position IS 'notification_id of the statement that refers. Immutable.';
COMMENT ON COLUMN lrs.statement_refs.voiding IS 'Whether it voids its target. Immutable.';

-- ---------------------------------------------------------------------------------------------
-- People and activities.

CREATE TABLE lrs.people (
    institution uuid NOT NULL,
    blind bytea NOT NULL CHECK (octet_length(blind) = 32),
    fence bytea NOT NULL CHECK (octet_length(fence) = 32),
    pseudonym uuid NOT NULL,
    PRIMARY KEY (institution, blind)
);
CREATE INDEX people_pseudonym ON lrs.people (pseudonym);
COMMENT ON TABLE lrs.people IS 'Blind index: keyed hash of an identifier to a random pseudonym; erasure deletes rows.';
COMMENT ON COLUMN lrs.people.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.people.blind IS 'HMAC-SHA-256 under the pepper of institution and canonical IFI. Immutable.';
COMMENT ON COLUMN lrs.people.fence IS 'HMAC-SHA-256 under the fence key: moves to erased_identifiers at erasure. Immutable.';
COMMENT ON COLUMN lrs.people.pseudonym IS 'Random; stands for the person everywhere else. Immutable.';

CREATE TABLE lrs.fences (
    pseudonym uuid PRIMARY KEY,
    institution uuid NOT NULL,
    fenced_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE lrs.fences IS 'Persons under or after erasure: no write may name them; rows stay.';
COMMENT ON COLUMN lrs.fences.pseudonym IS 'The person, pseudonymous. Immutable.';
COMMENT ON COLUMN lrs.fences.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.fences.fenced_at IS 'When. Immutable.';

CREATE TABLE lrs.erased_identifiers (
    institution uuid NOT NULL,
    fence bytea NOT NULL CHECK (octet_length(fence) = 32),
    PRIMARY KEY (institution, fence)
);
COMMENT ON TABLE lrs.erased_identifiers IS 'Keyed fence: refuses an erased identifier when a source sends it again.';
COMMENT ON COLUMN lrs.erased_identifiers.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.erased_identifiers.fence IS 'HMAC-SHA-256 under the fence key, unlike the blind index: leads to no pseudonym. Immutable.';

CREATE TABLE lrs.activities (
    institution uuid NOT NULL,
    activity uuid NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (institution, activity)
);
COMMENT ON TABLE lrs.activities IS 'Catalogue of activities: opaque id to its IRI and definition, sealed.';
COMMENT ON COLUMN lrs.activities.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.activities.activity IS 'Keyed hash of institution and IRI. Immutable.';
COMMENT ON COLUMN lrs.activities.sealed IS 'IRI and definition under the institution''s record key. Mutable: definitions grow.';

GRANT SELECT, INSERT ON lrs.stored_events TO lrs_writer;
GRANT USAGE ON SEQUENCE lrs.notification_ids TO lrs_writer;
GRANT SELECT, INSERT, DELETE ON lrs.statement_index, lrs.postings, lrs.statement_refs, lrs.people TO lrs_writer;
GRANT UPDATE (terms) ON lrs.statement_index TO lrs_writer;
GRANT SELECT, INSERT ON lrs.fences, lrs.erased_identifiers TO lrs_writer;
GRANT SELECT, INSERT, UPDATE ON lrs.activities TO lrs_writer;

-- ---------------------------------------------------------------------------------------------
-- Append. A writer holds the log lock (7001) shared from before its positions are drawn until its
-- commit; whoever reads the log takes it exclusively for a moment and so sees no position that
-- an open transaction could still fill. Rows go in in stream order, so that batches which share ids
-- wait for each other in one direction and cannot deadlock.

CREATE FUNCTION lrs.append_events(
    originators uuid[], versions bigint[], topics text[], states bytea[]
) RETURNS bigint[] LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    positions bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7001);
    SELECT array_agg(nextval('lrs.notification_ids') ORDER BY n) INTO positions
        FROM generate_subscripts(originators, 1) AS n;
    INSERT INTO lrs.stored_events (originator_id, originator_version, topic, state, notification_id)
        SELECT * FROM unnest(originators, versions, topics, states, positions)
            AS e (originator, version, topic, state, position)
        ORDER BY originator, version;
    RETURN positions;
END $$;
COMMENT ON FUNCTION lrs.append_events IS
    'Appends events of any kind; a taken (stream, version) is a unique violation. Returns positions.';

CREATE FUNCTION lrs.inherit_terms(fresh bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    WITH RECURSIVE referring (position, stream) AS (
        -- The fresh statements, and whatever refers to them, directly or by others.
        SELECT i.position, i.originator_id FROM lrs.statement_index i WHERE i.position = ANY (fresh)
        UNION
        SELECT i.position, i.originator_id
        FROM referring
        JOIN lrs.statement_refs r ON r.target = referring.stream
        JOIN lrs.statement_index i ON i.position = r.position
    ), referred (position, stream) AS (
        -- What each of them refers to, directly or by others.
        SELECT r.position, r.target FROM referring JOIN lrs.statement_refs r USING (position)
        UNION
        SELECT referred.position, r.target
        FROM referred
        JOIN lrs.stored_events s ON s.originator_id = referred.stream AND s.originator_version = 1
        JOIN lrs.statement_refs r ON r.position = s.notification_id
    ), inherited AS (
        SELECT referred.position, array_agg(DISTINCT term) AS terms
        FROM referred
        JOIN lrs.stored_events s ON s.originator_id = referred.stream AND s.originator_version = 1
        JOIN lrs.statement_index i ON i.position = s.notification_id, unnest(i.terms) AS term
        GROUP BY referred.position
    ), kept AS (
        UPDATE lrs.statement_index i
        SET terms = ARRAY(SELECT unnest(i.terms) UNION SELECT unnest(inherited.terms))
        FROM inherited WHERE i.position = inherited.position
    )
    INSERT INTO lrs.postings (term, position)
        SELECT term, position FROM inherited, unnest(inherited.terms) AS term
        ORDER BY term, position
        ON CONFLICT DO NOTHING;
END $$;
COMMENT ON FUNCTION lrs.inherit_terms IS
    'Lets filters that match a statement match those that refer to it (xAPI 1.0.3 Communication '
    '2.1.3), for fresh statements and for older ones that waited for them.';

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

-- Creating a person and fencing an identifier exclude each other (lock 7011): an identifier that is
-- erased meanwhile gets no new pseudonym.
CREATE FUNCTION lrs.create_people(
    institution uuid, blinds bytea[], fences bytea[], pseudonyms uuid[]
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7011);
    INSERT INTO lrs.people (institution, blind, fence, pseudonym)
        SELECT create_people.institution, p.blind, p.fence, p.pseudonym
        FROM unnest(blinds, create_people.fences, pseudonyms) AS p (blind, fence, pseudonym)
        WHERE NOT EXISTS (
            SELECT FROM lrs.erased_identifiers e
            WHERE e.institution = create_people.institution AND e.fence = p.fence)
        ORDER BY p.blind
        ON CONFLICT DO NOTHING;
END $$;
COMMENT ON FUNCTION lrs.create_people IS
    'Gives pseudonyms to identifiers that have none; skips erased ones.';

CREATE FUNCTION lrs.position_before(moment timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    low bigint := 0;
    high bigint;
    middle bigint;
    found_at timestamptz;
    found_position bigint;
BEGIN
    SELECT coalesce(max(notification_id), 0) INTO high FROM lrs.stored_events;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        SELECT notification_id, recorded_at INTO found_position, found_at
            FROM lrs.stored_events WHERE notification_id >= middle
            ORDER BY notification_id LIMIT 1;
        IF found_at < moment THEN low := found_position; ELSE high := middle - 1; END IF;
    END LOOP;
    RETURN low;
END $$;
COMMENT ON FUNCTION lrs.position_before IS
    'Returns about the last position recorded before a moment, by bisection: concurrent writers '
    'blur the order by their transaction''s length, so callers allow a margin and filter exactly.';
