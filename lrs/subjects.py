"""Whom a request is about: a pseudonym, or an actor as statements name one, made a pseudonym."""

from typing import Any
from uuid import UUID

import orjson

from domain.errors import Invalid, NotFound
from domain.people import canonical_ifi
from domain.statements.rules import validate_actor
from domain.values.version import Version
from lrs.services import Services

Json = dict[str, Any]


def find(services: Services, institution: UUID, said: str) -> UUID:
    """Returns the pseudonym that `said` is, or that of the actor that it describes in JSON.

    Raises `Invalid` where it is neither, `NotFound` where nothing is recorded of that person.
    """
    if not said.lstrip().startswith("{"):
        try:
            pseudonym = UUID(said)
        except ValueError:
            detail = "give a pseudonym (UUID) or an actor (JSON object)"
            raise Invalid("subject", "subject", detail) from None
        check(services, institution, pseudonym)
        return pseudonym
    try:
        actor = orjson.loads(said)
    except orjson.JSONDecodeError as error:
        raise Invalid("subject", "json", f"not JSON: {error.msg}") from None
    return find_actor(services, institution, actor)


def find_actor(services: Services, institution: UUID, actor: object) -> UUID:
    """Returns the pseudonym of an Agent or identified Group. Raises `Invalid` and `NotFound`."""
    validate_actor(actor, Version.V2_0_0)
    assert isinstance(actor, dict)
    ifi = canonical_ifi(actor)
    if ifi is None:
        raise Invalid("", "identifier", "a Group without an identifier is nobody in particular")
    pseudonym = services.people.find(institution, ifi)
    if pseudonym is None:
        raise NotFound(
            "nothing is recorded of this person; if they were erased, only the pseudonym that the"
            " erasure tells leads to what is left"
        )
    return pseudonym


def check(services: Services, institution: UUID, pseudonym: UUID) -> None:
    """Raises `NotFound` for a pseudonym that is nobody's, neither living nor erased."""
    with services.pool.connection() as connection:
        known = connection.execute(
            "SELECT FROM lrs.people WHERE institution = %s AND pseudonym = %s UNION ALL"
            " SELECT FROM lrs.fences WHERE institution = %s AND pseudonym = %s",
            [institution, pseudonym] * 2,
        ).fetchone()
    if known is None:
        raise NotFound("nothing is recorded under this pseudonym")
