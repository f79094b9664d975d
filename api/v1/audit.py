"""`/api/v1/audit`: the record of a person, of a statement; the key that verifies receipts."""

from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from pydantic import Field

from api.authentication import credential
from api.authorisation import requires
from api.blueprints import noun
from api.paging import AsOf, Page, PageQuery, Strict, cut, page
from api.services import services
from domain.errors import Invalid
from domain.roles import Action
from domain.statements.events import Deviation
from lrs import subjects
from lrs.audit.records import record
from lrs.audit.replay import Replay, as_json

audit = noun("audit", __name__, "Replay of a person's record; verification of receipts.")


class ReplayQuery(PageQuery):
    """Whose record, and as of when."""

    subject: str = Field(description="Pseudonym, or an actor in JSON.", max_length=4096)
    as_of: str | None = Field(None, description="Log position, or ISO 8601 time; default now.")


class EntryOut(Strict):
    """Something that was recorded of the person, at its position."""

    position: int
    stored: datetime
    kind: str = Field(description="statement, erased (its content is gone) or erasure (a step).")
    statement_id: UUID | None
    roles: list[str] = Field(description="How the statement names the person.")
    verb: str | None
    object: dict[str, Any] | None
    result: dict[str, Any] | None
    voids: UUID | None = Field(description="Id of the statement that this one voids.")
    voided_at: int | None = Field(description="Position of the statement that voids this one.")
    detail: str | None
    deviations: list[Deviation] = Field(description="Which rules it was let break, and where.")


class StatementPath(Strict):
    """Names one statement."""

    id: UUID


class RecordOut(Strict):
    """The record of one statement."""

    position: int
    stored: datetime
    erased: bool = Field(description="Its content is gone; only its place is left.")
    xapi_version: str | None
    deviations: list[Deviation] = Field(description="Which rules it was let break, and where.")


class KeyOut(Strict):
    """A public key."""

    algorithm: str
    public_key: str = Field(description="Base64.")


@audit.get("/replay", responses={200: Page[EntryOut]})
@requires(Action.AUDIT)
def replay(query: ReplayQuery) -> dict[str, Any]:
    """A person's history in the order of the log; what was erased shows as erased, always."""
    institution = credential().institution
    person = subjects.find(services().lrs, institution, query.subject)
    history = Replay(services().lrs)
    through, after = query.after() or (None, 0)
    if through is None:
        through = _position(history, person, query.as_of)
    entries = list(islice(history.of(institution, person, through, after), query.limit + 1))
    # Later pages are as of the same position, whatever is recorded in between.
    shown, last = cut(entries, query.limit, lambda entry: [through, entry.position])
    return page([as_json(entry) for entry in shown], last, AsOf(position=through))


@audit.get("/statements/<uuid:id>", responses={200: RecordOut})
@requires(Action.AUDIT)
def statement(path: StatementPath) -> RecordOut:
    """Where a statement stands in the record, and by what it was let through."""
    return RecordOut(**vars(record(services().lrs, credential().institution, path.id)))


@audit.get("/key", responses={200: KeyOut})
@requires(Action.AUDIT)
def key() -> KeyOut:
    """The public key that verifies this deployment's receipts. Keep it outside of here."""
    return KeyOut(algorithm="Ed25519", public_key=services().erasures.receipts.public_key)


def _position(history: Replay, person: UUID, said: str | None) -> int:
    if said is None:
        return services().store.head()
    if said.isascii() and said.isdigit() and len(said) < 19:
        return int(said)
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        raise Invalid("as_of", "as-of", "neither a position nor a time; is + escaped?") from None
    at = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return history.position_at(credential().institution, person, at)
