"""Ships released rows from the ledger to ClickHouse; again and again gives the same.

A release counts as shipped when its line stands in `releases`, which is written after its rows.
"""

from collections.abc import Iterable
from math import ceil
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.groups import NO_COURSE
from domain.budget import Released

ROWS = (
    "institution",
    "stream",
    "period_start",
    "period_end",
    "course",
    "release",
    "value",
    "sigma",
    "low",
    "high",
    "bound",
    "rho",
    "closed_at",
)
RELEASES = (
    "institution",
    "release",
    "stream",
    "plan",
    "opened_at",
    "closed_at",
    "rho",
    "delta",
    "sigma",
    "bound",
    "rows",
)


def interval(value: int, sigma: float) -> tuple[int, int]:
    """Returns the ends of the 95% interval of the bounded count behind a noised value."""
    half = ceil(1.96 * sigma)
    return max(0, value - half), value + half


def ship(client: ClickHouse, release: Released) -> None:
    """Writes the rows of a release, then the line that says they are there."""
    window = release.window
    rows = [
        (
            release.institution,
            release.stream,
            row.start,
            row.end,
            row.course or NO_COURSE,
            release.release,
            row.value,
            release.sigma,
            *interval(row.value, release.sigma),
            release.bound,
            release.rho,
            window.closed,
        )
        for row in release.rows
    ]
    if rows:
        client.insert("kumbuka.released_rows", ROWS, rows)
    line = (
        release.institution,
        release.release,
        release.stream,
        release.plan,
        window.opened,
        window.closed,
        release.rho,
        release.delta,
        release.sigma,
        release.bound,
        len(rows),
    )
    client.insert("kumbuka.releases", RELEASES, [line])


def ship_missing(client: ClickHouse, institution: UUID, releases: Iterable[Released]) -> int:
    """Ships those of these releases that ClickHouse lacks; returns how many those were."""
    found = client.query(
        "SELECT DISTINCT release FROM kumbuka.releases WHERE institution = {institution:UUID}",
        {"institution": institution},
    )
    there = {row[0] for row in found}
    missing = [release for release in releases if release.release not in there]
    for release in missing:
        ship(client, release)
    return len(missing)
