"""Postings: under which terms a statement is found, and the same terms for a filter.

A term is a keyed hash of kind and value, or of kind and pseudonym; it belongs to one institution.
A person or an activity is posted once for each statement: under the narrow term where the narrow
filter finds it, else under the related one. So a filter is a list of alternatives. Rows of the
first release are under both; that does no harm.
"""

from uuid import UUID

from domain.people import DIRECT_ROLES
from domain.statements.events import StatementStored
from domain.statements.references import ActivityRole, activities, registration
from lrs.keys.blind_index import BlindIndex

ALL = "all"
VERB = "verb"
REGISTRATION = "registration"
AGENT = "agent"
RELATED_AGENT = "related-agent"
ACTIVITY = "object"
RELATED_ACTIVITY = "related-object"

Alternatives = list[tuple[UUID, ...]]
"""What a statement must have to match: of each tuple at least one term."""


def terms_of(blind: BlindIndex, event: StatementStored) -> list[UUID]:
    """Returns every term under which the statement is found, each once."""
    institution = event.institution
    statement = event.statement
    found = {
        blind.term(institution, ALL, ""),
        blind.term(institution, VERB, statement["verb"]["id"]),
    }
    context = registration(statement)
    if context is not None:
        found.add(blind.term(institution, REGISTRATION, str(context)))
    direct = {person.pseudonym for person in event.people if person.role in DIRECT_ROLES}
    for pseudonym in {person.pseudonym for person in event.people}:
        kind = AGENT if pseudonym in direct else RELATED_AGENT
        found.add(blind.term(institution, kind, pseudonym.hex))
    refs = activities(statement)
    objects = {ref.activity["id"] for ref in refs if ref.role is ActivityRole.OBJECT}
    for activity in {ref.activity["id"] for ref in refs}:
        kind = ACTIVITY if activity in objects else RELATED_ACTIVITY
        found.add(blind.term(institution, kind, activity))
    return sorted(found)


def sought(
    blind: BlindIndex,
    institution: UUID,
    *,
    person: UUID | None = None,
    verb: str | None = None,
    activity: str | None = None,
    registration: UUID | None = None,
    related_agents: bool = False,
    related_activities: bool = False,
) -> Alternatives:
    """Returns what a statement must have to match; what is None does not narrow.

    The likely most telling tuple is first.
    """
    chosen: Alternatives = []
    if person is not None:
        either = of_person(blind, institution, person)
        chosen.append(either if related_agents else either[:1])
    if activity is not None:
        kinds = (ACTIVITY, RELATED_ACTIVITY) if related_activities else (ACTIVITY,)
        chosen.append(tuple(blind.term(institution, kind, activity) for kind in kinds))
    if registration is not None:
        chosen.append((blind.term(institution, REGISTRATION, str(registration)),))
    if verb is not None:
        chosen.append((blind.term(institution, VERB, verb),))
    return chosen or [(blind.term(institution, ALL, ""),)]


def of_person(blind: BlindIndex, institution: UUID, pseudonym: UUID) -> tuple[UUID, UUID]:
    """Returns the two terms that find every statement which names the person: one each."""
    agent = blind.term(institution, AGENT, pseudonym.hex)
    return agent, blind.term(institution, RELATED_AGENT, pseudonym.hex)
