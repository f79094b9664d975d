"""fsck: proves that log, index, documents, attachments and keys agree, and mends the index.

It streams over the log beside live writers, judges up to a position fixed by the barrier, and keeps
no more than a batch in memory. The log is the truth: a repair makes index rows anew from it and
never touches it. Views are not judged: `lrs rebuild` makes them anew. That an event was taken out
of the log with all that belongs to it cannot be seen here: that takes a record kept elsewhere.
"""

import time
from contextlib import closing
from uuid import UUID

from lrs.fsck import adrift, documents, fences, keys, log, postings
from lrs.fsck.adrift import Ids
from lrs.fsck.findings import MEANINGS, MENDED, UNREAD, Finding, Found, Kind, Report, Tell
from lrs.fsck.session import FIRST, Scope, open_session
from lrs.fsck.workers import workers
from lrs.services import Services

__all__ = ["MEANINGS", "MENDED", "UNREAD", "Finding", "Kind", "Report", "fsck"]


def fsck(
    services: Services,
    *,
    institution: UUID | None = None,
    since: int | None = None,
    repair: bool = False,
    processes: int = 0,
    found: Found = lambda _: None,
    tell: Tell = lambda *_: None,
) -> Report:
    """Judges the store of these services; returns what it came to.

    `since`: only positions after it; `institution`: only what is its. Then contents that nothing
    names are not looked for, nor where an event does not open: what was not read may name them.
    So many `processes` judge the log and the postings; without any, this one does it alone.
    `found` is told each finding, `tell` the progress. With `repair` what `MENDED` lists is mended,
    and reported all the same.
    """
    started = time.perf_counter()
    report = Report()

    def count(finding: Finding) -> None:
        report.kinds[finding.kind] += 1
        found(finding)

    head = services.store.head()
    scope = Scope(head, FIRST if since is None else since, institution)
    with open_session(services, scope, repair=repair, found=count, tell=tell) as session:
        report.head = head
        with closing(Ids()) as named:
            with workers(session, processes) as running:
                log.check(session, running, report, named)
                postings.check(session, running)
            report.passes = [log.NAME, postings.NAME, documents.NAME, fences.NAME, keys.NAME]
            documents.check_rows(session)
            fences.check(session)
            keys.check(session)
            if scope.whole:
                adrift.check_uploads(session)
            if scope.whole and report.kinds.keys().isdisjoint(UNREAD):
                adrift.check(session, named)
                report.passes.append(adrift.NAME)
    report.seconds = time.perf_counter() - started
    return report
