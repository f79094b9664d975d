"""Credentials: a key and a secret by which somebody acts for an institution in some roles.

The secret itself is known to its holder only; events carry its slow hash.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.errors import Invalid
from domain.events import Event
from domain.placements import directory_id
from domain.roles import ALLOWED, Action, Role
from domain.scopes import EVERYTHING, Scope, granted, within
from domain.statements.tolerance import Tolerated

_SCOPES = frozenset(scope.value for scope in Scope)
_PEOPLE = frozenset(role.value for role in Role if role is not Role.TOOL)

MAX_GRACE_SECONDS = 30 * 24 * 3600


class Rates(BaseModel):
    """How fast a credential may be used, per second and API process.

    None: as the settings say; 0: without a limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: float | None = Field(None, ge=0, le=1e9)
    statements: float | None = Field(None, ge=0, le=1e9)


AS_SETTINGS = Rates()


class OfDirectory:
    """What makes an event one of the directory: it stays there, under a key of its own, wherever
    the institution of the credential lives.
    """

    institution: UUID

    def sealed_for(self) -> UUID:
        """Returns whose key seals it."""
        return directory_id(self.institution)


class CredentialIssued(OfDirectory, Event):
    """Whoever proves to know the secret acts in `roles`, until it is revoked."""

    TOPIC: ClassVar[str] = "credential.issued"

    key: str
    label: str
    roles: tuple[Role, ...]
    secret_hash: str
    scopes: tuple[Scope, ...] = (Scope.ALL,)
    rates: Rates = AS_SETTINGS


class CredentialRotated(OfDirectory, Event):
    """Another secret opens it from now on; the one before, until `old_valid_until`."""

    TOPIC: ClassVar[str] = "credential.rotated"

    secret_hash: str
    old_valid_until: datetime


class CredentialToleranceSet(OfDirectory, Event):
    """Statements are accepted from it with these deviations from now on, and with no others."""

    TOPIC: ClassVar[str] = "credential.tolerance-set"

    tolerance: tuple[Tolerated, ...]


class CredentialRevoked(OfDirectory, Event):
    """The credential opens nothing any more."""

    TOPIC: ClassVar[str] = "credential.revoked"


@dataclass(frozen=True)
class Credential:
    """Somebody who proved to hold `key`'s secret; `label` is what the operator calls them.

    `scopes` narrow the role of a tool; `generation` counts the credential's secrets, up to the one
    that was proved; `tolerance` are the deviations that its statements are let through with.
    """

    key: str
    institution: UUID
    label: str
    roles: frozenset[Role]
    scopes: frozenset[Scope] = EVERYTHING
    rates: Rates = AS_SETTINGS
    generation: int = 1
    tolerance: frozenset[Tolerated] = frozenset()

    def may(self, action: Action) -> bool:
        """Returns whether one of the roles allows `action`; that of a tool, within its scopes."""
        return action in allowed(self.roles, self.scopes)

    @property
    def scope(self) -> str:
        """All that it reaches, as OAuth writes it (RFC 6749, 3.3): scopes, and roles of people."""
        people = self.roles - {Role.TOOL}
        scopes = self.scopes if Role.TOOL in self.roles else frozenset[Scope]()
        return " ".join([*sorted(scopes), *sorted(people)])

    def narrowed(self, scope: str) -> "Credential":
        """Returns the same holder with no more than `scope`; raises Invalid for more than it has.

        `scope` is as `scope` above; whoever names no role of people leaves them behind.
        """
        roles: set[Role] = set()
        scopes: set[Scope] = set()
        for name in scope.split(" "):
            if name in _SCOPES:
                scopes.add(Scope(name))
            elif name in _PEOPLE:
                roles.add(Role(name))
            else:
                raise Invalid("scope", "unknown-scope", f"there is no scope {name!r}")
        held = self.scopes if Role.TOOL in self.roles else frozenset[Scope]()
        if not roles <= self.roles or not within(scopes, held):
            raise Invalid("scope", "beyond", f"this credential reaches only: {self.scope}")
        tool = {Role.TOOL} if scopes else set[Role]()
        return replace(self, roles=frozenset(roles | tool), scopes=frozenset(scopes))


@cache
def allowed(roles: frozenset[Role], scopes: frozenset[Scope]) -> frozenset[Action]:
    """Returns what roles and scopes allow together."""
    return frozenset().union(
        *(granted(scopes) if role is Role.TOOL else ALLOWED[role] for role in roles)
    )
