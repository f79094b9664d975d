"""Postings: under which terms a statement is found, and the same terms for a filter.

A term is a keyed hash of kind and value, or of kind and pseudonym; it belongs to one institution.
A person or an activity is posted once for each statement: under the narrow term where the narrow
filter finds it, else under the related one. So a filter is a list of alternatives. Rows of the
first release are under both; that does no harm.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from uuid import UUID

from domain.people import DIRECT_ROLES
from domain.statements.events import StatementStored
from domain.statements.references import ActivityRef, ActivityRole, activities
from lrs.keys.blind_index import BlindIndex

ALL = "all"
VERB = "verb"
REGISTRATION = "registration"
AGENT = "agent"
RELATED_AGENT = "related-agent"
ACTIVITY = "object"
RELATED_ACTIVITY = "related-object"

REMEMBERED = 20_000
"""Values of each kind whose hashes are kept, for each institution."""

Alternatives = list[tuple[UUID, ...]]
"""What a statement must have to match: of each tuple at least one term."""


def terms_of(
    blind: BlindIndex, event: StatementStored, named: list[ActivityRef] | None = None
) -> list[UUID]:
    """Returns every term under which the statement is found, each once, in no order.

    `named` are its activities, where the caller has them already.
    """
    statement = event.statement
    term = _terms(blind, event.institution)
    found = [term.all, term.verb(statement["verb"]["id"])]
    context = statement.get("context")
    if context is not None and (registration := context.get("registration")) is not None:
        found.append(blind.hashed(event.institution, REGISTRATION, registration.lower()))
    direct: dict[int, bool] = {}  # by number: to look up a UUID takes three times as long
    for _, role, pseudonym in event.people:
        if not direct.get(number := pseudonym.int):
            direct[number] = role in DIRECT_ROLES
    for number, is_direct in direct.items():
        found.append((term.agent if is_direct else term.related_agent)(number))
    objects: dict[str, bool] = {}
    for _, part, activity in activities(statement) if named is None else named:
        if not objects.get(activity["id"]):
            objects[activity["id"]] = part is ActivityRole.OBJECT
    for iri, is_object in objects.items():
        found.append((term.activity if is_object else term.related_activity)(iri))
    return found


class _Terms:
    """The hashes of one institution, remembered: most values come again and again."""

    def __init__(self, blind: BlindIndex, institution: UUID) -> None:
        def of(kind: str) -> Callable[[str], UUID]:
            return lru_cache(maxsize=REMEMBERED)(partial(blind.hashed, institution, kind))

        def of_number(kind: str) -> Callable[[int], UUID]:
            hashed = partial(blind.hashed, institution, kind)
            return lru_cache(maxsize=REMEMBERED)(lambda number: hashed(f"{number:032x}"))

        self.all = blind.hashed(institution, ALL, "")
        self.agent, self.related_agent = of_number(AGENT), of_number(RELATED_AGENT)
        self.verb, self.activity, self.related_activity = map(
            of, (VERB, ACTIVITY, RELATED_ACTIVITY)
        )


_terms = lru_cache(maxsize=256)(_Terms)


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
