"""`/api/v1/credentials`: who may come in. For operators, within their institution."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.authentication import credential
from api.authorisation import requires
from api.blueprints import noun, refusals
from api.paging import AsOf, Page, PageQuery, Strict, cut, page
from api.services import services
from domain.credentials import AS_SETTINGS, MAX_GRACE_SECONDS, Rates
from domain.errors import Forbidden
from domain.roles import Action, Role
from domain.scopes import Scope, chosen
from domain.statements.tolerance import Tolerated
from lrs.credentials import Listed

credentials = noun("credentials", __name__, "Keys by which tools and people come in.")


class CredentialOut(Strict):
    """A credential; its secret is never shown again."""

    key: str
    label: str
    roles: list[Role]
    scopes: list[Scope] = Field(description="What it reaches as a tool; roles of people have none.")
    rates: Rates
    tolerance: list[Tolerated] = Field(description="What its statements are let through with.")
    generation: int = Field(description="Number of its current secret, from 1.")
    old_secret_valid_until: datetime | None
    issued_at: datetime
    revoked_at: datetime | None


class CredentialIn(Strict):
    """What a new credential shall be."""

    label: Annotated[str, Field(strict=True, min_length=1, max_length=200)]
    roles: list[Role] = Field(min_length=1)
    scopes: list[Scope] | None = Field(None, description="Of a tool; by default all.")
    rates: Rates = AS_SETTINGS


class NewCredential(Strict):
    """A credential with its secret, which is shown this once."""

    key: str
    secret: str
    label: str
    roles: list[Role]
    scopes: list[Scope]


class RotationIn(Strict):
    """How a secret is replaced."""

    grace_seconds: int = Field(
        0, strict=True, ge=0, le=MAX_GRACE_SECONDS, description="How long the old one opens too."
    )


class NewSecret(Strict):
    """A secret, which is shown this once."""

    key: str
    secret: str
    old_secret_valid_until: datetime


class ToleranceIn(Strict):
    """What is to be tolerated from a credential."""

    tolerance: list[Tolerated] = Field(
        max_length=len(Tolerated), description="All of it; an empty list ends it."
    )


class CredentialPath(Strict):
    """Names one credential."""

    key: str = Field(description="Public half of the credential.", pattern=r"^[!-~]+$")


@credentials.get("", responses={200: Page[CredentialOut]})
@requires(Action.MANAGE_CREDENTIALS)
def list_credentials(query: PageQuery) -> dict[str, Any]:
    """Credentials of the caller's institution, oldest first, revoked ones included."""
    after = query.after()
    found = services().credentials.list(
        credential().institution, UUID(after) if after else None, query.limit + 1
    )
    shown, last = cut(found, query.limit, lambda item: str(item.credential))
    return page([_shown(item) for item in shown], last, AsOf(position=services().store.last()))


@credentials.post("", responses={201: NewCredential})
@requires(Action.MANAGE_CREDENTIALS)
def issue_credential(body: CredentialIn) -> tuple[NewCredential, int]:
    """A new credential of the caller's institution; note the secret, it is shown once."""
    if Role.HOST in body.roles and not credential().may(Action.MANAGE_INSTITUTIONS):
        raise Forbidden("only a host, or the command line, makes another host")
    scopes = chosen(body.roles, body.scopes)
    key, secret = services().credentials.issue(
        credential().institution, body.label, body.roles, scopes, body.rates
    )
    made = NewCredential(
        key=key, secret=secret, label=body.label, roles=body.roles, scopes=list(scopes)
    )
    return made, 201


@credentials.post("/<key>/secret", responses={200: NewSecret, **refusals(409)})
@requires(Action.MANAGE_CREDENTIALS)
def rotate_credential(path: CredentialPath, body: RotationIn) -> NewSecret:
    """A new secret for the same key; note it, it is shown once.

    The old one, and tokens that were given for it, end after the grace, within a minute everywhere.
    """
    secret, until = services().credentials.rotate(
        credential().institution, path.key, body.grace_seconds
    )
    return NewSecret(key=path.key, secret=secret, old_secret_valid_until=until)


@credentials.put("/<key>/tolerance", responses={204: None, **refusals(409)})
@requires(Action.MANAGE_CREDENTIALS)
def tolerate(path: CredentialPath, body: ToleranceIn) -> tuple[str, int]:
    """Statements of this credential are accepted with these deviations, within a minute everywhere.

    They are stored as they were sent; the record says which deviations each has.
    """
    services().credentials.tolerate(credential().institution, path.key, body.tolerance)
    return "", 204


@credentials.delete("/<key>", responses={204: None, **refusals(409)})
@requires(Action.MANAGE_CREDENTIALS)
def revoke_credential(path: CredentialPath) -> tuple[str, int]:
    """The credential opens nothing any more, within a minute everywhere; again is no error."""
    services().credentials.revoke(credential().institution, path.key)
    return "", 204


def _shown(item: Listed) -> dict[str, Any]:
    return CredentialOut(
        key=item.key,
        label=item.label,
        roles=list(item.roles),
        scopes=list(item.scopes),
        rates=item.rates,
        tolerance=list(item.tolerance),
        generation=item.generation,
        old_secret_valid_until=item.old_valid_until,
        issued_at=item.issued_at,
        revoked_at=item.revoked_at,
    ).model_dump(mode="json")
