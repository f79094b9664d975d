"""Reads released rows. Whatever is computed from them is free: the noise is in already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.groups import NO_COURSE

# A page of one stream in order of period, course and release, from behind a place on.
PAGE = """
    SELECT release, course, period_start, period_end, value, sigma, low, high, bound, rho, closed_at
    FROM kumbuka.released_rows FINAL
    WHERE institution = {institution:UUID} AND stream = {stream:String}
      AND period_end >= {since:Date32} AND period_start <= {until:Date32}
      AND ({course:UUID} = toUUID('00000000-0000-0000-0000-000000000000') OR course = {course:UUID})
      AND (period_start, course, release) > ({start:Date32}, {after:UUID}, {release:UUID})
    ORDER BY period_start, course, release
    LIMIT {limit:UInt32}
"""

EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)
NO_RELEASE = UUID(int=0)


@dataclass(frozen=True)
class Place:
    """A row's place in the order of a page."""

    start: date
    course: UUID
    release: UUID


@dataclass(frozen=True)
class ReleasedRow:
    """A noised value with all that is needed to judge it; `course` None: the whole institution."""

    release: UUID
    course: UUID | None
    start: date
    end: date
    value: int
    sigma: float
    low: int
    high: int
    bound: int
    rho: float
    closed_at: datetime

    @property
    def place(self) -> Place:
        """Where the next page goes on."""
        return Place(self.start, self.course or NO_COURSE, self.release)


def page(
    client: ClickHouse,
    institution: UUID,
    stream: str,
    *,
    limit: int,
    after: Place | None = None,
    course: UUID | None = None,
    since: date = EARLIEST,
    until: date = LATEST,
) -> list[ReleasedRow]:
    """Returns at most `limit` rows of this stream and institution that touch the given days.

    Raises Overloaded where ClickHouse does not answer.
    """
    place = after or Place(date(1900, 1, 1), NO_COURSE, NO_RELEASE)
    rows = client.query(
        PAGE,
        {
            "institution": institution,
            "stream": stream,
            "since": since,
            "until": until,
            "course": course or NO_COURSE,
            "start": place.start,
            "after": place.course,
            "release": place.release,
            "limit": limit,
        },
    )
    return [_row(row) for row in rows]


def _row(row: Sequence[Any]) -> ReleasedRow:
    release, course, *rest = row
    return ReleasedRow(release, None if course == NO_COURSE else course, *rest)
