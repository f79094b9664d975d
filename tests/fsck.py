"""The check that every test of faults ends with."""

from lrs.fsck import Finding, Report, fsck
from lrs.services import open_services
from lrs.settings import Settings


def found(settings: Settings, *, repair: bool = False) -> tuple[list[Finding], Report]:
    """Returns what a run finds that knows nothing from before, as a process of its own would."""
    services = open_services(settings)
    findings: list[Finding] = []
    try:
        report = fsck(services, repair=repair, found=findings.append)
    finally:
        services.close()
    return findings, report


def check_clean(settings: Settings) -> Report:
    """Checks that log, index, documents and keys agree; returns what was judged."""
    findings, report = found(settings)
    assert findings == []
    return report
