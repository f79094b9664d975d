"""Credentials: a key and a secret by which somebody acts for an institution in some roles.

The secret itself is known to its holder only; events carry its slow hash.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.events import Event
from domain.roles import Role


class CredentialIssued(Event):
    """Whoever proves to know the secret acts in `roles`, until it is revoked."""

    TOPIC: ClassVar[str] = "credential.issued"

    key: str
    label: str
    roles: tuple[Role, ...]
    secret_hash: str


class CredentialRevoked(Event):
    """The credential opens nothing any more."""

    TOPIC: ClassVar[str] = "credential.revoked"


@dataclass(frozen=True)
class Credential:
    """Somebody who proved to hold `key`'s secret; `label` is what the operator calls them."""

    key: str
    institution: UUID
    label: str
    roles: frozenset[Role]
