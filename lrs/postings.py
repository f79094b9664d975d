"""Postings: under which terms a statement is found, and the same terms for a filter.

A term is a keyed hash of kind and value, or of kind and pseudonym; it belongs to one institution.
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
    for person in event.people:
        found.add(blind.term(institution, RELATED_AGENT, person.pseudonym.hex))
        if person.role in DIRECT_ROLES:
            found.add(blind.term(institution, AGENT, person.pseudonym.hex))
    for activity in activities(statement):
        found.add(blind.term(institution, RELATED_ACTIVITY, activity.activity["id"]))
        if activity.role is ActivityRole.OBJECT:
            found.add(blind.term(institution, ACTIVITY, activity.activity["id"]))
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
) -> list[UUID]:
    """Returns the terms that a statement must have all of to match; what is None does not narrow.

    The likely most telling one is first.
    """
    chosen: list[tuple[str, str]] = []
    if person is not None:
        chosen.append((RELATED_AGENT if related_agents else AGENT, person.hex))
    if activity is not None:
        chosen.append((RELATED_ACTIVITY if related_activities else ACTIVITY, activity))
    if registration is not None:
        chosen.append((REGISTRATION, str(registration)))
    if verb is not None:
        chosen.append((VERB, verb))
    return [blind.term(institution, kind, value) for kind, value in chosen or [(ALL, "")]]
