"""What a GET of the statements resource asks for (1.0.3 Communication 2.1.3; 2.0.0 4.1.6.1)."""

from dataclasses import dataclass
from uuid import UUID

from api.xapi.parameters import (
    Given,
    agent,
    count,
    flag,
    iri,
    moment,
    only,
    optional,
    required,
    uuid,
)
from domain.errors import Invalid
from domain.statements.formats import FORMATS, Format
from lrs.queries import Filter

SECTION = "1.0.3 Communication 2.1.3"
BY_ID = frozenset({"format", "attachments"})
NAMES = BY_ID | {
    "agent",
    "verb",
    "activity",
    "registration",
    "related_agents",
    "related_activities",
    "since",
    "until",
    "limit",
    "ascending",
}


@dataclass(frozen=True)
class Asked:
    """One statement by id, or those that match `filter`; and in which form."""

    statement_id: UUID | None
    voided: bool
    filter: Filter
    limit: int
    format: Format
    attachments: bool


def asked(given: Given, max_page: int) -> Asked:
    """Returns what the parameters mean; raises Invalid."""
    by_id = [name for name in ("statementId", "voidedStatementId") if name in given]
    if len(by_id) > 1:
        raise Invalid("voidedStatementId", "together", "give one id or the other", SECTION)
    if by_id:
        only(given, BY_ID | set(by_id), "not together with an id")
    else:
        only(given, NAMES)
    return Asked(
        statement_id=required(given, by_id[0], uuid) if by_id else None,
        voided="voidedStatementId" in given,
        filter=Filter(
            agent=optional(given, "agent", agent),
            verb=optional(given, "verb", iri),
            activity=optional(given, "activity", iri),
            registration=optional(given, "registration", uuid),
            related_agents=optional(given, "related_agents", flag) or False,
            related_activities=optional(given, "related_activities", flag) or False,
            since=optional(given, "since", moment),
            until=optional(given, "until", moment),
            ascending=optional(given, "ascending", flag) or False,
        ),
        limit=min(optional(given, "limit", count) or max_page, max_page),
        format=optional(given, "format", _format) or "exact",
        attachments=optional(given, "attachments", flag) or False,
    )


def _format(name: str, value: str) -> Format:
    for known in FORMATS:
        if value == known:
            return known
    raise Invalid(name, "format", "exact, ids or canonical", SECTION)
