"""fsck: proves that log, index, documents, attachments and keys agree, and mends the index.

It streams over the log beside live writers, judges up to a position fixed by the barrier, and keeps
no more than a batch in memory. The log is the truth: a repair makes index rows anew from it and
never touches it. Views are not judged: `lrs rebuild` makes them anew. That an event was taken out
of the log with all that belongs to it cannot be seen here: that takes a record kept elsewhere.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from uuid import UUID

from lrs.fsck import adrift, documents, fences, keys, log, postings
from lrs.fsck.adrift import Ids
from lrs.fsck.findings import MEANINGS, MENDED, UNREAD, Finding, Found, Kind, Report, Tell
from lrs.fsck.log import LogPass
from lrs.fsck.session import FIRST, Scope, Session, connect
from lrs.services import Services

__all__ = ["MEANINGS", "MENDED", "UNREAD", "Finding", "Kind", "Report", "fsck"]


def fsck(
    services: Services,
    *,
    institution: UUID | None = None,
    since: int | None = None,
    repair: bool = False,
    found: Found = lambda _: None,
    tell: Tell = lambda *_: None,
) -> Report:
    """Judges the store of these services; returns what it came to.

    `since`: only positions after it; `institution`: only what is its. Then contents that nothing
    names are not looked for, nor where an event does not open: what was not read may name them.
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
    with _session(services, scope, repair=repair, found=count, tell=tell) as session:
        report.head = head
        with closing(Ids()) as named:
            LogPass(session, report, named).run()
            report.passes = [log.NAME, postings.NAME, documents.NAME, fences.NAME, keys.NAME]
            postings.check(session)
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


@contextmanager
def _session(
    services: Services, scope: Scope, *, repair: bool, found: Found, tell: Tell
) -> Iterator[Session]:
    settings = services.settings
    with (
        closing(connect(settings.dsn)) as records,
        closing(connect(settings.keystore_dsn)) as keystore,
    ):
        yield Session(services, records, keystore, scope, repair, found, tell)
