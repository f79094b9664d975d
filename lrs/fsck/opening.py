"""Opens events of the log: what cannot be opened is a finding, and the rest goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from domain.events import Event
from lrs.fsck.findings import Kind
from lrs.keys.envelope import names
from lrs.keys.ring import UnknownKey
from lrs.mapper import HEADER, SealingMapper, UnknownFormat
from lrs.notifications import RecordedEvent, Shredded


@dataclass(slots=True)
class Opened:
    """An event as it is in the log, and as it opens; `wrong` where it does not."""

    stored: RecordedEvent
    event: Event | Shredded | None
    wrong: Kind | None = None

    @property
    def position(self) -> int:
        """Its place in the log."""
        return self.stored.id

    @property
    def stream(self) -> UUID:
        """The stream that it stands in."""
        return cast(UUID, self.stored.originator_id)

    @property
    def institution(self) -> UUID:
        """Whose it is, as the clear header says."""
        if self.event is not None:
            return self.event.institution
        return UUID(bytes=bytes(self.stored.state[1:17]).ljust(16, b"\0"))

    @property
    def digest(self) -> bytes:
        """The keyed digest in the clear header."""
        return bytes(self.stored.state[17:HEADER])

    @property
    def keys(self) -> list[bytes]:
        """The ids of the keys that it names, as they stand: of its body first, then of persons."""
        return names(self.stored.state, HEADER)

    @property
    def key_ids(self) -> list[UUID]:
        """The ids of the keys that it names, in the same order."""
        return [UUID(bytes=key) for key in self.keys]


def opened(mapper: SealingMapper, events: Sequence[RecordedEvent]) -> list[Opened]:
    """Returns the events opened, all keys brought at once where nothing is wrong with any."""
    try:
        recorded = mapper.recorded(list(events))
    except (psycopg.Error, PoolTimeout):
        raise
    except Exception:
        return [_one(mapper, event) for event in events]
    return [Opened(stored, found.event) for stored, found in zip(events, recorded, strict=True)]


def _one(mapper: SealingMapper, event: RecordedEvent) -> Opened:
    try:
        return Opened(event, mapper.to_domain_event(event))
    except (psycopg.Error, PoolTimeout):
        raise
    except UnknownKey:
        return Opened(event, None, Kind.UNKNOWN_KEY)
    except UnknownFormat:
        return Opened(event, None, Kind.UNKNOWN_FORMAT)
    except Exception:
        # Whatever damaged bytes make of cipher, compression or JSON: it is the same finding.
        return Opened(event, None, Kind.UNREADABLE)
