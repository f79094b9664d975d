-- Locks views.abilities: SHARE UPDATE EXCLUSIVE
-- Locks views.daily_facts: SHARE UPDATE EXCLUSIVE
-- Locks views.enrolments: SHARE UPDATE EXCLUSIVE
-- Locks views.items: SHARE UPDATE EXCLUSIVE
-- Locks views.mastery: SHARE UPDATE EXCLUSIVE
-- Locks views.skills: SHARE UPDATE EXCLUSIVE
-- Locks views.tracking: SHARE UPDATE EXCLUSIVE
-- Locks views.work: SHARE UPDATE EXCLUSIVE
-- Rights of the reader, room for updates, and why each constraint and index is there. Indexes that
-- a rebuild of the first release made have other names: they get the given ones first.

DO $$
DECLARE
    wanted record;
    found name;
BEGIN
    FOR wanted IN SELECT * FROM (VALUES
        ('facts', 'facts_learner', '(institution, learner, "position")'),
        ('enrolments', 'enrolments_learner', '(institution, learner)'),
        ('activities', 'activities_course', '(institution, course)'),
        ('daily_facts', 'daily_facts_position', '(institution, first_position)'),
        ('evidence', 'evidence_learner', '(institution, learner, course, "position")'),
        ('flags', 'flags_learner', '(institution, learner)'),
        ('dead_letters', 'dead_letters_learner', '(institution, learner, "position")')
    ) AS v (of_table, name, columns) LOOP
        SELECT c.relname INTO STRICT found
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = format('views.%I', wanted.of_table)::regclass
            AND pg_get_indexdef(i.indexrelid) LIKE '%USING btree ' || wanted.columns
            AND NOT i.indisunique;
        IF found <> wanted.name THEN
            EXECUTE format('ALTER INDEX views.%I RENAME TO %I', found, wanted.name);
        END IF;
    END LOOP;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA views, streams FROM PUBLIC;
GRANT USAGE ON SCHEMA views TO lrs_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA views TO lrs_reader;

-- Rows that are updated again and again find room for the next version on their own page, so that
-- no index has to learn of it (measured in docs/adr/0018).
ALTER TABLE views.enrolments SET (fillfactor = 80);
ALTER TABLE views.work SET (fillfactor = 80);
ALTER TABLE views.daily_facts SET (fillfactor = 80);
ALTER TABLE views.abilities SET (fillfactor = 80);
ALTER TABLE views.mastery SET (fillfactor = 80);
ALTER TABLE views.items SET (fillfactor = 80);
ALTER TABLE views.skills SET (fillfactor = 80);
ALTER TABLE views.tracking SET (fillfactor = 50);

COMMENT ON CONSTRAINT tracking_pkey ON views.tracking IS 'One position for each partition.';
COMMENT ON CONSTRAINT tracking_stream_check ON views.tracking IS 'There are two streams.';
COMMENT ON CONSTRAINT facts_pkey ON views.facts IS 'A statement says one fact; voiding finds it.';
COMMENT ON INDEX views.facts_learner IS 'A learner''s facts are folded again, in order, after a void.';
COMMENT ON CONSTRAINT enrolments_pkey ON views.enrolments IS
    'One row for each learner of a course; courses list their learners by it.';
COMMENT ON INDEX views.enrolments_learner IS 'Lists a learner''s courses; erasure purges by it.';
COMMENT ON CONSTRAINT work_pkey ON views.work IS 'One row for each activity of a learner.';
COMMENT ON CONSTRAINT activities_pkey ON views.activities IS
    'One row for each activity and partition: no two partitions share a row.';
COMMENT ON INDEX views.activities_course IS 'Reads join the partitions'' rows of a course.';
COMMENT ON CONSTRAINT daily_facts_pkey ON views.daily_facts IS
    'One row for each learner, course and day: what a release may count once.';
COMMENT ON INDEX views.daily_facts_position IS 'A release reads what its window holds.';
COMMENT ON CONSTRAINT evidence_pkey ON views.evidence IS
    'A statement is evidence of a competency once.';
COMMENT ON INDEX views.evidence_learner IS 'A learner''s evidence in order: shown as reasons, purged.';
COMMENT ON CONSTRAINT abilities_pkey ON views.abilities IS 'One ability for each learner of a course.';
COMMENT ON CONSTRAINT mastery_pkey ON views.mastery IS
    'One state for each competency of a learner in a course.';
COMMENT ON CONSTRAINT items_pkey ON views.items IS 'One difficulty for each item of a competency.';
COMMENT ON CONSTRAINT skills_pkey ON views.skills IS 'One difficulty for each competency of a course.';
COMMENT ON CONSTRAINT flags_pkey ON views.flags IS 'A learner is flagged once in a course.';
COMMENT ON INDEX views.flags_learner IS 'Finds a learner''s flags; erasure purges by it.';
COMMENT ON CONSTRAINT evaluations_pkey ON views.evaluations IS 'A course has one last evaluation.';
COMMENT ON CONSTRAINT dead_letters_pkey ON views.dead_letters IS 'Letters are replayed one by one.';
COMMENT ON CONSTRAINT dead_letters_stream_partition_position_message_offset_key
    ON views.dead_letters IS 'A message that comes again is one letter, by whichever it is known.';
COMMENT ON INDEX views.dead_letters_learner IS 'Finds what waits behind a learner''s dead letter.';
COMMENT ON SEQUENCE views.dead_letters_id_seq IS 'Order of arrival.';
COMMENT ON CONSTRAINT outlines_pkey ON views.outlines IS 'A course has one current outline.';
COMMENT ON CONSTRAINT outline_items_pkey ON views.outline_items IS
    'An activity stands once in an outline.';
COMMENT ON CONSTRAINT outline_items_weight_check ON views.outline_items IS
    'A share of the progress is not negative.';
COMMENT ON CONSTRAINT outline_items_move_on_check ON views.outline_items IS
    'The values of cmi5 10.2.4: what reads do not know would never be satisfied.';
COMMENT ON CONSTRAINT relay_pkey ON streams.relay IS 'There is one relay''s cursor.';
COMMENT ON CONSTRAINT relay_one_check ON streams.relay IS 'There is one row.';
COMMENT ON CONSTRAINT chains_pkey ON streams.chains IS 'One chain for each partition of a stream.';
