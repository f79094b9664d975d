"""`/api/v1/forwardings`: which statements go on to which other stores. For operators."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.authentication import credential
from api.authorisation import requires
from api.blueprints import noun, refusals
from api.paging import AsOf, Page, PageQuery, Strict, cut, page
from api.services import services
from domain.errors import Erased, Invalid
from domain.forwarding import Selection
from domain.people import canonical_ifi
from domain.roles import Action
from domain.statements.rules import validate_actor
from domain.values.iri import is_iri
from domain.values.version import Version
from lrs.forwarding import Forwarding, Refusal, Target
from lrs.people import IdentifierErased

forwardings = noun("forwardings", __name__, "Stores that statements are forwarded to.")

Text = Annotated[str, Field(strict=True, min_length=1, max_length=2000)]


class FilterIn(Strict):
    """Which statements, as parameters of the statements resource; what is left out is not asked."""

    agent: dict[str, Any] | None = Field(None, description="An Agent or an identified Group.")
    verb: Text | None = None
    activity: Text | None = None
    registration: UUID | None = None
    related_agents: bool = False
    related_activities: bool = False


class ForwardingIn(Strict):
    """What a new forwarding shall be."""

    url: Text = Field(description="xAPI endpoint of the receiver; /statements is added to it.")
    key: Text = Field(description="Key (user name) of its Basic credentials.")
    secret: Text = Field(description="Its secret; it is never shown.")
    filter: FilterIn = FilterIn()
    from_start: bool = Field(False, description="What is recorded already, too.")


class ForwardingOut(Strict):
    """A forwarding as it stands."""

    id: UUID
    url: str
    key: str
    filter: Selection = Field(description="The agent, if any, as `person`: a pseudonym.")
    position: int = Field(description="Log position up to which all is done.")
    started_at: datetime
    stopped_at: datetime | None
    sent: int = Field(description="Statements taken, those sent again included.")
    sent_at: datetime | None
    refused: int = Field(description="Statements that the receiver refuses; the others went on.")
    failures: int = Field(description="Attempts that failed since the last success.")
    failing_since: datetime | None
    failure: str | None = Field(description="Why the last attempt failed.")


class RefusalOut(Strict):
    """A statement that the receiver refuses."""

    position: int
    status: int = Field(description="HTTP status of its answer.")
    refused_at: datetime
    statement: UUID | None = Field(description="Id of the statement; null once it was erased.")


class ForwardingPath(Strict):
    """Names one forwarding."""

    forwarding: UUID


@forwardings.get("", responses={200: Page[ForwardingOut]})
@requires(Action.MANAGE_FORWARDING)
def list_forwardings(query: PageQuery) -> dict[str, Any]:
    """Forwardings of the caller's institution, oldest first, stopped ones included."""
    after = query.after()
    found = services().lrs.forwardings.page(
        credential().institution, UUID(after) if after else None, query.limit + 1
    )
    shown, last = cut(found, query.limit, lambda item: str(item.id))
    items = [_shown(item).model_dump(mode="json") for item in shown]
    return page(items, last, AsOf(position=services().store.last()))


@forwardings.post("", responses={201: ForwardingOut, **refusals(409)})
@requires(Action.MANAGE_FORWARDING)
def start_forwarding(body: ForwardingIn) -> tuple[ForwardingOut, int]:
    """Statements of the caller's institution go to another store, in order, until it is stopped."""
    target = Target(body.url, body.key, body.secret, _selection(body.filter))
    made = services().lrs.forwardings.start(
        credential().institution, target, from_start=body.from_start
    )
    return _shown(made), 201


@forwardings.get("/<uuid:forwarding>", responses={200: ForwardingOut})
@requires(Action.MANAGE_FORWARDING)
def show_forwarding(path: ForwardingPath) -> ForwardingOut:
    """One forwarding."""
    return _shown(services().lrs.forwardings.get(credential().institution, path.forwarding))


@forwardings.delete("/<uuid:forwarding>", responses={204: None})
@requires(Action.MANAGE_FORWARDING)
def stop_forwarding(path: ForwardingPath) -> tuple[str, int]:
    """Nothing more goes there, after the request that is under way; again is no error."""
    services().lrs.forwardings.stop(credential().institution, path.forwarding)
    return "", 204


@forwardings.get("/<uuid:forwarding>/refusals", responses={200: Page[RefusalOut]})
@requires(Action.MANAGE_FORWARDING)
def list_refusals(path: ForwardingPath, query: PageQuery) -> dict[str, Any]:
    """Statements that the receiver refuses, in log order."""
    found = services().lrs.forwardings.refusals(
        credential().institution, path.forwarding, query.after() or 0, query.limit + 1
    )
    shown, last = cut(found, query.limit, lambda item: item.position)
    items = [_refusal(item).model_dump(mode="json") for item in shown]
    return page(items, last, AsOf(position=services().store.last()))


def _selection(wanted: FilterIn) -> Selection:
    """Returns the filter with a pseudonym for its agent; raises `Invalid`, `Erased`."""
    for name in ("verb", "activity"):
        value = getattr(wanted, name)
        if value is not None and not is_iri(value):
            raise Invalid(f"filter/{name}", "iri", "not an IRI with a scheme")
    person = None if wanted.agent is None else _person(wanted.agent)
    return Selection(person=person, **wanted.model_dump(exclude={"agent"}))


def _person(agent: dict[str, Any]) -> UUID:
    try:
        validate_actor(agent, Version.V2_0_0)
    except Invalid as error:
        raise error.within("filter/agent") from None
    ifi = canonical_ifi(agent)
    if ifi is None:
        raise Invalid("filter/agent", "identifier", "a Group needs an identifier")
    try:
        return services().lrs.people.resolve(credential().institution, [ifi])[ifi]
    except IdentifierErased:
        raise Erased("filter/agent") from None


def _shown(item: Forwarding) -> ForwardingOut:
    return ForwardingOut(
        id=item.id,
        url=item.target.url,
        key=item.target.key,
        filter=item.target.selection,
        position=item.position,
        started_at=item.started_at,
        stopped_at=item.stopped_at,
        sent=item.sent,
        sent_at=item.sent_at,
        refused=item.refused,
        failures=item.failures,
        failing_since=item.failing_since,
        failure=item.failure,
    )


def _refusal(item: Refusal) -> RefusalOut:
    return RefusalOut(
        position=item.position,
        status=item.status,
        refused_at=item.refused_at,
        statement=item.statement,
    )
