"""`/api/v1/erasures`: forgetting people, and the receipts. For officers, in their institution."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from api.authentication import credential
from api.authorisation import requires
from api.blueprints import noun
from api.paging import AsOf, Page, PageQuery, Strict, cut, page
from api.services import services
from domain.erasure import Erasure
from domain.errors import Invalid
from domain.roles import Action
from lrs import subjects

erasures = noun("erasures", __name__, "Forgetting a person everywhere, with a signed receipt.")


class ErasureIn(Strict):
    """Whom to forget, and why."""

    actor: dict[str, Any] | None = Field(None, description="The person as statements name them.")
    pseudonym: UUID | None = Field(None, description="Instead of the actor.")
    basis: Annotated[str, Field(max_length=2000)] = Field(
        "", description="The request or law; kept sealed."
    )
    dry_run: bool = Field(False, description="Only count what would go.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.actor is None) == (self.pseudonym is None):
            raise ValueError("give either an actor or a pseudonym")
        return self


class RadiusOut(Strict):
    """What an erasure would take: rows by store, statements by the person's role in them."""

    pseudonym: UUID
    stores: dict[str, int]
    roles: dict[str, int]
    groups: int = Field(description="Anonymous groups without another member, which go too.")


class ErasureOut(Strict):
    """An erasure. What is left of the person leads from no identifier to this pseudonym."""

    id: UUID
    pseudonym: UUID
    state: str = Field(description="requested, fenced, purging, verified, then certified.")
    by: str
    basis: str
    requested_at: datetime
    finished_at: datetime | None
    receipt: dict[str, Any] | None = Field(
        description="Signed: verify with the public key of /api/v1/audit/key."
    )


class ErasurePath(Strict):
    """Names one erasure."""

    id: UUID


@erasures.post("", responses={200: RadiusOut, 201: ErasureOut, 202: ErasureOut})
@requires(Action.ERASE)
def erase(body: ErasureIn) -> tuple[RadiusOut | ErasureOut, int]:
    """Forget a person for good; with `dry_run` only count. Again finishes the same erasure.

    202: another process is at it; ask for the erasure again later.
    """
    institution = credential().institution
    person = _person(institution, body)
    if body.dry_run:
        radius = services().erasures.radius(institution, person)
        roles = {role.name.lower(): count for role, count in radius.roles.items()}
        shown = RadiusOut(pseudonym=person, stores=radius.stores, roles=roles, groups=radius.groups)
        return shown, 200
    asked = services().erasures.request(institution, person, by=credential().key, basis=body.basis)
    erasure = services().erasures.run(asked)
    return _shown(erasure), 202 if erasure.receipt is None else 201


@erasures.get("", responses={200: Page[ErasureOut]})
@requires(Action.ERASE)
def list_erasures(query: PageQuery) -> dict[str, Any]:
    """Erasures of the caller's institution, oldest first."""
    cursor = query.after()
    after = (datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else None
    found = services().erasures.page(credential().institution, after, query.limit + 1)
    shown, last = cut(found, query.limit, lambda it: [it.requested.at.isoformat(), str(it.id)])
    items = [_shown(erasure).model_dump(mode="json") for erasure in shown]
    return page(items, last, AsOf(position=services().store.last()))


@erasures.get("/<uuid:id>", responses={200: ErasureOut})
@requires(Action.ERASE)
def get_erasure(path: ErasurePath) -> ErasureOut:
    """One erasure, with its receipt once it is certified."""
    return _shown(services().erasures.get(credential().institution, path.id))


def _person(institution: UUID, body: ErasureIn) -> UUID:
    if body.pseudonym is not None:
        return body.pseudonym
    try:
        return subjects.find_actor(services().lrs, institution, body.actor)
    except Invalid as error:
        raise error.within("/actor") from None


def _shown(erasure: Erasure) -> ErasureOut:
    return ErasureOut(
        id=erasure.id,
        pseudonym=erasure.pseudonym,
        state=erasure.state,
        by=erasure.requested.by,
        basis=erasure.requested.basis,
        requested_at=erasure.requested.at,
        finished_at=erasure.times.get("certified"),
        receipt=None if erasure.receipt is None else dict(erasure.receipt),
    )
