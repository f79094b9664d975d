"""`/api/v1/institutions`: quotas, and the erasure of a whole institution. For the host."""

import time
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.authentication import credential
from api.authorisation import requires
from api.blueprints import noun, refusals
from api.erasures import closures_of
from api.paging import Strict
from api.services import go_to, services
from api.v1.usage import reach
from domain.closure import Closure
from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.quotas import Quota
from domain.roles import Action

institutions = noun("institutions", __name__, "Tenants: their quotas, and their erasure.")

CONFIRM = "erase institution"
CONFIRM_SECONDS = 600


class InstitutionOut(Strict):
    """An institution."""

    id: UUID
    name: str
    created_at: datetime


class InstitutionsOut(Strict):
    """All institutions, oldest first."""

    items: list[InstitutionOut]


class InstitutionPath(Strict):
    """Names one institution."""

    id: UUID


class UsedOut(Strict):
    """What counts against the quota."""

    statements: int
    bytes: int
    per_day: int = Field(description="Statements of today (UTC).")
    credentials: int


class QuotaOut(Strict):
    """A quota, null where there is no limit, and what is used of it."""

    quota: Quota
    used: UsedOut
    counted_at: datetime = Field(description="All that was recorded before is counted.")


class ErasureIn(Strict):
    """Why, and whether it is meant."""

    basis: Annotated[str, Field(max_length=2000)] = Field("", description="Kept sealed.")
    confirm: str | None = Field(
        None, max_length=4096, description="What the first call gave; without it nothing goes."
    )


class AskedOut(Strict):
    """What would go, and what to send to make it go."""

    institution: UUID
    name: str
    stores: dict[str, int] = Field(description="Rows by store.")
    confirm: str = Field(description="Send this within ten minutes.")


class ClosureOut(Strict):
    """The erasure of an institution."""

    institution: UUID
    state: str = Field(description="requested, fenced, purging, verified, then certified.")
    by: str
    basis: str
    requested_at: datetime
    finished_at: datetime | None
    receipt: dict[str, Any] | None = Field(
        description="Signed: verify with the public key of /api/v1/audit/key."
    )


@institutions.get("", responses={200: InstitutionsOut})
@requires(Action.MANAGE_INSTITUTIONS)
def list_institutions() -> InstitutionsOut:
    """Every institution of this deployment."""
    return InstitutionsOut(
        items=[
            InstitutionOut(id=each.institution, name=each.name, created_at=each.created_at)
            for each in services().institutions.list()
        ]
    )


@institutions.get("/<uuid:id>/quota", responses={200: QuotaOut})
@requires(Action.SEE_USAGE)
def get_quota(path: InstitutionPath) -> QuotaOut:
    """What an institution may store, and what it does; the host asks of any, others of theirs."""
    reach(path.id)
    go_to(path.id)
    services().institutions.get(path.id)
    return _quota(path.id)


@institutions.put("/<uuid:id>/quota", responses={200: QuotaOut, **refusals(409)})
@requires(Action.MANAGE_INSTITUTIONS)
def set_quota(path: InstitutionPath, body: Quota) -> QuotaOut:
    """What an institution may store from now on, in place of the quota before."""
    go_to(path.id)
    services().institutions.get(path.id)
    services().lrs.quotas.set(path.id, body)
    return _quota(path.id)


@institutions.post(
    "/<uuid:id>/erasure", responses={200: AskedOut, 202: ClosureOut, **refusals(409)}
)
@requires(Action.MANAGE_INSTITUTIONS)
def erase_institution(path: InstitutionPath, body: ErasureIn) -> tuple[AskedOut | ClosureOut, int]:
    """Erase an institution for good: every key, person, statement, document and credential of it.

    In two calls: the first changes nothing, counts, and gives what to `confirm` with; the second
    shuts the institution out and destroys its keys before it answers 202, and the rest goes within
    minutes. Again is no error. Credentials of the institution itself cannot ask for it.
    """
    if credential().institution == path.id:
        raise Conflict("these credentials belong to the institution and would go with it")
    go_to(path.id)
    closures = closures_of(services().lrs)
    with suppress(NotFound):
        return _shown(closures.run(closures.get(path.id), steps=2)), 202
    if body.confirm is None:
        stores = closures.radius(path.id)
        name = services().institutions.get(path.id).name
        confirm = services().cursors.seal(
            [str(path.id), time.time() + CONFIRM_SECONDS], CONFIRM, credential().institution
        )
        return AskedOut(institution=path.id, name=name, stores=stores, confirm=confirm), 200
    _confirmed(path.id, body.confirm)
    asked = closures.request(path.id, by=credential().key, basis=body.basis)
    return _shown(closures.run(asked, steps=2)), 202


@institutions.get("/<uuid:id>/erasure", responses={200: ClosureOut})
@requires(Action.MANAGE_INSTITUTIONS)
def get_erasure(path: InstitutionPath) -> ClosureOut:
    """How far the erasure is, and its receipt once it is certified."""
    go_to(path.id)
    return _shown(closures_of(services().lrs).get(path.id))


def _confirmed(institution: UUID, confirm: str) -> None:
    """Raises `Invalid` unless the caller's institution was given this for that one, lately."""
    try:
        asked, until = services().cursors.open(confirm, CONFIRM, credential().institution)
    except (Invalid, Forbidden):
        asked, until = None, 0.0
    if asked != str(institution) or time.time() > until:
        detail = "ask again without `confirm`, and send what that gives within ten minutes"
        raise Invalid("confirm", "confirm", detail)


def _quota(institution: UUID) -> QuotaOut:
    found = services().lrs.quotas.get(institution)
    used = UsedOut(
        statements=found.used.statements,
        bytes=found.used.bytes,
        per_day=found.used.today,
        credentials=found.credentials,
    )
    return QuotaOut(quota=found.quota, used=used, counted_at=found.counted_at)


def _shown(closure: Closure) -> ClosureOut:
    return ClosureOut(
        institution=closure.institution,
        state=closure.state,
        by=closure.requested.by,
        basis=closure.requested.basis,
        requested_at=closure.times["requested"],
        finished_at=closure.times.get("certified"),
        receipt=None if closure.receipt is None else dict(closure.receipt),
    )
