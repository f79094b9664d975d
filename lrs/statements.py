"""The way in: validate, resolve, seal, append. All statements of a request, or none.

Persons, keys and activities are resolved before the transaction, each in one query and in sorted
order; the transaction then only inserts, so writers cannot deadlock. Reads are `lrs.queries`.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from threading import Semaphore
from typing import Any
from uuid import UUID, uuid4

from psycopg import OperationalError
from psycopg_pool import PoolTimeout, TooManyRequests

from domain.credentials import Credential
from domain.errors import Conflict, Erased, Invalid, Overloaded, TooLarge
from domain.people import Named, Role, named
from domain.roles import Action
from domain.scopes import granted
from domain.statements.equality import canonical
from domain.statements.events import Deviation, PersonRef, StatementStored, originator_of
from domain.statements.references import ActivityRef, activities, is_voiding, target
from domain.statements.tolerance import check
from domain.values.version import Version
from lrs.activities import Activities
from lrs.attachments import Attachments, Sent
from lrs.commits import SMALL
from lrs.keys.blind_index import BlindIndex
from lrs.keys.ring import PersonErased
from lrs.people import IdentifierErased, People
from lrs.postings import terms_of
from lrs.recorder import Beside, ContentConflict, IndexRows, PersonFenced
from lrs.store import RecordStore

Json = dict[str, Any]

LARGE_AT_ONCE = 2
"""Large batches of a process that are worked on: one while another waits for the database. More
would only take the processor from each other, and its cache: a tenth more time for each.
"""
TURN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was recorded: ids, in small letters, and positions in the order sent.

    An equal statement that was there already has the position that it had.
    """

    texts: list[str]
    positions: list[int]

    @property
    def ids(self) -> list[UUID]:
        """The ids of the statements."""
        return [UUID(text) for text in self.texts]

    @property
    def position(self) -> int:
        """The position that includes them all; 0 where nothing was sent."""
        return max(self.positions, default=0)


class Statements:
    """Accepts statements for an institution."""

    def __init__(
        self,
        store: RecordStore,
        people: People,
        activities: Activities,
        attachments: Attachments,
        blind: BlindIndex,
        *,
        authority_home_page: str,
        max_batch: int,
    ) -> None:
        self._store = store
        self._people = people
        self._activities = activities
        self._attachments = attachments
        self._blind = blind
        self._home_page = authority_home_page
        self._max_batch = max_batch
        self._large = _Turns(LARGE_AT_ONCE)

    def accept(
        self,
        credential: Credential,
        statements: Sequence[Any],
        version: Version,
        attachments: Iterable[Sent] = (),
    ) -> Accepted:
        """Records the statements, all or none; answers when they are durable.

        `attachments` are read, one after the other, once the statements are known to be valid.
        Raises `Invalid` (pointer into the list: "/3/actor/mbox"), `TooLarge`, `Conflict` where an
        id holds another statement, `Erased` where a person was erased, `Overloaded`.
        """
        if len(statements) > self._max_batch:
            raise TooLarge(f"{len(statements)} statements; at most {self._max_batch} at once")
        if not statements:
            return Accepted([], [])
        with self._turn(len(statements), attachments):
            return self._accept(credential, statements, version, attachments)

    def _turn(self, count: int, attachments: Iterable[Sent]) -> AbstractContextManager[None]:
        """Returns what a request waits for, or lets others wait for; nothing where it has more to
        receive: how long that takes is up to its sender.
        """
        if attachments:
            return nullcontext()
        return self._store.coming() if count <= SMALL else self._large

    def _accept(
        self,
        credential: Credential,
        statements: Sequence[Any],
        version: Version,
        attachments: Iterable[Sent],
    ) -> Accepted:
        deviations: list[tuple[Deviation, ...]] = []
        for number, statement in enumerate(statements):
            try:
                deviations.append(check(statement, version, credential.tolerance))
            except Invalid as error:
                raise error.within(f"/{number}") from None
        authority = self.authority(credential)
        filled = [_filled(statement, version, authority) for statement in statements]
        ids = [statement["id"] for statement in filled]
        _refuse_duplicates(ids)
        institution = credential.institution
        with (
            _CAPACITY,
            self._attachments.receiving(institution, statements, attachments) as received,
        ):
            events = self._resolve(credential, filled, deviations)
            owned = ((event.owner, event.statement) for event in events)
            link = self._attachments.linking(institution, owned, received) if received else None
            positions = self._append(credential, events, link)
        return Accepted(ids, positions)

    def authority(self, credential: Credential) -> Json:
        """Returns the Agent that stands as authority of what the credential's holder sends."""
        return {
            "objectType": "Agent",
            "account": {"homePage": self._home_page, "name": credential.key},
        }

    def _resolve(
        self,
        credential: Credential,
        statements: list[Json],
        deviations: list[tuple[Deviation, ...]],
    ) -> list[StatementStored]:
        """Returns the events of the statements, with every person's pseudonym."""
        institution = credential.institution
        names = [named(statement) for statement in statements]
        ifis = {name.ifi for found in names for name in found if name.ifi is not None}
        try:
            pseudonyms = self._people.resolve(institution, ifis)
        except IdentifierErased as error:
            raise Erased(_pointer_of(names, error.ifis)) from None
        groups = {
            ifi
            for found in names
            if found[0].ifi is None and (ifi := _group_ifi(found, pseudonyms))
        }
        pseudonyms |= self._people.resolve(institution, groups) if groups else {}
        now = datetime.now(UTC)
        return [
            StatementStored.trusted(
                originator_id=originator_of(institution, statement["id"]),
                originator_version=1,
                institution=institution,
                at=now,
                statement=statement,
                xapi_version=statement["version"],
                owner=pseudonyms[found[0].ifi or _group_ifi(found, pseudonyms)],
                people=tuple(
                    [
                        PersonRef(pointer, role, pseudonyms[ifi])
                        for pointer, role, _, ifi in found
                        if ifi is not None
                    ]
                ),
                deviations=deviating,
            )
            for statement, found, deviating in zip(statements, names, deviations, strict=True)
        ]

    def _index(self, credential: Credential, events: list[StatementStored]) -> IndexRows:
        """Returns the index rows of the statements; remembers their activities.

        Activities as described by whoever may define them, else by their id alone.
        """
        institution = credential.institution
        rows = IndexRows()
        refs: list[ActivityRef] = []
        for event in events:
            statement = event.statement
            mentioned = activities(statement)
            refs += mentioned
            referred = target(statement)
            rows.owners.append(event.owner)
            rows.targets.append(None if referred is None else originator_of(institution, referred))
            rows.voiding.append(is_voiding(statement))
            rows.terms.append(terms_of(self._blind, event, mentioned))
            rows.named[event.owner.int] = event.owner
            for _, role, pseudonym in event.people:
                rows.named[pseudonym.int] = pseudonym
                if role is Role.AUTHORITY:
                    rows.authors.append(pseudonym)
            compared = canonical(statement)
            rows.digests.append(self._blind.digest(institution, compared))
            rows.size += len(compared)
        described = [ref.activity for ref in refs]
        if Action.DEFINE not in granted(credential.scopes):
            described = [{"id": activity["id"]} for activity in described]
        self._activities.remember(institution, described)
        return rows

    def _append(
        self,
        credential: Credential,
        events: list[StatementStored],
        beside: Beside | None,
    ) -> list[int]:
        try:
            return self._store.append_statements(events, self._index(credential, events), beside)
        except ContentConflict as error:
            ids = [e.statement["id"] for e in events if e.originator_id in error.originators]
            raise Conflict("another statement stands under this id", ids) from None
        except (PersonFenced, PersonErased) as error:
            for pseudonym in error.pseudonyms:
                self._people.forget(pseudonym)
            raise Erased(_fenced_pointer(events, error.pseudonyms)) from None


class _Turns:
    """Lets so many at once; who has waited too long is refused. Thread-safe."""

    def __init__(self, count: int) -> None:
        self._free = Semaphore(count)

    def __enter__(self) -> None:
        if not self._free.acquire(timeout=TURN_SECONDS):
            raise Overloaded("too many large batches are under way")

    def __exit__(self, *_: object) -> None:
        self._free.release()


class _Capacity:
    """Turns a database that has no room or is away into a refusal that says when to come back."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, (PoolTimeout, TooManyRequests)):
            raise Overloaded("all database connections are in use") from error
        if isinstance(error, OperationalError):
            raise Overloaded("the database does not answer", retry_after=2) from error


_CAPACITY = _Capacity()


def _filled(statement: Json, version: Version, authority: Json) -> Json:
    """Returns the statement with what the store sets: id, version, authority; not `stored`."""
    filled = {**statement, "authority": authority}
    filled.pop("stored", None)
    # RFC 4122, as the specification asks: there are clients that read no later version's ids.
    filled["id"] = statement["id"].lower() if "id" in statement else str(uuid4())
    if "version" not in filled:
        filled["version"] = "1.0.0" if version is Version.V1_0_3 else str(version)
    return filled


def _refuse_duplicates(ids: list[str]) -> None:
    if len(set(ids)) == len(ids):
        return
    seen: set[str] = set()
    for number, statement_id in enumerate(ids):
        if statement_id in seen:
            raise Invalid(
                f"/{number}/id",
                "duplicate-id",
                "another statement of this batch has the same id",
                "2.0.0 4.2.4.1",
            )
        seen.add(statement_id)


def _group_ifi(found: list[Named], pseudonyms: dict[str, UUID]) -> str:
    """Returns the identifier of an anonymous Group that acts: its members, in any order.

    The body of such a statement is sealed under a key of the group's own, so that erasing one
    member leaves the record of the others.
    """
    members = {pseudonyms[n.ifi].bytes for n in found if n.role is Role.ACTOR_MEMBER and n.ifi}
    return f"group:{blake2b(b''.join(sorted(members)), digest_size=16).hexdigest()}"


def _pointer_of(names: list[list[Named]], ifis: frozenset[str]) -> str:
    return next(
        f"/{number}{name.pointer}"
        for number, found in enumerate(names)
        for name in found
        if name.ifi in ifis
    )


def _fenced_pointer(events: list[StatementStored], pseudonyms: frozenset[UUID]) -> str:
    return next(
        (
            f"/{number}{person.pointer}"
            for number, event in enumerate(events)
            for person in event.people
            if person.pseudonym in pseudonyms
        ),
        "/0/actor",
    )
