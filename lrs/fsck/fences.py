"""Judges erasures that are finished: nothing of the person may be left, in either store."""

from typing import Any
from uuid import UUID

from lrs import postings
from lrs.fsck.findings import Kind
from lrs.fsck.session import Session, rows
from lrs.fsck.standing import UNFINISHED

BATCH = 1000
MANY = 1000
NAME = "erased persons"


def check(session: Session) -> None:
    """Looks for what is left of everybody who was erased."""
    after = UUID(int=0)
    while True:
        page = rows(
            session.records,
            f"SELECT f.institution, f.pseudonym, {UNFINISHED} FROM lrs.fences f"
            " WHERE f.pseudonym > %s ORDER BY f.pseudonym LIMIT %s",
            after,
            BATCH,
        )
        within = session.scope.has
        gone = {row[1]: row[0] for row in page if not row[2] and within(row[0])}
        if gone:
            _check(session, gone)
        if len(page) < BATCH:
            break
        after = page[-1][1]
        session.tell(NAME, after.int >> 96, 1 << 32)  # random: they are spread evenly
    session.tell(NAME, 1, 1)


def _check(session: Session, gone: dict[UUID, UUID]) -> None:
    people = list(gone)

    def left(kind: Kind, query: str) -> None:
        for (person,) in rows(session.records, query, people):
            session.report(kind, None, gone[person], person)

    left(
        Kind.PERSON_ERASED,
        "SELECT DISTINCT pseudonym FROM lrs.people WHERE pseudonym = ANY(%s)",
    )
    left(Kind.DOCUMENT_ERASED, "SELECT DISTINCT owner FROM lrs.documents WHERE owner = ANY(%s)")
    left(
        Kind.ATTACHMENT_ERASED,
        "SELECT DISTINCT owner FROM lrs.attachments WHERE owner = ANY(%s)",
    )
    fenced: set[Any] = {
        row[0]
        for row in rows(
            session.keys,
            "SELECT pseudonym FROM keystore.fences WHERE pseudonym = ANY(%s)",
            people,
        )
    }
    for person in gone.keys() - fenced:
        session.report(Kind.FENCE_MISSING, None, gone[person], person)
    _check_postings(session, gone)


def _check_postings(session: Session, gone: dict[UUID, UUID]) -> None:
    """Finds what still finds a statement by the person as its agent."""
    blind = session.services.blind
    terms = {
        postings.of_person(blind, institution, person): person
        for person, institution in gone.items()
    }
    agents = {agent: (related, person) for (agent, related), person in terms.items()}
    query = "SELECT term, position FROM lrs.postings WHERE term = ANY(%s) ORDER BY term, position"
    found = rows(session.records, query, list(agents))
    for term, position in found:
        person = agents[term][1]
        session.report(Kind.POSTING_ERASED, position, gone[person], person)
    if session.repair:
        for term in {term for term, _ in found}:
            while rows(
                session.records,
                "SELECT n FROM lrs.demote_term(%s, %s, %s) AS n WHERE n > 0",
                term,
                agents[term][0],
                MANY,
            ):
                pass
