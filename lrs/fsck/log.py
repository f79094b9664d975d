"""The pass over the log: stretch by stretch, told in the order of the log, and mended."""

from lrs.fsck import repair
from lrs.fsck.adrift import Ids
from lrs.fsck.findings import Report
from lrs.fsck.session import Session
from lrs.fsck.stretch import judge_stretch, stretches
from lrs.fsck.workers import Workers

NAME = "log"


def check(session: Session, workers: Workers, report: Report, named: Ids) -> None:
    """Judges everything up to the head of the run; a repair mends the index as it goes.

    `report` counts the events, `named` gathers the contents that they name.
    """
    scope = session.scope
    for judged in workers.each(judge_stretch, stretches(session.records, scope)):
        report.events += judged.events
        report.statements += judged.statements
        report.erased += judged.erased
        for finding in judged.findings:
            session.found(finding)
        named.add(judged.contents)
        if session.repair and judged.broken:
            repair.rebuild(session, judged.broken)
        session.tell(NAME, max(judged.last, 0), scope.head)
