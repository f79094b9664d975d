"""`/api/v1/quarantine`: what was refused of statements. A tool sees its own; an operator and an
officer all of their institution.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from api.authentication import credential
from api.authorisation import requires
from api.blueprints import noun, refusals
from api.paging import AsOf, Page, PageQuery, Strict, cut, page
from api.quotas import within_quota
from api.services import services
from domain.quarantine import Item, Reason
from domain.roles import Action
from lrs.quarantine import Held

quarantine = noun("quarantine", __name__, "Refused statements: see why, replay or drop them.")


class ItemOut(Strict):
    """A refused request."""

    id: UUID
    credential: str = Field(description="Key of the credential that it came by.")
    reason: Reason
    rule: str = Field(description="Code of the rule that was broken first.")
    xapi_version: str
    statements: int = Field(description="How many it had; 0 where it could not be read.")
    received_at: datetime
    last_at: datetime
    times: int = Field(description="How often the same request came.")


class FaultOut(Strict):
    """What is wrong."""

    number: int | None = Field(description="Which statement, from 0; null: the request.")
    statement_id: str | None
    pointer: str = Field(description="JSON pointer into that statement, or a parameter or header.")
    rule: str
    detail: str
    section: str


class StatementOut(Strict):
    """A statement that was kept."""

    number: int
    statement: dict[str, Any]


class HeldOut(ItemOut):
    """A refused request with its content, as far as it was kept."""

    faults: list[FaultOut]
    content: list[StatementOut]


class ItemsQuery(PageQuery):
    """Which items."""

    reason: Reason | None = None
    since: AwareDatetime | None = Field(None, description="Came since then.")
    credential: str | None = Field(
        None, max_length=200, pattern=r"^[!-~]+$", description="Came by this key."
    )


class ItemPath(Strict):
    """Names one item."""

    id: UUID


class ReplayIn(Strict):
    """What to record instead of what was refused."""

    statements: list[dict[str, Any]] | None = Field(
        None, description="Corrected statements, in place of all; null: as they came."
    )


class ReplayOut(Strict):
    """What was recorded."""

    ids: list[UUID]
    position: int


@quarantine.get("", responses={200: Page[ItemOut]})
@requires(Action.HANDLE_OWN_REFUSED)
def list_items(query: ItemsQuery) -> dict[str, Any]:
    """Refused requests, newest first."""
    after, own = query.after(), _own()
    if own is not None and query.credential not in (None, own):
        return page([], None, AsOf(position=services().store.last()))
    found = services().quarantine.page(
        credential().institution,
        credential=own or query.credential,
        why=query.reason,
        since=query.since,
        before=UUID(after) if after else None,
        limit=query.limit + 1,
    )
    shown, last = cut(found, query.limit, lambda item: str(item.id))
    items = [_item(item).model_dump(mode="json") for item in shown]
    return page(items, last, AsOf(position=services().store.last()))


@quarantine.get("/<uuid:id>", responses={200: HeldOut})
@requires(Action.HANDLE_OWN_REFUSED)
def get_item(path: ItemPath) -> HeldOut:
    """A refused request: what is wrong with it, and its statements."""
    return _held(services().quarantine.get(credential().institution, path.id, _own()))


@quarantine.post("/<uuid:id>/replay", responses={200: ReplayOut, **refusals(409)})
@requires(Action.HANDLE_OWN_REFUSED)
def replay_item(path: ItemPath, body: ReplayIn) -> ReplayOut:
    """Records its statements, or corrected ones, as if its credential sent them now; drops it.

    All or none. Where they are refused again the item stays; pointers are into the list.
    """
    holder = credential()
    if _own() is None:
        sender = services().quarantine.get(holder.institution, path.id).item.credential
        holder = services().credentials.sender(holder.institution, sender)
    given = body.statements
    if given is None:
        count = services().quarantine.get(holder.institution, path.id).item.statements
    else:
        count = len(given)
    with within_quota(count) as admitted:
        accepted = services().quarantine.replay(holder, path.id, given)
        admitted.position = accepted.position
    return ReplayOut(ids=accepted.ids, position=accepted.position)


@quarantine.delete("/<uuid:id>", responses={204: None})
@requires(Action.HANDLE_OWN_REFUSED)
def drop_item(path: ItemPath) -> tuple[str, int]:
    """Deletes an item for good."""
    services().quarantine.drop(credential().institution, path.id, _own())
    return "", 204


def _own() -> str | None:
    """Returns the key to which the caller is limited; None for who may see everybody's."""
    holder = credential()
    return None if holder.may(Action.HANDLE_REFUSED) else holder.key


def _item(item: Item) -> ItemOut:
    return ItemOut(**vars(item))


def _held(held: Held) -> HeldOut:
    ids = held.ids
    return HeldOut(
        **vars(held.item),
        faults=[
            FaultOut(
                statement_id=None if fault.number is None else ids.get(fault.number), **vars(fault)
            )
            for fault in held.faults
        ],
        content=[
            StatementOut(number=number, statement=statement)
            for number, statement in held.kept.items()
        ],
    )
