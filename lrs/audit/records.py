"""The record of one statement: where it stands, and by what it was let through."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from domain.errors import NotFound
from domain.statements.events import Deviation, StatementStored, originator_of
from lrs.notifications import RecordedEvent
from lrs.services import Services


@dataclass(frozen=True)
class Record:
    """One stored statement; where it was erased, all that is left of it is its place."""

    position: int
    stored: datetime
    erased: bool
    xapi_version: str | None = None
    deviations: tuple[Deviation, ...] = ()


def record(services: Services, institution: UUID, statement_id: UUID) -> Record:
    """Returns the record of a statement, voided ones included. Raises `NotFound`."""
    store = services.store
    stream = store.recorder.select_events(originator_of(institution, statement_id))
    if not stream:
        raise NotFound(f"no statement has the id {statement_id}")
    (one,) = store.mapper.recorded(cast(list[RecordedEvent], stream))
    if not isinstance(one.event, StatementStored):
        return Record(one.position, one.recorded_at, erased=True)
    event = one.event
    return Record(one.position, one.recorded_at, False, event.xapi_version, event.deviations)
