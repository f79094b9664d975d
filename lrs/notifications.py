"""What the notification log gives: events with their position and time, and tombstones."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from eventsourcing.persistence import Notification

from domain.events import Event


@dataclass(frozen=True)
class RecordedEvent(Notification):
    """A stored event with its position (`id`) and the start of the transaction that wrote it."""

    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Shredded:
    """A tombstone: the event stands in the log, its key is gone, its content is gone for ever."""

    originator_id: UUID
    originator_version: int
    institution: UUID
    topic: str
    key_id: UUID


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event at its place in the total order."""

    position: int
    recorded_at: datetime
    event: Event | Shredded
