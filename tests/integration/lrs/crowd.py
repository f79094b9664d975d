"""A few statements in a crowd: posting lists of a million places with hardly any match in common.

The crowd is made by SQL and has postings alone, so a page passes over it. What there is to find is
real, and stands far apart.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg

from domain.credentials import Credential
from domain.people import canonical_ifi
from domain.values.version import Version
from lrs import postings
from lrs.queries import Filter
from lrs.services import Services
from tests.integration.lrs.samples import COURSE, Json, agent, statement, voiding

VERB = "http://adlnet.gov/expapi/verbs/answered"
ITEM = "https://lms.example.org/item/1"
CLASSES = 16
"""Each list keeps to the places of its own class, modulo this."""
TABLES = ("postings", "statement_index", "statement_refs", "stored_events")


@dataclass(frozen=True)
class Crowd:
    """The real statements in the order of the log, and the filters that find them."""

    credential: Credential
    statements: list[Json]
    registration: UUID
    middle: datetime
    """`stored` of the last one of the first half."""

    def narrowings(self, services: Services) -> dict[str, Json]:
        """Returns each filter that there is, by name, as arguments of `Filter`."""
        return {
            "agent": {"agent": agent("ada")},
            "verb": {"verb": VERB},
            "activity": {"activity": ITEM},
            "registration": {"registration": self.registration},
            "related_agents": {"agent": agent("grace"), "related_agents": True},
            "related_activities": {"activity": COURSE, "related_activities": True},
            "since": {"since": self.middle},
            "until": {"until": self.middle},
            "authority": {"authority": services.statements.authority(self.credential)},
        }


def gather(services: Services, *, batches: int, large: int, small: int) -> Crowd:
    """Returns a crowd: lists of agent and verb have `large` places that lead to nothing, the others
    `small`; no two have such a place in common.
    """
    tool = Credential("tool", uuid4(), "a tool", frozenset())
    registration = uuid4()
    sent: list[Json] = []
    gap = CLASSES * large // batches + CLASSES
    admin = psycopg.connect(services.settings.admin_dsn, autocommit=True)
    with admin:
        for table in TABLES:
            admin.execute(f"ALTER TABLE lrs.{table} SET (autovacuum_enabled = off)".encode())
        for _ in range(batches):
            batch = [_real(registration) for _ in range(3)]
            services.statements.accept(tool, batch, Version.V2_0_0)
            # A void matches what its target matches; the target is found no more.
            void = voiding(batch[1]["id"], "bob")
            services.statements.accept(tool, [void], Version.V2_0_0)
            sent += [batch[0], batch[2], void]
            admin.execute(
                "SELECT setval('lrs.notification_ids', nextval('lrs.notification_ids') + %s)", [gap]
            )
        for number, term in enumerate(_terms(services, tool, registration)):
            _fill(admin, term, large if number < 2 else small, gap * batches, number)
    half = services.queries.get(tool.institution, UUID(sent[len(sent) // 2 - 1]["id"]))
    return Crowd(tool, sent, registration, datetime.fromisoformat(half["stored"]))


def follow(services: Services, crowd: Crowd, wanted: Filter, limit: int) -> list[list[str]]:
    """Returns the ids of each page up to the end."""
    pages: list[list[str]] = []
    after: int | None = None
    while True:
        page = services.queries.page(crowd.credential.institution, wanted, limit, after)
        pages.append([each["id"] for each in page.statements])
        if page.next is None:
            return pages
        assert after is None or (page.next > after if wanted.ascending else page.next < after)
        after = page.next


def _real(registration: UUID) -> Json:
    return statement(
        "ada",
        "answered",
        "1",
        context={
            "registration": str(registration),
            "instructor": agent("grace"),
            "contextActivities": {"parent": [{"id": COURSE}]},
        },
    )


def _fill(admin: psycopg.Connection[Any], term: UUID, count: int, end: int, number: int) -> None:
    """Spreads `count` postings over the log up to `end`, in places of class `number`."""
    admin.execute(
        "INSERT INTO lrs.postings (term, position)"
        " SELECT %(term)s, p FROM (SELECT n * %(stretch)s + %(number)s AS p"
        "  FROM generate_series(1, %(count)s) n) places"
        " WHERE NOT EXISTS (SELECT FROM lrs.stored_events e WHERE e.notification_id = p)",
        {
            "term": term,
            "count": count,
            "number": number,
            "stretch": end // count // CLASSES * CLASSES,
        },
    )


def _person(services: Services, tool: Credential, who: Json) -> UUID:
    found = services.people.find(tool.institution, canonical_ifi(who) or "")
    assert found is not None
    return found


def _terms(services: Services, tool: Credential, registration: UUID) -> list[UUID]:
    """Returns the terms of all lists that filters read, agent and verb first."""
    ada, grace = (_person(services, tool, agent(name)) for name in ("ada", "grace"))
    sender = _person(services, tool, services.statements.authority(tool))
    named = [
        (postings.AGENT, ada.hex),
        (postings.VERB, VERB),
        (postings.ALL, ""),
        (postings.AGENT, grace.hex),
        (postings.RELATED_AGENT, grace.hex),
        (postings.ACTIVITY, ITEM),
        (postings.RELATED_ACTIVITY, ITEM),
        (postings.ACTIVITY, COURSE),
        (postings.RELATED_ACTIVITY, COURSE),
        (postings.REGISTRATION, str(registration)),
        (postings.AGENT, sender.hex),
        (postings.RELATED_AGENT, sender.hex),
    ]
    return [services.blind.term(tool.institution, kind, value) for kind, value in named]
