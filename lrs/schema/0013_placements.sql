-- Placements: on which shard an institution lives, and the gate that shuts it out of the others.
--
-- The directory (the default database) says where each institution lives. What keeps a process that
-- has not heard of a move from writing to the old place is the gate in that database itself.
-- Locks lrs.stored_events: SHARE ROW EXCLUSIVE
-- Locks lrs.people: SHARE ROW EXCLUSIVE
-- Locks lrs.fences: SHARE ROW EXCLUSIVE
-- Locks lrs.erased_identifiers: SHARE ROW EXCLUSIVE
-- Locks lrs.activities: SHARE ROW EXCLUSIVE
-- Locks lrs.documents: SHARE ROW EXCLUSIVE
-- Locks lrs.contents: SHARE ROW EXCLUSIVE
-- Locks lrs.attachments: SHARE ROW EXCLUSIVE
-- Locks lrs.erasures: SHARE ROW EXCLUSIVE
-- Locks lrs.quarantine: SHARE ROW EXCLUSIVE
-- Locks lrs.forwardings: SHARE ROW EXCLUSIVE
-- Locks lrs.quotas: SHARE ROW EXCLUSIVE
-- Locks lrs.closures: SHARE ROW EXCLUSIVE

CREATE TABLE lrs.placements (
    institution uuid PRIMARY KEY,
    shard text NOT NULL,
    state text NOT NULL CHECK (state IN ('settled', 'copying', 'shut', 'clearing')),
    other text,
    epoch int NOT NULL CHECK (epoch >= 0),
    changed_at timestamptz NOT NULL DEFAULT now(),
    -- A second shard is involved exactly while something is under way.
    CHECK ((state = 'settled') = (other IS NULL) AND shard IS DISTINCT FROM other)
);
COMMENT ON TABLE lrs.placements IS 'Directory: where institutions live; one without a row lives at home, and always has.';
COMMENT ON COLUMN lrs.placements.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.placements.shard IS 'Name of the shard that requests go to. Mutable: a move flips it.';
COMMENT ON COLUMN lrs.placements.state IS 'settled; copying to the other; shut to writers; clearing what is left at the other. Mutable.';
COMMENT ON COLUMN lrs.placements.other IS 'The shard that it is copied to, or cleared from; null while settled. Mutable.';
COMMENT ON COLUMN lrs.placements.epoch IS 'How often it moved: positions of another epoch are of another log. Mutable: grows.';
COMMENT ON COLUMN lrs.placements.changed_at IS 'When the row was last written. Mutable.';

CREATE TABLE lrs.gates (
    institution uuid PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('arriving', 'leaving', 'left')),
    shut_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE lrs.gates IS 'Gate: nothing of these institutions is written to this database, but by a move.';
COMMENT ON COLUMN lrs.gates.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.gates.state IS 'arriving: not here yet; leaving: for a moment; left: lives elsewhere. Mutable.';
COMMENT ON COLUMN lrs.gates.shut_at IS 'When. Immutable.';

CREATE TABLE lrs.arrivals (
    institution uuid NOT NULL,
    came_from bigint NOT NULL,
    position bigint NOT NULL,
    epoch int NOT NULL,
    PRIMARY KEY (institution, came_from)
);
COMMENT ON TABLE lrs.arrivals IS 'Where the events of an institution that moved here stand, by where they stood.';
COMMENT ON COLUMN lrs.arrivals.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.arrivals.came_from IS 'Position in the log that it came from. Immutable.';
COMMENT ON COLUMN lrs.arrivals.position IS 'Position here; grows with came_from. Immutable.';
COMMENT ON COLUMN lrs.arrivals.epoch IS 'Epoch of the placement that began with this move. Immutable.';

COMMENT ON CONSTRAINT placements_pkey ON lrs.placements IS 'An institution lives in one place.';
COMMENT ON CONSTRAINT placements_state_check ON lrs.placements IS 'The steps of a move.';
COMMENT ON CONSTRAINT placements_check ON lrs.placements IS
    'A second shard is involved exactly while something is under way.';
COMMENT ON CONSTRAINT placements_epoch_check ON lrs.placements IS 'Moves are counted from 0.';
COMMENT ON CONSTRAINT gates_pkey ON lrs.gates IS 'A gate is shut or it is not.';
COMMENT ON CONSTRAINT gates_state_check ON lrs.gates IS
    'Which side of a move this is, or that it is over.';
COMMENT ON CONSTRAINT arrivals_pkey ON lrs.arrivals IS
    'An event arrives once, however often the move is taken up; found by where it stood.';

GRANT SELECT ON lrs.placements, lrs.gates, lrs.arrivals TO lrs_writer;

-- ---------------------------------------------------------------------------------------------
-- The gate. Every writer holds the log lock (7001) shared until its commit; shutting the gate
-- takes it exclusively for a moment. So each write commits before its institution is shut out, or
-- sees here that it is. `lrs.mover` tells the move itself from everybody else.

CREATE FUNCTION lrs.gate_events() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    shut text;
BEGIN
    IF NOT EXISTS (SELECT FROM lrs.gates)
        OR current_setting('lrs.mover', true) = 'on' THEN
        RETURN NULL;
    END IF;
    -- Bytes 2 to 17 of a state name the institution. Credentials are of the directory, which
    -- stays where it is.
    SELECT string_agg(g.institution::text, ',') INTO shut
        FROM lrs.gates g
        WHERE uuid_send(g.institution) IN (
            SELECT substring(f.state FROM 2 FOR 16) FROM fresh f
            WHERE f.topic NOT LIKE 'credential.%');
    IF shut IS NOT NULL THEN
        RAISE EXCEPTION 'shut' USING ERRCODE = 'KB003', DETAIL = shut;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION lrs.gate_events IS 'Gate of the log: raises KB003 for events of institutions that it is shut to.';

CREATE FUNCTION lrs.gate_rows() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    concerned record := NEW;
BEGIN
    IF TG_OP = 'DELETE' THEN
        concerned := OLD;
    END IF;
    IF current_setting('lrs.mover', true) IS DISTINCT FROM 'on' THEN
        PERFORM pg_advisory_xact_lock_shared(7001);
        IF EXISTS (SELECT FROM lrs.gates g
                   WHERE g.institution = concerned.institution) THEN
            RAISE EXCEPTION 'shut'
                USING ERRCODE = 'KB003', DETAIL = concerned.institution::text;
        END IF;
    END IF;
    RETURN concerned;
END $$;
COMMENT ON FUNCTION lrs.gate_rows IS 'Gate of a table with a column institution: raises KB003 for rows of those it is shut to.';

CREATE TRIGGER gate AFTER INSERT ON lrs.stored_events REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION lrs.gate_events();
COMMENT ON TRIGGER gate ON lrs.stored_events IS
    'A process that has not heard of a move must not write where nobody reads any more.';

DO $$
DECLARE
    gated text;
BEGIN
    FOREACH gated IN ARRAY ARRAY['people', 'fences', 'erased_identifiers', 'activities',
        'documents', 'contents', 'attachments', 'erasures', 'quarantine', 'forwardings', 'quotas', 'closures']
    LOOP
        EXECUTE format('CREATE TRIGGER gate BEFORE INSERT OR UPDATE OR DELETE ON lrs.%I'
            ' FOR EACH ROW EXECUTE FUNCTION lrs.gate_rows()', gated);
        EXECUTE format('COMMENT ON TRIGGER gate ON lrs.%I IS %L', gated,
            'A process that has not heard of a move must not write where nobody reads any more.');
    END LOOP;
END $$;

CREATE FUNCTION lrs.shut_gate(institution uuid, wanted text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    last bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7001);
    INSERT INTO lrs.gates (institution, state) VALUES (shut_gate.institution, wanted)
        ON CONFLICT ON CONSTRAINT gates_pkey DO UPDATE SET state = excluded.state;
    SELECT coalesce(max(notification_id), 0) INTO last FROM lrs.stored_events;
    RETURN last;
END $$;
REVOKE ALL ON FUNCTION lrs.shut_gate FROM PUBLIC, lrs_writer;
COMMENT ON FUNCTION lrs.shut_gate IS
    'Waits for the writes under way; from its commit on the gate is shut. Returns the '
    'last position of the log.';

-- ---------------------------------------------------------------------------------------------
-- What moved in keeps its time, at positions of today: only within an institution do times grow
-- with positions.

CREATE FUNCTION lrs.position_before(moment timestamptz, every uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    low bigint := 0;
    high bigint;
    middle bigint;
    found_at timestamptz;
    found_position bigint;
BEGIN
    SELECT p.position INTO high FROM lrs.postings p WHERE p.term = every
        ORDER BY p.position DESC LIMIT 1;
    high := coalesce(high, 0);
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        SELECT p.position INTO found_position FROM lrs.postings p
            WHERE p.term = every AND p.position >= middle ORDER BY p.position LIMIT 1;
        -- Its own event; should that be missing, the next one says about when it was.
        SELECT s.recorded_at INTO found_at FROM lrs.stored_events s
            WHERE s.notification_id >= found_position ORDER BY s.notification_id LIMIT 1;
        IF found_at < moment THEN low := found_position; ELSE high := middle - 1; END IF;
    END LOOP;
    RETURN low;
END $$;
COMMENT ON FUNCTION lrs.position_before(timestamptz, uuid) IS
    'Returns about the last position recorded before a moment among the statements posted under '
    '`every`, by bisection: callers allow a margin, as writers blur the order, and filter exactly.';

CREATE FUNCTION lrs.position_from(moment timestamptz, every uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    before CONSTANT bigint := lrs.position_before(moment, every);
    found bigint;
BEGIN
    SELECT p.position INTO found FROM lrs.postings p
        WHERE p.term = every AND p.position > before ORDER BY p.position LIMIT 1;
    RETURN coalesce(found, 9223372036854775807);
END $$;
COMMENT ON FUNCTION lrs.position_from IS
    'Returns about the first position recorded at or after a moment among the statements posted '
    'under `every`; beyond all others where there is none.';
GRANT EXECUTE ON FUNCTION lrs.position_before(timestamptz, uuid), lrs.position_from
    TO lrs_writer, lrs_reader;
