"""Messages into views: once in effect, however cut, repeated, broken or taken back."""

from datetime import timedelta
from random import Random
from uuid import uuid4

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from domain.learning.facts import Fact, Verb
from lrs.settings import Settings
from projections.messages import Kind, Message, receive
from projections.views import dead_letters, tracking
from projections.views.apply import EVIDENCE, FACTS, Gap, apply_batches, replay
from projections.views.evaluate import evaluate_changed
from projections.views.purge import INSTITUTION_TABLES, LEARNER_TABLES, ViewsPurger
from projections.work import Work
from tests.integration.projections.conftest import PARTITIONS, Views
from tests.learning import INSTITUTION, START, fact, ident

LEARNERS = ("amina", "baraka", "chidi", "dalila", "eshe", "farai", "gathoni")


def some(count: int = 120) -> list[Fact]:
    """Returns facts of several learners: views, answers, completions, registrations."""
    random = Random(7)
    made = []
    for position in range(1, count + 1):
        given: dict[str, object] = {"minute": random.randrange(10_000)}
        kind = random.randrange(4)
        if kind == 0:
            given |= {"verb": Verb.EVIDENCED, "credit": float(random.random() < 0.6)}
            given |= {"competency": random.choice(["fractions", "decimals"])}
            given |= {"passed": given["credit"] == 1.0, "due": START, "weight": 2.0}
        elif kind == 1:
            given |= {"verb": Verb.COMPLETED, "completion": random.random() < 0.9}
        elif kind == 2:
            given |= {"length": 60.0, "segments": (0.0, random.random() * 60), "seconds": 12.5}
        else:
            given |= {"verb": random.choice([Verb.REGISTERED, Verb.WITHDREW])}
            given |= {"activity": "course"}
        made.append(
            fact(
                position,
                **{
                    "learner": random.choice(LEARNERS),
                    "activity": f"activity {random.randrange(5)}",
                    **given,
                },
            )
        )
    return made


@pytest.mark.parametrize("size", [1, 7, 50])
def test_the_cut_of_batches_changes_nothing(views: Views, size: int) -> None:
    messages = views.messages(*some(), evidence=True)
    assert views.apply(messages).applied == len(messages)
    whole = views.everything()
    views.clear()
    views.apply(messages, size)
    assert views.everything() == whole
    assert all(whole.values())


def test_what_comes_again_is_skipped(views: Views) -> None:
    messages = views.messages(*some(), evidence=True)
    views.apply(messages)
    before = views.everything()
    assert views.apply(messages, 13).skipped == len(messages)
    assert views.everything() == before


def test_a_missing_message_stops_everything(views: Views) -> None:
    first, lost, third = views.messages(fact(1), fact(2), fact(3))
    views.apply([first])
    with pytest.raises(Gap):
        views.apply([third])
    assert views.rows("SELECT count(*) FROM facts") == [(1,)]
    assert views.apply([lost, third]).applied == 2


def test_marks_say_how_far_the_views_are(views: Views) -> None:
    views.apply(views.messages(fact(1)))
    assert tracking.reflected(views.connection).position == 0
    for stream in (FACTS, EVIDENCE):
        marks = {
            place: [Message(Kind.MARK, 9, views.chains[stream.name, place], START)]
            for place in range(PARTITIONS)
        }
        apply_batches(views.connection, stream, marks)
    assert tracking.reflected(views.connection)[:2] == (9, START)


def test_poison_is_put_aside_with_what_follows_of_its_learner(views: Views) -> None:
    facts = [fact(1), fact(2), fact(3), fact(4, learner="baraka")]
    sent = views.messages(*facts)
    stream, place, poison = sent[1]
    assert isinstance(poison, Message)
    broken = receive(poison.raw.replace(b'"verb":3', b'"verb":77'), 5)
    assert views.apply([sent[0], (stream, place, broken), sent[2], sent[3]]).dead == 2
    assert views.rows("SELECT position FROM facts ORDER BY 1") == [(1,), (4,)]
    letters = dead_letters.listed(views.connection)
    assert [(d.position, d.waiting) for d in letters] == [(2, False), (3, True)]
    assert len(dead_letters.unpublished(views.connection)) == 2

    # Mended by nobody: it fails again, and nothing behind it passes.
    assert replay(views.connection, FACTS, ident("amina")).applied == 0
    dead_letters.drop(views.connection, letters[0].id)
    assert replay(views.connection, FACTS, ident("amina")).applied == 1
    assert views.rows("SELECT position FROM facts ORDER BY 1") == [(1,), (3,), (4,)]
    assert views.apply(views.messages(fact(5))).applied == 1


def test_a_fault_of_a_fold_is_found_among_the_sound_ones(
    views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Work.fold

    def faulty(state: Work, one: Fact) -> None:
        if one.position == 2:
            raise ArithmeticError
        sound(state, one)

    monkeypatch.setattr(Work, "fold", faulty)
    done = views.apply(views.messages(fact(1), fact(2), fact(3, learner="baraka")))
    assert (done.applied, done.dead) == (2, 1)
    monkeypatch.undo()
    assert replay(views.connection, FACTS, ident("amina")).applied == 1
    assert views.rows("SELECT sum(statements) FROM enrolments") == [(3,)]


def test_foreign_bytes_are_noted_once_and_not_kept(views: Views) -> None:
    junk = receive(b"Amina Otieno", 17)
    for _ in range(2):
        apply_batches(views.connection, FACTS, {0: [junk]})
    rows = views.rows("SELECT position, message_offset, message FROM dead_letters")
    assert rows == [(None, 17, None)]
    assert views.apply(views.messages(*some(20))).applied == 20


def test_what_is_the_databases_fault_is_no_poison(views: Views, own_settings: Settings) -> None:
    with psycopg.connect(own_settings.admin_dsn, autocommit=True) as admin:
        admin.execute("ALTER TABLE views.work RENAME TO elsewhere")
        messages = views.messages(fact(1))
        with pytest.raises(psycopg.errors.UndefinedTable):
            views.apply(messages)
        admin.execute("ALTER TABLE views.elsewhere RENAME TO work")
    assert views.apply(messages).applied == 1
    assert views.rows("SELECT count(*) FROM dead_letters") == [(0,)]


def test_a_voided_fact_never_was(views: Views) -> None:
    facts = some(60)
    gone = next(f for f in facts[20:] if f.credit is not None)
    views.apply(views.messages(*(f for f in facts if f is not gone)))
    wanted = views.everything()
    views.clear()
    views.chains.clear()
    views.apply(views.messages(*facts))
    done = views.apply([views.message(Kind.VOID, gone, 100)])
    assert done.applied == 1
    found = views.everything()
    for table in ("enrolments", "work", "daily_facts", "facts"):
        assert found[table] == wanted[table], table


def test_a_voided_answer_is_no_evidence(views: Views) -> None:
    answers = [
        fact(n, credit=float(n % 3 > 0), competency="fractions", activity=f"item {n}")
        for n in range(1, 9)
    ]
    views.apply(views.messages(*answers, evidence=True))
    before = views.rows("SELECT n, theta FROM mastery")
    course = answers[0].course.int % PARTITIONS
    void = Message(Kind.VOID, 20, 8, START, INSTITUTION, ident("amina"), target=5)
    apply_batches(views.connection, EVIDENCE, {course: [void]})
    after = views.rows("SELECT n, theta FROM mastery")
    assert (before[0][0], after[0][0]) == (8, 7)
    assert after[0][1] != before[0][1]
    assert views.rows("SELECT n FROM abilities") == [(7,)]


def test_a_fenced_learner_is_left_out(views: Views) -> None:
    views.connection.execute(
        "INSERT INTO lrs.fences (institution, pseudonym) VALUES (%s, %s)",
        [INSTITUTION, ident("amina")],
    )
    done = views.apply(views.messages(fact(1), fact(2, learner="baraka")))
    assert (done.applied, done.skipped) == (1, 1)
    assert views.rows("SELECT DISTINCT learner FROM enrolments") == [(ident("baraka"),)]


def test_an_erasure_takes_every_row_of_the_learner(views: Views, own_settings: Settings) -> None:
    facts = [fact(1, credit=1.0, competency="fractions"), fact(2, learner="baraka")]
    views.apply(views.messages(*facts, evidence=True))
    with ConnectionPool(own_settings.dsn, min_size=1, max_size=2, open=True) as pool:
        purger = ViewsPurger(pool)
        held = purger.count(INSTITUTION, ident("amina"))
        assert held >= 6
        assert purger.purge(INSTITUTION, ident("amina")) == held
        assert purger.count(INSTITUTION, ident("amina")) == 0
        assert purger.purge(INSTITUTION, ident("amina")) == 0
        assert purger.count(INSTITUTION, ident("baraka")) > 0


@pytest.mark.parametrize(
    ("column", "known"), [("learner", LEARNER_TABLES), ("institution", INSTITUTION_TABLES)]
)
def test_the_purger_knows_every_table(views: Views, column: str, known: tuple[str, ...]) -> None:
    rows = views.rows(
        "SELECT c.table_name FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        f" WHERE c.table_schema IN ('views', 'streams') AND c.column_name = '{column}'"
        " AND t.table_type = 'BASE TABLE'"
    )
    assert {table for (table,) in rows} == set(known)


def test_an_institution_leaves_no_row_and_none_comes_back(
    views: Views, own_settings: Settings
) -> None:
    mine, other = fact(1, credit=1.0, competency="fractions"), uuid4()
    theirs = fact(2)._replace(institution=other)
    views.apply(views.messages(mine, theirs))
    with ConnectionPool(own_settings.dsn, min_size=1, max_size=2, open=True) as pool:
        purger = ViewsPurger(pool)
        held = purger.count_all(INSTITUTION)
        assert held >= 3
        views.connection.execute("SELECT lrs.fence_institution(%s)", [INSTITUTION])
        assert purger.purge_all(INSTITUTION) == held
        assert purger.count_all(other) > 0
        told = Message(Kind.ERASURE, 4, 3, START, INSTITUTION)
        late = views.messages(fact(3), fact(5))
        _, place, _ = late[0]
        done = views.apply([late[0], ("facts", place, told), late[1]])
        assert (done.applied, done.skipped, done.dead) == (0, 3, 0)
        assert purger.count_all(INSTITUTION) == 0


def test_every_column_says_what_it_holds(views: Views) -> None:
    rows = views.rows(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace IN ('views'::regnamespace, 'streams'::regnamespace)"
        " AND c.relkind = 'r' AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL"
    )
    assert rows == []


def test_evaluation_flags_and_unflags(views: Views) -> None:
    month = 30 * 24 * 60
    good = [
        fact(2 * n + part, learner=f"good {n}", minute=minute)
        for n in range(6)
        for part, minute in ((1, 0), (2, month))
    ]
    views.apply(views.messages(*good, fact(50, learner="idle", minute=0)))
    assert evaluate_changed(views.connection, START + timedelta(days=365)) == 1
    rows = views.rows("SELECT learner, reasons->0->>'code' FROM flags")
    assert rows == [(ident("idle"), "inactive")]
    assert evaluate_changed(views.connection, START + timedelta(days=365)) == 0
    views.apply(views.messages(fact(60, learner="idle", minute=month)))
    assert evaluate_changed(views.connection, START + timedelta(days=365)) == 1
    assert views.rows("SELECT count(*) FROM flags") == [(0,)]
