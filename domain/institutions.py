"""Institutions (tenants): to which every credential, key, statement and ledger belongs."""

from typing import ClassVar

from domain.events import Event


class InstitutionCreated(Event):
    """The institution exists from now on; its stream is its id."""

    TOPIC: ClassVar[str] = "institution.created"

    name: str
