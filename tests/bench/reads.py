"""Section `reads`: pages of 50 by every filter, and the worst cases, at 1,000,000 stored and more.

Server-side: from the call of `Queries.page` to the statements, decrypted and ready to be written
as JSON, without HTTP. All filters of a kind are asked for twice: the first time rows may have to
come from the disk, again they are in memory. Beside it the time in the database alone. A worst case
is a crowd of postings that lead to nothing (`tests.integration.lrs.crowd`), followed to its last
page.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any
from unittest import mock
from uuid import UUID

import psycopg

from lrs.queries import Filter, Queries
from lrs.services import Services, open_services
from tests.bench.corpus import SEED
from tests.bench.fill import SPREAD, TABLES, fill, statement
from tests.bench.garbage import as_in_the_api
from tests.bench.place import Bench
from tests.bench.table import markdown, quantile
from tests.integration.lrs.crowd import VERB, gather
from tests.integration.lrs.samples import agent

Json = dict[str, Any]

PAGE = 50
WARM = 5
"""Filters of each kind that open connections and make plans, and do not count."""
LARGE = 1_000_000
"""Places of each of the two lists of a crowd, at most as many as are stored."""
SHARES = (0.5, 0.95, 0.99)


def run(bench: Bench) -> None:
    """Fills stores of `--slope` statements, measures and prints."""
    size = bench.options.slope
    with bench.stores.empty() as settings, closing(open_services(settings)) as services:
        institution = services.institutions.create("bench").institution
        fill(settings, institution, size)
        report(services, institution, size, bench.options.samples)


def report(services: Services, institution: UUID, size: int, samples: int) -> None:
    """Prints the tables for a store that `tests.bench.fill` gave `size` statements."""
    rows = pages(services, institution, size, samples)
    shares = [f"P{share * 100:.0f}" for share in SHARES]
    head = ("page of 50 by", *shares, "database, P95", *(f"first, {s}" for s in shares), "found")
    print(f"\n### Pages at {size:,} stored, server-side, ms\n")
    print(markdown(head, rows))
    large = min(LARGE, size)
    print(f"\n### Worst cases, two lists of {large:,}\n")
    head = ("filter", "first page, ms", "longest page, ms", "pages", "found", "all, ms")
    print(markdown(head, worst(services, large)))


def pages(services: Services, institution: UUID, size: int, samples: int) -> list[tuple[str, ...]]:
    """Returns a row for each kind of filter: quantiles in ms, of what some statement has.

    No kind asks for what another has asked for before.
    """
    rows = []
    for kind in KINDS:
        wanted = list(_filters(kind, size, samples + WARM, Random(f"{SEED} {kind}")))
        first, _, _ = _asked(services, institution, wanted)
        again, inside, found = _asked(services, institution, wanted)
        rows.append(
            (
                kind,
                *(f"{quantile(again, share):,.1f}" for share in SHARES),
                f"{quantile(inside, 0.95):,.1f}",
                *(f"{quantile(first, share):,.1f}" for share in SHARES),
                f"{found / len(wanted):,.0f}",
            )
        )
    return rows


def _asked(
    services: Services, institution: UUID, wanted: list[Filter]
) -> tuple[list[float], list[float], int]:
    """Returns ms of each page, of its query alone, and how many statements there were in all."""
    whole: list[float] = []
    inside: list[float] = []
    found = 0
    with as_in_the_api(), _timed(inside):
        for each in wanted:
            started = time.perf_counter()
            page = services.queries.page(institution, each, PAGE, None)
            whole.append((time.perf_counter() - started) * 1e3)
            found += len(page.statements)
    return whole[WARM:], inside[WARM:], found


def worst(services: Services, large: int) -> list[tuple[str, ...]]:
    """Returns a row for each worst case, followed from its first page to its last."""
    crowd = gather(services, batches=12, large=large, small=large // 10)
    with psycopg.connect(services.settings.admin_dsn, autocommit=True) as admin:
        for table in TABLES:
            admin.execute(f"VACUUM (ANALYZE) {table}".encode())
    ada, grace = agent("ada"), agent("grace")
    cases = {
        "two of a million, hardly any together": Filter(agent=ada, verb=VERB),
        "the same, upwards": Filter(agent=ada, verb=VERB, ascending=True),
        "a million places that lead to nothing": Filter(verb=VERB),
        "related_agents, matches far away": Filter(agent=grace, related_agents=True, verb=VERB),
        "nothing: unknown verb": Filter(agent=ada, verb="http://verbs.example.org/none"),
        "nothing: known terms, never together": Filter(agent=grace, verb=VERB),
        "nothing: unknown agent": Filter(agent=agent("nobody"), verb=VERB),
    }
    rows = []
    for name, wanted in cases.items():
        times, found = [], 0
        after: int | None = None
        while True:
            started = time.perf_counter()
            page = services.queries.page(crowd.credential.institution, wanted, PAGE, after)
            times.append((time.perf_counter() - started) * 1e3)
            found, after = found + len(page.statements), page.next
            if after is None:
                break
        cells = (times[0], max(times), len(times), found, sum(times))
        rows.append(
            (name, *(f"{cell:,.1f}" if isinstance(cell, float) else str(cell) for cell in cells))
        )
    return rows


def _filters(kind: str, size: int, samples: int, draw: Random) -> Iterator[Filter]:
    while samples:
        wanted = KINDS[kind](statement(draw.randrange(size)), draw)
        if wanted is not None:
            samples -= 1
            yield wanted


@contextmanager
def _timed(spent: list[float]) -> Iterator[None]:
    """Adds the milliseconds of each query for a page to `spent`."""
    select = Queries._select

    def timing(self: Queries, *args: Any) -> Any:
        started = time.perf_counter()
        try:
            return select(self, *args)
        finally:
            spent.append((time.perf_counter() - started) * 1e3)

    with mock.patch.object(Queries, "_select", timing):
        yield


def _around(asked: Json) -> str | None:
    around = asked.get("context", {}).get("contextActivities", {})
    for kind in ("parent", "grouping", "category"):
        for activity in around.get(kind, ()):
            return str(activity["id"])
    return None


def _related_activity(asked: Json, _: Random) -> Filter | None:
    activity = _around(asked)
    return None if activity is None else Filter(activity=activity, related_activities=True)


def _registration(asked: Json, _: Random) -> Filter | None:
    found = asked.get("context", {}).get("registration")
    return None if found is None else Filter(registration=UUID(found))


def _since(draw: Random) -> datetime:
    return datetime.now(UTC) - SPREAD * draw.random()


KINDS: dict[str, Any] = {
    "nothing: the newest": lambda _, __: Filter(),
    "agent": lambda asked, _: Filter(agent=asked["actor"]),
    "verb": lambda asked, _: Filter(verb=asked["verb"]["id"]),
    "activity": lambda asked, _: Filter(activity=asked["object"]["id"]),
    "registration": _registration,
    "related_agents": lambda asked, _: Filter(agent=asked["actor"], related_agents=True),
    "related_activities": _related_activity,
    "agent, verb": lambda asked, _: Filter(agent=asked["actor"], verb=asked["verb"]["id"]),
    "activity, verb": lambda asked, _: Filter(
        activity=asked["object"]["id"], verb=asked["verb"]["id"]
    ),
    "agent, verb, activity": lambda asked, _: Filter(
        agent=asked["actor"], verb=asked["verb"]["id"], activity=asked["object"]["id"]
    ),
    "since": lambda _, draw: Filter(since=_since(draw), ascending=True),
    "until": lambda _, draw: Filter(until=_since(draw)),
    "agent, since": lambda asked, draw: Filter(agent=asked["actor"], since=_since(draw)),
}
"""A filter for what a statement has, or None where it has no such thing."""
