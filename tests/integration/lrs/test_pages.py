"""Pages of rare matches in large lists: the right ones, each once, in order, for bounded work."""

from dataclasses import replace
from datetime import timedelta
from itertools import chain, combinations
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.credentials import Credential
from domain.people import canonical_ifi
from domain.statements.events import originator_of
from domain.values.version import Version
from lrs import postings
from lrs.queries import Filter, Page, Queries
from lrs.services import Services, open_services
from lrs.settings import Settings
from tests.integration.lrs.crowd import ITEM, VERB, Crowd, follow, gather
from tests.integration.lrs.erasing import erase
from tests.integration.lrs.samples import COURSE, Json, agent, statement
from tests.integration.lrs.test_following import WANTED, tangle

NAMES = (
    *("agent", "verb", "activity", "registration", "related_agents", "related_activities"),
    *("since", "until", "authority"),
)
TOGETHER = [
    names
    for size in (1, 2, 3)
    for names in combinations(NAMES, size)
    # One parameter of the address each: `agent` stands in two of these, and so does `activity`.
    if not {"agent", "related_agents"} <= {*names}
    and not {"activity", "related_activities"} <= {*names}
    and not {"since", "until"} <= {*names}
]


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Settings by which pages are cut off early, so that there are many."""
    return settings.model_copy(update={"page_budget_ms": 20})


@pytest.fixture(scope="module")
def crowd(services: Services) -> Crowd:
    """A few statements among two lists of fifty thousand places, and smaller ones."""
    return gather(services, batches=8, large=50_000, small=5_000)


@pytest.fixture(scope="module")
def throng(services: Services) -> Crowd:
    """A few statements among two lists of a million places, and smaller ones."""
    return gather(services, batches=12, large=1_000_000, small=20_000)


def expected(crowd: Crowd, names: tuple[str, ...], *, ascending: bool) -> list[str]:
    ids = [each["id"] for each in crowd.statements]
    half = len(ids) // 2
    found = ids[half:] if "since" in names else ids[:half] if "until" in names else ids
    return found if ascending else found[::-1]


@pytest.mark.parametrize("names", TOGETHER, ids="+".join)
@pytest.mark.parametrize("ascending", [False, True], ids=["descending", "ascending"])
def test_every_combination(
    services: Services, crowd: Crowd, names: tuple[str, ...], ascending: bool
) -> None:
    narrowings = crowd.narrowings(services)
    given: Json = {}
    for name in names:
        given |= narrowings[name]
    pages = follow(services, crowd, Filter(**given, ascending=ascending), 5)
    assert list(chain(*pages)) == expected(crowd, names, ascending=ascending)
    assert all(len(page) <= 5 for page in pages)


@pytest.mark.parametrize("seed", range(3))
def test_pages_of_any_size_give_what_the_index_rows_say(
    services: Services, tool: Credential, seed: int
) -> None:
    """References, voids and everything in common; a page of a single round each."""
    random = Random(seed)
    for each in tangle(random, 60):
        services.statements.accept(tool, [each], Version.V2_0_0)
    hasty = Queries(
        services.pool, services.store, services.people, services.blind, budget=timedelta(0)
    )
    for wanted in WANTED:
        terms = services.queries.terms(tool.institution, wanted)
        assert terms is not None
        having = " AND ".join("i.terms && %s" for _ in terms)
        with services.pool.connection() as connection:
            rows = connection.execute(
                "SELECT i.originator_id FROM lrs.statement_index i WHERE (i.voiding OR NOT EXISTS"
                " (SELECT FROM lrs.statement_refs r"
                " WHERE r.target = i.originator_id AND r.voiding))"
                f" AND {having} ORDER BY i.position".encode(),
                [list(either) for either in terms],
            ).fetchall()
        streams = [row[0] for row in rows]
        for ascending in (False, True):
            directed = replace(wanted, ascending=ascending)
            seen: list[UUID] = []
            after: int | None = None
            while True:
                page = hasty.page(tool.institution, directed, random.randint(1, 7), after)
                seen += [originator_of(tool.institution, each["id"]) for each in page.statements]
                if page.next is None:
                    break
                after = page.next
            assert seen == (streams if ascending else streams[::-1])


def test_two_filters_of_a_million_that_hardly_meet(services: Services, throng: Crowd) -> None:
    pages = follow(services, throng, Filter(agent=agent("ada"), verb=VERB), 50)
    assert list(chain(*pages)) == expected(throng, (), ascending=False)
    assert len(pages) > 1


def test_matches_at_the_far_end_of_the_order(services: Services, throng: Crowd) -> None:
    """Somebody who stands beside the others in the first statement only, looked for backwards."""
    institution = throng.credential.institution
    first = throng.statements[0]
    query = "SELECT position FROM lrs.statement_index WHERE originator_id = %s"
    (position,) = ask(services, query, originator_of(institution, UUID(first["id"])))
    who = {"mbox": "mailto:eve@lms.example.org"}
    eve = services.people.resolve(institution, [canonical_ifi(who) or ""]).popitem()[1]
    term = services.blind.term(institution, postings.RELATED_AGENT, eve.hex)
    ask(services, "INSERT INTO lrs.postings VALUES (%s, %s) RETURNING 1", term, position)
    narrower: list[Json] = [{}, {"verb": VERB}, {"verb": VERB, "activity": ITEM}]
    for more in narrower:
        wanted = Filter(agent=who, related_agents=True, **more)
        assert follow(services, throng, wanted, 50) == [[first["id"]]]


@pytest.mark.parametrize(
    "nowhere",
    [
        {"agent": {"mbox": "mailto:nobody@lms.example.org"}},
        {"agent": agent("ada"), "verb": "http://verbs.example.org/unknown"},
        {"verb": VERB, "registration": uuid4()},
        {"agent": agent("grace"), "verb": VERB},
        {"activity": COURSE, "agent": agent("ada"), "verb": VERB},
    ],
    ids=["agent", "verb", "registration", "role", "activity"],
)
def test_a_filter_that_matches_nothing(services: Services, throng: Crowd, nowhere: Json) -> None:
    assert list(chain(*follow(services, throng, Filter(**nowhere), 50))) == []


def test_a_long_list_of_what_may_not_be_read(services: Services, throng: Crowd) -> None:
    """A million places that lead to nothing, as after an erasure."""
    pages = follow(services, throng, Filter(verb=VERB, ascending=True), 50)
    assert list(chain(*pages)) == expected(throng, (), ascending=True)
    assert len(pages) > 1


def test_a_statement_that_very_many_refer_to(services: Services, throng: Crowd) -> None:
    """Whether it is voided is not found by reading what else refers to it."""
    stream = originator_of(throng.credential.institution, UUID(throng.statements[-2]["id"]))
    with psycopg.connect(services.settings.admin_dsn, autocommit=True) as admin:
        admin.execute(
            "INSERT INTO lrs.statement_refs SELECT %s, -n, false FROM generate_series(1, 50000) n",
            [stream],
        )
    assert entries_read(services, throng, Filter(agent=agent("ada"))) < 3000


@pytest.mark.parametrize("names", TOGETHER, ids="+".join)
def test_a_round_reads_little(services: Services, throng: Crowd, names: tuple[str, ...]) -> None:
    """Without any time a page reads what one round reads: by no list more than the page needs."""
    narrowings = throng.narrowings(services)
    given: Json = {}
    for name in names:
        given |= narrowings[name]
    read = entries_read(services, throng, Filter(**given))
    assert 0 < read < 3000


@pytest.mark.parametrize("ascending", [False, True], ids=["descending", "ascending"])
def test_a_page_that_was_cut_off_while_statements_arrive(
    services: Services, tool: Credential, ascending: bool
) -> None:
    """What arrives meanwhile comes on a later page upwards, not at all downwards; never twice."""
    wanted = Filter(agent=agent("zoe"), verb=VERB, ascending=ascending)
    sent, seen = [statement("zoe") for _ in range(40)], list[str]()
    services.statements.accept(tool, sent, Version.V2_0_0)
    expected = [each["id"] for each in (sent if ascending else sent[::-1])]
    after: int | None = None
    for number in range(20):
        page = services.queries.page(tool.institution, wanted, 3, after)
        seen += [each["id"] for each in page.statements]
        if page.next is None:
            break
        after = page.next
        if number < 3:
            late = statement("zoe")
            services.statements.accept(tool, [late], Version.V2_0_0)
            expected += [late["id"]] if ascending else []
    assert seen == expected


def test_who_was_erased_elsewhere_is_remembered_by_no_page(
    services: Services, tool: Credential
) -> None:
    other = statement("bob", context={"instructor": agent("rosa")})
    services.statements.accept(tool, [other, statement("rosa")], Version.V2_0_0)
    wanted = Filter(agent=agent("rosa"), related_agents=True)
    elsewhere = open_services(services.settings)
    try:
        assert len(elsewhere.queries.page(tool.institution, wanted, 50, None).statements) == 2
        erase(services, tool, "rosa")
        assert elsewhere.queries.page(tool.institution, wanted, 50, None) == Page([], None)
    finally:
        elsewhere.close()


def entries_read(services: Services, crowd: Crowd, wanted: Filter) -> int:
    """Returns how many entries of the indexes one round of the page read; no row by a scan."""
    with services.pool.connection() as connection, connection.transaction():
        pool: Any = _Same(connection)
        queries = Queries(
            pool, services.store, services.people, services.blind, budget=timedelta(0)
        )
        before = counted(connection)
        queries.page(crowd.credential.institution, wanted, 50, None)
        after = counted(connection)
    assert after[1] == before[1]
    return after[0] - before[0]


def counted(connection: psycopg.Connection[Any]) -> tuple[int, int]:
    """Returns entries of indexes and rows of scans that this connection read, not yet flushed."""
    row = connection.execute(
        "SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid))::bigint,"
        " (SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables WHERE schemaname = 'lrs')::bigint"
        " FROM pg_stat_user_indexes WHERE schemaname = 'lrs'"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


class _Same:
    """One connection in the place of a pool."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def connection(self) -> Any:
        return self

    def __enter__(self) -> psycopg.Connection[Any]:
        return self._connection

    def __exit__(self, *_: object) -> None:
        return None


def ask(services: Services, query: str, *params: Any) -> Any:
    with services.pool.connection() as connection:
        return connection.execute(query.encode(), params).fetchone()
