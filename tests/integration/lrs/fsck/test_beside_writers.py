"""fsck beside writers, erasures and another fsck: nothing that is right is taken for damage."""

import threading
from collections.abc import Callable

from domain.documents import Kind, Preconditions
from domain.errors import Erased
from domain.values.version import Version
from lrs.documents import Address
from lrs.fsck import Finding, fsck
from tests.fsck import check_clean
from tests.integration.lrs.erasing import accept, erase
from tests.integration.lrs.fsck.conftest import Store
from tests.integration.lrs.samples import agent, statement, voiding

PEOPLE = [f"learner{number}" for number in range(8)]


def test_beside_writers_and_erasures(store: Store) -> None:
    """Runs over and over while people write, are erased one after another, and rows are mended."""
    services, tool = store.services, store.tool
    done = threading.Event()
    failures: list[BaseException] = []
    found: list[Finding] = []
    runs = 0

    def until_done(work: Callable[[int], None]) -> Callable[[], None]:
        def repeat() -> None:
            number = 0
            try:
                while not done.is_set():
                    number += 1
                    work(number)
            except BaseException as error:
                failures.append(error)

        return repeat

    def write(number: int) -> None:
        one = statement("bob", context={"instructor": agent(PEOPLE[number % len(PEOPLE)])})
        own = statement(PEOPLE[(number + 3) % len(PEOPLE)])
        about = statement("grace", object={"objectType": "StatementRef", "id": one["id"]})
        # The reference sometimes comes before what it refers to.
        for batch in ([about], [one], [own], [voiding(own["id"], "bob")])[:: 1 - 2 * (number % 2)]:
            try:
                accept(services, tool, *batch)
            except Erased:
                accept(services, tool, statement("bob"))

    def document(number: int) -> None:
        who = PEOPLE[number % len(PEOPLE)]
        place = Address(Kind.STATE, "s", activity="https://x.example/a", agent=agent(who))
        try:
            services.documents.put(
                tool.institution,
                place,
                b"x" * (number % 5) * 100_000,
                "text/plain",
                preconditions=Preconditions(),
                version=Version.V1_0_3,
            )
        except Erased:
            return

    def check(number: int) -> None:
        nonlocal runs
        fsck(services, found=found.append, repair=number % 3 == 0)
        runs += 1

    accept(services, tool, *(statement(name) for name in PEOPLE))
    threads = [
        threading.Thread(target=until_done(work)) for work in (write, write, document, check)
    ]
    for thread in threads:
        thread.start()
    for name in PEOPLE[:6]:
        erase(services, tool, name)
    while runs < 3 and not failures:
        done.wait(0.05)
    done.set()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert found == []
    check_clean(store.settings)
