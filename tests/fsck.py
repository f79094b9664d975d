"""The check that every test of faults ends with."""

from lrs import shards
from lrs.fsck import UNREAD, Finding, Report, fsck
from lrs.services import open_services
from lrs.settings import Settings


def found(
    settings: Settings, *, repair: bool = False, since: int | None = None, processes: int = 0
) -> tuple[list[Finding], Report]:
    """Returns what a run finds that knows nothing from before, as a process of its own would."""
    services = open_services(settings)
    findings: list[Finding] = []
    try:
        report = fsck(
            services, repair=repair, since=since, processes=processes, found=findings.append
        )
    finally:
        services.close()
    return findings, report


def check_clean(settings: Settings, since: int | None = None) -> None:
    """Checks that log, index, documents and keys agree, on every shard; after `since` only, where
    that is given: a position of the only shard.
    """
    for name in shards.names(settings):
        findings, report = found(shards.at(settings, name), since=since)
        assert findings == [], findings[:5]
        assert report.seconds > 0


def check_order(settings: Settings) -> None:
    """Checks positions and streams of a log that holds what only a test can read."""
    findings, _ = found(settings)
    assert {finding.kind for finding in findings} <= UNREAD
