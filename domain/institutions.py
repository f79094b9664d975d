"""Institutions (tenants): to which every credential, key, statement and ledger belongs."""

from typing import ClassVar
from uuid import UUID

from domain.events import Event

INSTANCE = UUID("c42f9755-2691-465c-9083-4652e492fe67")
"""Stands for the deployment itself: of what must outlast an institution, this is the institution.

It has a record key like every other, and no credential.
"""


class InstitutionCreated(Event):
    """The institution exists from now on; its stream is its id."""

    TOPIC: ClassVar[str] = "institution.created"

    name: str
