-- The views: what the folds keep, and how far of the log they reflect. Pseudonyms, opaque ids and
-- numbers only; everything in `views` can be rebuilt from the log. A rebuild makes a second schema
-- of the same tables and renames it, so tables are named without their schema here and in queries.
--
-- Two streams feed them: `facts`, keyed by learner, and `evidence`, keyed by course, because the
-- difficulty of an item is learned from all learners of a course in one order. No row is shared
-- between partitions of a stream. Workers therefore never wait for each other, and the same log
-- gives the same bytes whoever folds it.

CREATE SCHEMA views;
CREATE SCHEMA streams;
SET LOCAL search_path = views;

CREATE TABLE tracking (
    stream text NOT NULL CHECK (stream IN ('facts', 'evidence')),
    partition int NOT NULL,
    position bigint NOT NULL,
    reflected_at timestamptz,
    message_offset bigint,
    PRIMARY KEY (stream, partition)
);
COMMENT ON TABLE tracking IS 'How far each partition is applied; written in the transaction that applies.';
COMMENT ON COLUMN tracking.stream IS 'Which topic. Immutable.';
COMMENT ON COLUMN tracking.partition IS 'Partition of the topic. Immutable.';
COMMENT ON COLUMN tracking.position IS 'Log position up to which this partition is applied. Mutable: grows.';
COMMENT ON COLUMN tracking.reflected_at IS 'When the event at that position was recorded. Mutable: grows.';
COMMENT ON COLUMN tracking.message_offset IS 'Kafka offset of a message not after that position: what was lost is read again from here. Mutable.';

CREATE TABLE facts (
    position bigint PRIMARY KEY,
    institution uuid NOT NULL,
    learner uuid NOT NULL,
    fact bytea NOT NULL
);
CREATE INDEX facts_learner ON facts (institution, learner, position);
COMMENT ON TABLE facts IS 'Facts as applied: a learner is refolded from these after a voiding.';
COMMENT ON COLUMN facts.position IS 'Position of the statement. Immutable.';
COMMENT ON COLUMN facts.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN facts.learner IS 'Pseudonym. Immutable.';
COMMENT ON COLUMN facts.fact IS 'The fact as JSON: pseudonyms, opaque ids and numbers. Immutable.';

CREATE TABLE enrolments (
    institution uuid NOT NULL,
    course uuid NOT NULL,
    learner uuid NOT NULL,
    registered_at timestamptz,
    registered_by uuid,
    withdrawn_at timestamptz,
    first_active timestamptz,
    last_active timestamptz,
    last_statement uuid,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    statements int NOT NULL,
    evidence int NOT NULL,
    milliseconds bigint NOT NULL,
    completed boolean,
    completed_at timestamptz,
    completed_position bigint,
    PRIMARY KEY (institution, course, learner)
);
CREATE INDEX enrolments_learner ON enrolments (institution, learner);
COMMENT ON TABLE enrolments IS 'One learner in one course; the fold is projections/enrolments.py.';
COMMENT ON COLUMN enrolments.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN enrolments.course IS 'Keyed hash of the course''s IRI. Immutable.';
COMMENT ON COLUMN enrolments.learner IS 'Pseudonym. Immutable.';
COMMENT ON COLUMN enrolments.registered_at IS 'Latest time of registration. Mutable.';
COMMENT ON COLUMN enrolments.registered_by IS 'Statement that says so. Mutable.';
COMMENT ON COLUMN enrolments.withdrawn_at IS 'Latest time of withdrawal; withdrawn if not before registered_at. Mutable.';
COMMENT ON COLUMN enrolments.first_active IS 'Earliest timestamp of learning (not of registration). Mutable.';
COMMENT ON COLUMN enrolments.last_active IS 'Latest timestamp of learning. Mutable.';
COMMENT ON COLUMN enrolments.last_statement IS 'Statement of last_active. Mutable.';
COMMENT ON COLUMN enrolments.first_position IS 'Least position of a statement. Mutable.';
COMMENT ON COLUMN enrolments.last_position IS 'Greatest position of a statement. Mutable.';
COMMENT ON COLUMN enrolments.statements IS 'Statements. Mutable.';
COMMENT ON COLUMN enrolments.evidence IS 'Statements that say how well. Mutable.';
COMMENT ON COLUMN enrolments.milliseconds IS 'Sum of the durations that were given; whole, so that the order of a sum does not matter. Mutable.';
COMMENT ON COLUMN enrolments.completed IS 'Latest explicit completion of the course itself. Mutable.';
COMMENT ON COLUMN enrolments.completed_at IS 'Its timestamp. Mutable.';
COMMENT ON COLUMN enrolments.completed_position IS 'Its position. Mutable.';

CREATE TABLE work (
    institution uuid NOT NULL,
    course uuid NOT NULL,
    learner uuid NOT NULL,
    activity uuid NOT NULL,
    statements int NOT NULL,
    attempts int NOT NULL,
    best float8,
    best_statement uuid,
    evidence_at timestamptz,
    passed_position bigint,
    completed boolean,
    completed_at timestamptz,
    completed_position bigint,
    submitted_at timestamptz,
    submitted_by uuid,
    progress float8,
    length float8,
    segments float8[],
    PRIMARY KEY (institution, course, learner, activity)
);
COMMENT ON TABLE work IS 'What one learner did with one activity of a course; the fold is projections/work.py.';
COMMENT ON COLUMN work.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN work.course IS 'Course. Immutable.';
COMMENT ON COLUMN work.learner IS 'Pseudonym. Immutable.';
COMMENT ON COLUMN work.activity IS 'Keyed hash of the activity''s IRI. Immutable.';
COMMENT ON COLUMN work.statements IS 'Statements. Mutable.';
COMMENT ON COLUMN work.attempts IS 'Pieces of evidence: statements within 10 s are one. Mutable.';
COMMENT ON COLUMN work.best IS 'Best credit or score, 0 to 1. Mutable: grows.';
COMMENT ON COLUMN work.best_statement IS 'Statement that reached it; the least id of several. Mutable.';
COMMENT ON COLUMN work.evidence_at IS 'Timestamp of the last piece of evidence folded. Mutable.';
COMMENT ON COLUMN work.passed_position IS 'Least position of a statement that passed it. Mutable.';
COMMENT ON COLUMN work.completed IS 'Latest explicit completion. Mutable.';
COMMENT ON COLUMN work.completed_at IS 'Its timestamp. Mutable.';
COMMENT ON COLUMN work.completed_position IS 'Its position. Mutable.';
COMMENT ON COLUMN work.submitted_at IS 'Earliest timestamp of evidence or completion. Mutable.';
COMMENT ON COLUMN work.submitted_by IS 'Its statement. Mutable.';
COMMENT ON COLUMN work.progress IS 'Greatest progress that was reported, 0 to 1. Mutable: grows.';
COMMENT ON COLUMN work.length IS 'Length of a video in seconds. Mutable: grows.';
COMMENT ON COLUMN work.segments IS 'Union of what was played: start, end, start, end, in seconds. Mutable: grows.';

CREATE TABLE activities (
    partition int NOT NULL,
    institution uuid NOT NULL,
    course uuid NOT NULL,
    activity uuid NOT NULL,
    completable boolean NOT NULL,
    weight float8,
    due timestamptz,
    announced_position bigint,
    PRIMARY KEY (partition, institution, course, activity)
);
CREATE INDEX activities_course ON activities (institution, course);
COMMENT ON TABLE activities IS 'What is known of a course''s activities from the statements of one partition''s learners.';
COMMENT ON COLUMN activities.partition IS 'Partition. Immutable.';
COMMENT ON COLUMN activities.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN activities.course IS 'Course. Immutable.';
COMMENT ON COLUMN activities.activity IS 'Activity. Immutable.';
COMMENT ON COLUMN activities.completable IS 'Whether any statement completed, passed, scored or advanced it. Mutable: false to true.';
COMMENT ON COLUMN activities.weight IS 'Weight that its definition last gave. Mutable.';
COMMENT ON COLUMN activities.due IS 'Due date that its definition last gave. Mutable.';
COMMENT ON COLUMN activities.announced_position IS 'Position of that definition. Mutable: grows.';

CREATE TABLE daily_facts (
    institution uuid NOT NULL,
    course uuid NOT NULL,
    learner uuid NOT NULL,
    day date NOT NULL,
    first_position bigint NOT NULL,
    statements int NOT NULL,
    PRIMARY KEY (institution, course, learner, day)
);
CREATE INDEX daily_facts_position ON daily_facts (institution, first_position);
COMMENT ON TABLE daily_facts IS 'Days on which a learner did something in a course.';
COMMENT ON COLUMN daily_facts.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN daily_facts.course IS 'Course. Immutable.';
COMMENT ON COLUMN daily_facts.learner IS 'Pseudonym. Immutable.';
COMMENT ON COLUMN daily_facts.day IS 'Day (UTC) of the timestamps. Immutable.';
COMMENT ON COLUMN daily_facts.first_position IS 'Least position of that day''s statements. Mutable only by a voiding.';
COMMENT ON COLUMN daily_facts.statements IS 'Statements of that day. Mutable.';

-- Multi-Elo (projections/mastery.py), folded from the evidence stream.

CREATE TABLE evidence (
    position bigint NOT NULL,
    competency uuid NOT NULL,
    institution uuid NOT NULL,
    course uuid NOT NULL,
    learner uuid NOT NULL,
    activity uuid NOT NULL,
    statement uuid NOT NULL,
    at timestamptz NOT NULL,
    credit float8 NOT NULL,
    difficulty float8 NOT NULL,
    mean_difficulty float8 NOT NULL,
    PRIMARY KEY (position, competency)
);
CREATE INDEX evidence_learner ON evidence (institution, learner, course, position);
COMMENT ON TABLE evidence IS 'Evidence as folded: a learner is refolded from these after a voiding.';
COMMENT ON COLUMN evidence.position IS 'Position of the statement. Immutable.';
COMMENT ON COLUMN evidence.competency IS 'Keyed hash of the competency''s IRI. Immutable.';
COMMENT ON COLUMN evidence.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN evidence.course IS 'Course. Immutable.';
COMMENT ON COLUMN evidence.learner IS 'Pseudonym. Immutable.';
COMMENT ON COLUMN evidence.activity IS 'Activity: the item. Immutable.';
COMMENT ON COLUMN evidence.statement IS 'Id of the statement. Immutable.';
COMMENT ON COLUMN evidence.at IS 'Timestamp of the statement. Immutable.';
COMMENT ON COLUMN evidence.credit IS 'How well, 0 to 1. Immutable.';
COMMENT ON COLUMN evidence.difficulty IS 'Difficulty of item and competency in logits when it was folded. Immutable.';
COMMENT ON COLUMN evidence.mean_difficulty IS 'Mean difficulty of the competency''s items in logits, just after. Immutable.';

CREATE TABLE abilities (
    institution uuid NOT NULL,
    course uuid NOT NULL,
    learner uuid NOT NULL,
    theta float8 NOT NULL,
    n int NOT NULL,
    PRIMARY KEY (institution, course, learner)
);
COMMENT ON TABLE abilities IS 'A learner''s general ability in a course.';
COMMENT ON COLUMN abilities.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN abilities.course IS 'Course. Immutable.';
COMMENT ON COLUMN abilities.learner IS 'Pseudonym. Immutable.';
COMMENT ON COLUMN abilities.theta IS 'Ability in logits. Mutable.';
COMMENT ON COLUMN abilities.n IS 'Pieces of evidence. Mutable.';

CREATE TABLE mastery (
    institution uuid NOT NULL,
    course uuid NOT NULL,
    learner uuid NOT NULL,
    competency uuid NOT NULL,
    theta float8 NOT NULL,
    n int NOT NULL,
    p float8 NOT NULL,
    mastered boolean NOT NULL,
    streak int NOT NULL,
    longest int NOT NULL,
    recent uuid[] NOT NULL,
    last_activity uuid NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (institution, course, learner, competency)
);
COMMENT ON TABLE mastery IS 'A learner''s state in one competency of a course.';
COMMENT ON COLUMN mastery.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN mastery.course IS 'Course. Immutable.';
COMMENT ON COLUMN mastery.learner IS 'Pseudonym. Immutable.';
COMMENT ON COLUMN mastery.competency IS 'Competency. Immutable.';
COMMENT ON COLUMN mastery.theta IS 'Ability in this competency beside the general one, in logits. Mutable.';
COMMENT ON COLUMN mastery.n IS 'Pieces of evidence; under 3 nothing is claimed. Mutable.';
COMMENT ON COLUMN mastery.p IS 'Probability of a right answer on a mean item, after the last evidence. Mutable.';
COMMENT ON COLUMN mastery.mastered IS 'From p >= .80 with n >= 3 until p < .65. Mutable.';
COMMENT ON COLUMN mastery.streak IS 'Right answers in a row until now. Mutable.';
COMMENT ON COLUMN mastery.longest IS 'Longest such row. Mutable: grows.';
COMMENT ON COLUMN mastery.recent IS 'The last three statements of evidence. Mutable.';
COMMENT ON COLUMN mastery.last_activity IS 'Activity of the last evidence folded. Mutable.';
COMMENT ON COLUMN mastery.last_at IS 'Timestamp of the last evidence folded. Mutable.';

CREATE TABLE items (
    institution uuid NOT NULL,
    course uuid NOT NULL,
    competency uuid NOT NULL,
    activity uuid NOT NULL,
    d float8 NOT NULL,
    n int NOT NULL,
    PRIMARY KEY (institution, course, competency, activity)
);
COMMENT ON TABLE items IS 'Difficulty of an item.';
COMMENT ON COLUMN items.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN items.course IS 'Course. Immutable.';
COMMENT ON COLUMN items.competency IS 'Competency. Immutable.';
COMMENT ON COLUMN items.activity IS 'Activity. Immutable.';
COMMENT ON COLUMN items.d IS 'Difficulty in logits. Mutable.';
COMMENT ON COLUMN items.n IS 'Answers. Mutable.';

CREATE TABLE skills (
    institution uuid NOT NULL,
    course uuid NOT NULL,
    competency uuid NOT NULL,
    d float8 NOT NULL,
    n int NOT NULL,
    items int NOT NULL,
    total float8 NOT NULL,
    PRIMARY KEY (institution, course, competency)
);
COMMENT ON TABLE skills IS 'Difficulty of a competency beside that of its items.';
COMMENT ON COLUMN skills.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN skills.course IS 'Course. Immutable.';
COMMENT ON COLUMN skills.competency IS 'Competency. Immutable.';
COMMENT ON COLUMN skills.d IS 'Difficulty in logits. Mutable.';
COMMENT ON COLUMN skills.n IS 'Answers. Mutable.';
COMMENT ON COLUMN skills.items IS 'Items seen. Mutable: grows.';
COMMENT ON COLUMN skills.total IS 'Sum of the items'' difficulties; over items: their mean. Mutable.';

CREATE TABLE flags (
    institution uuid NOT NULL,
    course uuid NOT NULL,
    learner uuid NOT NULL,
    weight float8 NOT NULL,
    reasons jsonb NOT NULL,
    PRIMARY KEY (institution, course, learner)
);
CREATE INDEX flags_learner ON flags (institution, learner);
COMMENT ON TABLE flags IS 'Learners who struggle, as last evaluated; projections/struggling.py says why.';
COMMENT ON COLUMN flags.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN flags.course IS 'Course. Immutable.';
COMMENT ON COLUMN flags.learner IS 'Pseudonym. Immutable.';
COMMENT ON COLUMN flags.weight IS 'Sum of the weights of the reasons: the order of the list. Mutable.';
COMMENT ON COLUMN flags.reasons IS 'List of code, value, threshold, cohort, evidence (statement ids). Mutable.';

CREATE TABLE evaluations (
    institution uuid NOT NULL,
    course uuid NOT NULL,
    last_position bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (institution, course)
);
COMMENT ON TABLE evaluations IS 'When each course was last evaluated for struggling learners.';
COMMENT ON COLUMN evaluations.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN evaluations.course IS 'Course. Immutable.';
COMMENT ON COLUMN evaluations.last_position IS 'Greatest position of the course that was seen. Mutable.';
COMMENT ON COLUMN evaluations.at IS 'Moment as of which it was judged: of the course''s newest activity. Mutable.';

CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream text NOT NULL,
    partition int NOT NULL,
    position bigint,
    message_offset bigint,
    institution uuid,
    learner uuid,
    reason text NOT NULL,
    waiting boolean NOT NULL DEFAULT false,
    message bytea,
    died_at timestamptz NOT NULL DEFAULT now(),
    published boolean NOT NULL DEFAULT false,
    UNIQUE NULLS NOT DISTINCT (stream, partition, position, message_offset)
);
CREATE INDEX dead_letters_learner ON dead_letters (institution, learner, position);
COMMENT ON TABLE dead_letters IS 'Messages that could not be applied, and those of the same learner that wait behind.';
COMMENT ON COLUMN dead_letters.id IS 'Order of arrival. Immutable.';
COMMENT ON COLUMN dead_letters.stream IS 'Which topic. Immutable.';
COMMENT ON COLUMN dead_letters.partition IS 'Partition. Immutable.';
COMMENT ON COLUMN dead_letters.position IS 'Log position; null where the message is not ours to read. Immutable.';
COMMENT ON COLUMN dead_letters.message_offset IS 'Kafka offset of a message without a position. Immutable.';
COMMENT ON COLUMN dead_letters.institution IS 'Institution, where known. Immutable.';
COMMENT ON COLUMN dead_letters.learner IS 'Pseudonym, where known. Immutable.';
COMMENT ON COLUMN dead_letters.reason IS 'Kind of failure, never content. Mutable by replay.';
COMMENT ON COLUMN dead_letters.waiting IS 'Sound in itself, but behind a dead letter of the same learner. Mutable.';
COMMENT ON COLUMN dead_letters.message IS 'The message, where we sent it; nothing of foreign bytes is kept. Immutable.';
COMMENT ON COLUMN dead_letters.died_at IS 'When. Immutable.';
COMMENT ON COLUMN dead_letters.published IS 'Whether the dead-letter topic has it. Mutable.';

-- Outlines are given, not folded: a rebuild copies them.
CREATE TABLE outlines (
    institution uuid NOT NULL,
    course uuid NOT NULL,
    version int NOT NULL,
    imported_at timestamptz NOT NULL,
    PRIMARY KEY (institution, course)
);
COMMENT ON TABLE outlines IS 'Courses whose outline was imported; progress is measured against it.';
COMMENT ON COLUMN outlines.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN outlines.course IS 'Course. Immutable.';
COMMENT ON COLUMN outlines.version IS 'Counts the imports. Mutable: grows.';
COMMENT ON COLUMN outlines.imported_at IS 'When the current one was imported. Mutable.';

CREATE TABLE outline_items (
    institution uuid NOT NULL,
    course uuid NOT NULL,
    activity uuid NOT NULL,
    ordinal int NOT NULL,
    weight float8 NOT NULL CHECK (weight >= 0),
    required boolean NOT NULL,
    due timestamptz,
    move_on text NOT NULL CHECK (move_on IN
        ('Passed', 'Completed', 'CompletedAndPassed', 'CompletedOrPassed', 'NotApplicable')),
    PRIMARY KEY (institution, course, activity)
);
COMMENT ON TABLE outline_items IS 'The current outline of a course.';
COMMENT ON COLUMN outline_items.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN outline_items.course IS 'Course. Immutable.';
COMMENT ON COLUMN outline_items.activity IS 'Activity. Immutable.';
COMMENT ON COLUMN outline_items.ordinal IS 'Place in the course, from 1. Mutable by import.';
COMMENT ON COLUMN outline_items.weight IS 'Share of the progress. Mutable by import.';
COMMENT ON COLUMN outline_items.required IS 'Whether completing the course needs it. Mutable by import.';
COMMENT ON COLUMN outline_items.due IS 'When it is due. Mutable by import.';
COMMENT ON COLUMN outline_items.move_on IS 'What satisfies it (cmi5 10.2.4). Mutable by import.';

-- A course is completed by an explicit statement, or by all required items of its outline, each
-- satisfied as its move_on asks (cmi5 10.2.4; projections/progress.py says the same for reads).
CREATE VIEW completions AS
SELECT institution, course, learner, min(first_position) AS first_position
FROM (
    SELECT institution, course, learner, completed_position AS first_position
    FROM enrolments WHERE completed
    UNION ALL
    SELECT institution, course, learner, max(position)
    FROM (
        SELECT i.institution, i.course, w.learner,
               CASE i.move_on
                   WHEN 'Passed' THEN w.passed_position
                   WHEN 'Completed' THEN CASE WHEN w.completed THEN w.completed_position END
                   WHEN 'CompletedAndPassed' THEN
                       CASE WHEN w.completed AND w.passed_position IS NOT NULL
                            THEN greatest(w.completed_position, w.passed_position) END
                   WHEN 'CompletedOrPassed' THEN
                       least(w.passed_position, CASE WHEN w.completed THEN w.completed_position END)
               END AS position
        FROM outline_items i
        JOIN work w ON w.institution = i.institution AND w.course = i.course
                   AND w.activity = i.activity
        WHERE i.required
    ) AS s
    WHERE position IS NOT NULL
    GROUP BY institution, course, learner
    HAVING count(*) = (SELECT count(*) FROM outline_items r
                       WHERE r.institution = s.institution AND r.course = s.course
                         AND r.required AND r.move_on <> 'NotApplicable')
) AS c
GROUP BY institution, course, learner;
COMMENT ON VIEW completions IS 'Who completed which course: institution, course, learner, first_position.';

-- ---------------------------------------------------------------------------------------------
-- What the streams themselves must remember; no rebuild touches it.

CREATE TABLE streams.relay (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL
);
COMMENT ON TABLE streams.relay IS 'The relay''s cursor: everything up to it was acknowledged by Kafka.';
COMMENT ON COLUMN streams.relay.one IS 'There is one row. Immutable.';
COMMENT ON COLUMN streams.relay.position IS 'Log position. Mutable: grows.';

CREATE TABLE streams.chains (
    stream text NOT NULL,
    partition int NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (stream, partition)
);
COMMENT ON TABLE streams.chains IS 'Position of the last message sent to each partition.';
COMMENT ON COLUMN streams.chains.stream IS 'Which topic. Immutable.';
COMMENT ON COLUMN streams.chains.partition IS 'Partition. Immutable.';
COMMENT ON COLUMN streams.chains.position IS 'Becomes `prev` of the next message. Mutable: grows.';

GRANT USAGE ON SCHEMA views, streams TO lrs_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA views, streams TO lrs_writer;
