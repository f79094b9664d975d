"""fsck by several processes: it finds and mends the same, and leaves none of them behind."""

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import active_children

import psutil
import psycopg
import pytest

from lrs.fsck import Finding, Kind
from lrs.fsck.session import Scope, Session, open_session
from lrs.fsck.workers import workers
from tests.fsck import found
from tests.integration.lrs.fsck.conftest import Store

DAMAGE = (
    "DELETE FROM lrs.statement_index WHERE position = {plain};"
    "DELETE FROM lrs.postings WHERE position = {other};"
    "UPDATE lrs.statement_index SET voiding = NOT voiding WHERE position IN ({essay}, {crowd});"
    "INSERT INTO lrs.postings VALUES (gen_random_uuid(), {doomed})"
)
WAITS = """
import sys
from lrs.fsck.session import Scope, Session, open_session
from lrs.fsck.workers import workers
from lrs.services import open_services
from lrs.settings import Settings

if __name__ == "__main__":
    services = open_services(Settings.model_validate_json(sys.argv[1]))
    with open_session(services, Scope(0)) as session, workers(session, 1) as running:
        print(list(running.each(isinstance, [Session])), flush=True)
        sys.stdin.read()
"""


def test_processes_find_and_mend_what_one_does(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrs.fsck.stretch.BATCH", 3)
    monkeypatch.setattr("lrs.fsck.postings.BATCH", 5)
    index = store.index()
    store.damage(DAMAGE)
    alone, one = found(store.settings)
    together, two = found(store.settings, processes=2, repair=True)
    assert by_place(together) == by_place(alone)
    assert len({finding.kind for finding in alone}) >= 4
    assert (two.events, two.statements, two.erased) == (one.events, one.statements, one.erased)
    wrong = [finding.position for finding in together if finding.kind is Kind.INDEX_WRONG]
    assert wrong == [store.places["crowd"], store.places["essay"]]
    assert found(store.settings)[0] == []
    assert store.index() == index
    assert active_children() == []


def by_place(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: (one.kind, one.position or 0, str(one.subject)))


def refused(session: Session, part: int) -> int:
    """Work that the database refuses the second time."""
    session.records.execute(b"SELECT 1 / (%s - 1)", [part])
    return part


def deadly(session: Session, part: int) -> int:
    """Work during which the process is killed."""
    signal.raise_signal(signal.SIGKILL)
    return part


@pytest.mark.parametrize(
    ("work", "error"), [(refused, psycopg.errors.DivisionByZero), (deadly, ChildProcessError)]
)
def test_what_keeps_a_process_from_its_work_ends_the_run(
    store: Store, work: Callable[[Session, int], int], error: type[Exception]
) -> None:
    with open_session(store.services, Scope(0)) as session:
        with pytest.raises(error), workers(session, 1) as running:
            list(running.each(work, range(8)))
        assert active_children() == []


def test_a_process_that_cannot_begin_says_so(store: Store) -> None:
    settings = store.settings.model_copy(update={"dsn": store.settings.dsn + "_absent"})
    with open_session(store.services, Scope(0)) as session:
        lost = replace(session, services=replace(store.services, settings=settings))
        with pytest.raises(psycopg.OperationalError), workers(lost, 1) as running:
            list(running.each(refused, [0]))


def test_processes_end_with_the_one_that_is_killed(store: Store) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITS, store.settings.model_dump_json()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        run.stdout.readline()
        children = psutil.Process(run.pid).children()
        run.kill()
        assert children
        assert psutil.wait_procs(children, 30)[1] == []
