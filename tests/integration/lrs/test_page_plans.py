"""Plans of pages: every list by its index, in order; whatever the planner believes of the tables.

EXPLAIN does not look into functions, so the server prints each plan that it makes and uses
(`debug_print_plan`), for every filter alone and in twos and threes.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest

from domain.errors import NotFound
from lrs.queries import Filter
from lrs.services import Services
from lrs.settings import Settings
from tests.integration.lrs.crowd import TABLES, Crowd, gather
from tests.integration.lrs.samples import Json
from tests.integration.lrs.test_pages import TOGETHER

NODE = re.compile(r"\{([A-Z]+)\s+:(?:\w+\.)*disabled_nodes 0\b|disabled_nodes ([1-9]\d*)")
IN_ORDER = {
    *("INDEXSCAN", "INDEXONLYSCAN", "NESTLOOP", "LIMIT", "UNIQUE", "MERGEAPPEND", "RESULT"),
    *("SUBQUERYSCAN", "FUNCTIONSCAN"),
}
"""What keeps the order of an index, or makes a single row."""
BELIEFS = ("nothing", "an empty table", "a table as it is")


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Settings of one connection, which tells its plans."""
    return settings.model_copy(update={"pool_size": 1})


@pytest.fixture(scope="module")
def crowd(services: Services) -> Crowd:
    """Enough rows that a scan would be a bad plan."""
    return gather(services, batches=12, large=50_000, small=10_000)


@pytest.fixture(params=BELIEFS)
def belief(request: pytest.FixtureRequest, services: Services, crowd: Crowd) -> str:
    """What the planner is told of the tables."""
    assert crowd.statements
    with psycopg.connect(services.settings.admin_dsn, autocommit=True) as admin:
        for table in TABLES:
            if request.param == "a table as it is":
                admin.execute(f"VACUUM (ANALYZE) lrs.{table}".encode())
                continue
            pages, rows = (0, -1) if request.param == "nothing" else (1, 0)
            admin.execute(
                "SELECT pg_restore_relation_stats('schemaname', 'lrs', 'relname', %s::text,"
                " 'relpages', %s::int, 'reltuples', %s::real)",
                [table, pages, rows],
            )
            admin.execute(
                "SELECT pg_clear_attribute_stats('lrs', %s, attname, false) FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0",
                [table, f"lrs.{table}"],
            )
    return str(request.param)


@pytest.mark.parametrize("ascending", [False, True], ids=["descending", "ascending"])
def test_every_page_is_read_in_the_order_of_an_index(
    services: Services, crowd: Crowd, belief: str, ascending: bool
) -> None:
    narrowings = crowd.narrowings(services)
    for names in TOGETHER:
        given: Json = {}
        for name in names:
            given |= narrowings[name]
        with plans(services) as printed:
            services.queries.page(
                crowd.credential.institution, Filter(**given, ascending=ascending), 50, None
            )
        nodes = nodes_of(printed)
        assert "INDEXONLYSCAN" in nodes, (belief, names)
        assert nodes <= IN_ORDER, (belief, names)


def test_one_statement_is_read_by_indexes(services: Services, crowd: Crowd, belief: str) -> None:
    institution = crowd.credential.institution
    authority = services.statements.authority(crowd.credential)
    with plans(services) as printed:
        for voided in (False, True):
            try:
                services.queries.get(
                    institution,
                    UUID(crowd.statements[0]["id"]),
                    voided=voided,
                    authority=authority,
                )
            except NotFound:
                assert voided
    nodes = nodes_of(printed)
    assert "INDEXSCAN" in nodes, belief
    assert nodes <= IN_ORDER, belief


def nodes_of(printed: list[str]) -> set[str]:
    """Returns the kinds of nodes of the plans; a number for one that settings forbid."""
    return {kind or number for plan in printed for kind, number in NODE.findall(plan)}


@contextmanager
def plans(services: Services) -> Iterator[list[str]]:
    """Gives the list that the connection's plans are added to, each made anew."""
    printed: list[str] = []

    def keep(notice: psycopg.errors.Diagnostic) -> None:
        if notice.message_primary == "plan:":
            printed.append(notice.message_detail or "")

    with services.pool.connection() as connection:
        connection.execute("DISCARD PLANS")
        connection.execute("SET debug_print_plan = on")
        connection.execute("SET client_min_messages = log")
        connection.add_notice_handler(keep)
    yield printed
    with services.pool.connection() as connection:
        connection.remove_notice_handler(keep)
        connection.execute("RESET debug_print_plan")
        connection.execute("RESET client_min_messages")
