"""Documents: read, written under preconditions, merged; an event and a row in one transaction.

Rules are in `domain.documents`; content is kept by `lrs.contents`.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import ConnectionPool

from domain import documents as rules
from domain.documents import Document, DocumentDeleted, DocumentStored, Kind, Preconditions
from domain.errors import Erased, NotFound, Overloaded
from domain.people import canonical_ifi
from domain.values.version import Version
from lrs.contents import Contents
from lrs.keys.blind_index import BlindIndex
from lrs.keys.ring import KeyRing, PersonErased
from lrs.people import IdentifierErased, People
from lrs.store import RecordStore

ATTEMPTS = 8
FIRST_WAIT = 0.01
"""Seconds that the first wait of a writer who came second lasts at most; each doubles it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a document is: what it belongs to, and its id there."""

    kind: Kind
    document_id: str = ""
    activity: str | None = None
    agent: dict[str, Any] | None = None
    registration: UUID | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A document, its content in chunks, and when it was last written."""

    document: Document
    updated_at: datetime
    content: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class _Place:
    """An address in the terms of the database."""

    stream: UUID
    holder: UUID
    owner: UUID


@dataclass(frozen=True, slots=True)
class _Row:
    document: Document
    content_id: UUID
    registration: UUID | None
    updated_at: datetime


class Documents:
    """State, Agent Profile and Activity Profile documents of every institution."""

    def __init__(
        self,
        pool: ConnectionPool[Any],
        store: RecordStore,
        people: People,
        *,
        blind: BlindIndex,
        contents: Contents,
        ring: KeyRing,
    ) -> None:
        self._pool = pool
        self._store = store
        self._people = people
        self._blind = blind
        self._contents = contents
        self._ring = ring

    def get(self, institution: UUID, address: Address) -> Found:
        """Returns the document. Raises `NotFound`."""
        place = self._find(institution, address)
        row = None if place is None else self._current(institution, place)
        if row is None:
            raise NotFound(f"no document has the id {address.document_id!r} here")
        content = self._contents.read(institution, row.content_id, self._ring)
        return Found(row.document, row.updated_at, content)

    def ids(
        self, institution: UUID, address: Address, since: datetime | None = None
    ) -> list[tuple[str, datetime]]:
        """Returns id and time of each document of the address's holder, written after `since`."""
        return [
            (row.document.document_id, row.updated_at)
            for row in self._listed(institution, address, since)
        ]

    def put(
        self,
        institution: UUID,
        address: Address,
        content: bytes,
        content_type: str,
        *,
        preconditions: Preconditions,
        version: Version,
    ) -> Document:
        """Replaces the document. Raises `PreconditionFailed`, `Conflict` or `Invalid` unchanged."""

        def decide(current: _Row | None) -> tuple[bytes, str]:
            document = None if current is None else current.document
            rules.check_put(address.kind, version, preconditions, document)
            return content, content_type

        return self._store_document(institution, address, decide)

    def post(
        self,
        institution: UUID,
        address: Address,
        content: bytes,
        content_type: str,
        *,
        preconditions: Preconditions,
    ) -> Document:
        """Merges into the document, or makes it. Raises `PreconditionFailed` or `Invalid`."""

        def decide(current: _Row | None) -> tuple[bytes, str]:
            document = None if current is None else current.document
            rules.check(preconditions, document)
            old = None
            if current is not None:
                old = b"".join(self._contents.read(institution, current.content_id, self._ring))
            old_type = None if document is None else document.content_type
            merged = rules.merge(old, old_type, content, content_type)
            return merged, content_type if document is None else rules.JSON

        return self._store_document(institution, address, decide)

    def delete(self, institution: UUID, address: Address, preconditions: Preconditions) -> None:
        """Deletes the document if there is one. Raises `PreconditionFailed`."""
        place = self._find(institution, address)
        if place is None:
            rules.check(preconditions, None)
            return
        for attempt in range(ATTEMPTS):
            version = self._next_version(place.stream)
            row = self._current(institution, place)
            rules.check(preconditions, None if row is None else row.document)
            if row is None:
                return
            try:
                self._append_deleted(institution, address, place, version)
                return
            except psycopg.errors.UniqueViolation:
                _wait_or_give_up(attempt)

    def delete_all(self, institution: UUID, address: Address) -> None:
        """Deletes every document of the address's holder (and registration, if it has one)."""
        for row in self._listed(institution, address, None):
            one = Address(
                address.kind,
                row.document.document_id,
                address.activity,
                address.agent,
                row.registration,
            )
            self.delete(institution, one, Preconditions())

    def _store_document(self, institution: UUID, address: Address, decide: Any) -> Document:
        place = self._place(institution, address)
        try:
            return self._store_at(institution, address, place, decide)
        except PersonErased:
            raise Erased("agent") from None

    def _store_at(
        self, institution: UUID, address: Address, place: _Place, decide: Any
    ) -> Document:
        for attempt in range(ATTEMPTS):
            version = self._next_version(place.stream)
            content, content_type = decide(self._current(institution, place))
            key = self._ring.current(institution, [place.owner])[place.owner]
            written = self._contents.write(institution, key, [content])
            document = Document(
                address.document_id, content_type, written.size, written.sha1, written.sha2
            )
            try:
                self._append_stored(
                    institution,
                    address,
                    place,
                    version=version,
                    document=document,
                    content_id=written.content_id,
                )
                return document
            except psycopg.errors.UniqueViolation:
                self._contents.drop(written.content_id)
                _wait_or_give_up(attempt)
        raise AssertionError("unreachable")

    def _place(self, institution: UUID, address: Address) -> _Place:
        """Returns the address in the database's terms; a person who is new gets a pseudonym."""
        person = None
        if address.agent is not None:
            ifi = canonical_ifi(address.agent) or ""
            try:
                person = self._people.resolve(institution, [ifi])[ifi]
            except IdentifierErased:
                raise Erased("agent") from None
        return self._place_of(institution, address, person)

    def _find(self, institution: UUID, address: Address) -> _Place | None:
        """Returns the same for reading, or None where nobody knows the person."""
        person = None
        if address.agent is not None:
            person = self._people.find(institution, canonical_ifi(address.agent) or "")
            if person is None:
                return None
        return self._place_of(institution, address, person)

    def _place_of(self, institution: UUID, address: Address, person: UUID | None) -> _Place:
        name = "" if person is None else person.hex
        holder = "\0".join((address.kind, address.activity or "", name))
        one = "\0".join((holder, str(address.registration or ""), address.document_id))
        return _Place(
            stream=self._blind.term(institution, "document", one),
            holder=self._blind.term(institution, "documents", holder),
            owner=person or institution,
        )

    def _current(self, institution: UUID, place: _Place) -> _Row | None:
        rows = self._rows(institution, "document = %s", [place.stream])
        return rows[0] if rows else None

    def _listed(self, institution: UUID, address: Address, since: datetime | None) -> list[_Row]:
        place = self._find(institution, address)
        if place is None:
            return []
        return self._rows(
            institution,
            "holder = %s AND (%s::uuid IS NULL OR registration = %s)"
            " AND (%s::timestamptz IS NULL OR updated_at > %s)",
            [place.holder, address.registration, address.registration, since, since],
        )

    def _rows(self, institution: UUID, condition: str, params: list[Any]) -> list[_Row]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT document, sealed, content_id, registration, updated_at FROM lrs.documents"
                f" WHERE {condition} ORDER BY updated_at, document".encode(),
                params,
                binary=True,
            ).fetchall()
        opened = (
            (self._store.mapper.open_content(institution, row[0], row[1]), row) for row in rows
        )
        return [
            _Row(Document(**content), row[2], row[3], row[4])
            for content, row in opened
            if content is not None
        ]

    def _append_stored(
        self,
        institution: UUID,
        address: Address,
        place: _Place,
        *,
        version: int,
        document: Document,
        content_id: UUID,
    ) -> None:
        event = DocumentStored(
            originator_id=place.stream,
            originator_version=version,
            institution=institution,
            at=datetime.now(UTC),
            owner=place.owner,
            kind=address.kind,
            content_id=content_id,
            **asdict(document),
        )
        sealed = self._store.mapper.seal_content(
            institution, place.stream, asdict(document), place.owner
        )
        self._append(event, place, [address.registration, place.owner, content_id, sealed])

    def _append_deleted(
        self, institution: UUID, address: Address, place: _Place, version: int
    ) -> None:
        event = DocumentDeleted(
            originator_id=place.stream,
            originator_version=version,
            institution=institution,
            at=datetime.now(UTC),
            owner=place.owner,
            kind=address.kind,
            document_id=address.document_id,
        )
        self._append(event, place, [None, place.owner, None, None])

    def _append(
        self, event: DocumentStored | DocumentDeleted, place: _Place, row: list[Any]
    ) -> None:
        stored = self._store.mapper.to_stored_event(event)
        try:
            with self._pool.connection() as connection:
                connection.execute(
                    "SELECT lrs.append_document(%b, %b, %b, %b, %b, %b, %b, %b, %b, %b)",
                    [
                        stored.originator_id,
                        stored.originator_version,
                        stored.topic,
                        stored.state,
                        event.institution,
                        place.holder,
                        *row,
                    ],
                )
        except psycopg.Error as error:
            if error.sqlstate == "KB001":
                raise Erased("agent") from error
            raise

    def _next_version(self, stream: UUID) -> int:
        """Asked for before the document is read: a write in between then takes this version."""
        last = self._store.recorder.select_events(stream, desc=True, limit=1)
        return last[0].originator_version + 1 if last else 1


def _wait_or_give_up(attempt: int) -> None:
    """Another writer was first: decide again on what stands there now, but not for ever.

    Waits a random while that grows, so that many who write one document at once all get a turn.
    """
    if attempt == ATTEMPTS - 1:
        raise Overloaded("the document keeps changing under this request") from None
    time.sleep(random.random() * FIRST_WAIT * 2**attempt)  # noqa: S311
