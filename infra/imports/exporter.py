"""Reads an institution's statements out of the log, as readers get them."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from domain.statements.events import StatementStored
from lrs.queries import as_read
from lrs.store import RecordStore

PAGE = 1000


def pages(
    store: RecordStore, institution: UUID, head: int
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yields the position reached, and the statements up to there; tombstones are left out."""
    position = 0
    while recorded := store.read(position, PAGE, head):
        position = recorded[-1].position
        yield (
            position,
            [
                as_read(item)
                for item in recorded
                if isinstance(item.event, StatementStored) and item.event.institution == institution
            ],
        )
