"""Erasure under kills, races and stores that fill again: it goes on, and nothing comes back."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from domain.credentials import Credential
from domain.erasure import Erasure, StorePurged
from domain.errors import Erased
from lrs.erasure import Erasures
from lrs.queries import Filter
from lrs.services import Services, open_services
from lrs.subjects import find_actor
from tests.integration.lrs.erasing import STORES, accept, erase, group, ids
from tests.integration.lrs.killing import around_event, certified, killed
from tests.integration.lrs.samples import Json, agent, statement

pytestmark = pytest.mark.usefixtures("agreeing")

EVENTS = (
    1 + 1 + 1 + len(STORES) + 1 + 1
)  # requested, fenced, scoped, purged..., verified, certified


@pytest.mark.parametrize("after_append", [False, True], ids=["before-event", "after-event"])
@pytest.mark.parametrize("step", range(1, EVENTS + 1))
def test_killed_anywhere_it_goes_on(
    services: Services, tool: Credential, step: int, after_append: bool
) -> None:
    """A process that dies by SIGKILL around its n-th event; another one finishes the work."""
    sent = [statement("ada"), {**statement(), "actor": group("ada")}, statement("bob")]
    accept(services, tool, *sent)
    person = find_actor(services, tool.institution, agent("ada"))

    def forget(by: Services) -> Erasure:
        erasures = Erasures(by)
        return erasures.run(erasures.request(tool.institution, person, by="officer", basis=""))

    killed(services, around_event(step, after=after_append), forget)
    done = certified(lambda: forget(services))
    assert done.receipt is not None
    assert ids(services, tool) == [sent[2]["id"]]
    assert {s["store"]: s["found"] for s in done.receipt["payload"]["stores"]} == dict(
        zip(STORES, [2, 2, 2, 2, 0, 0], strict=True)
    )
    erasures = Erasures(services)
    assert set(erasures.radius(tool.institution, person).stores.values()) == {0}
    assert erasures.resume(timedelta()) == 0


def test_against_writers_of_the_same_person(services: Services, tool: Credential) -> None:
    """Threads of two processes write the person, alone and with others, while it is erased."""
    accept(services, tool, statement("ada"), statement("bob"))
    person = find_actor(services, tool.institution, agent("ada"))
    elsewhere = open_services(services.settings)
    refused, unexpected = threading.Event(), []
    kept: list[str] = []

    def write(where: Services, make: Callable[[], Json], others: bool) -> None:
        try:
            while not refused.is_set():
                batch = [statement("bob")] if others else [make(), make()]
                accept(where, tool, *batch)
                kept.extend(s["id"] for s in batch if others)
        except Erased:
            refused.set()
        except Exception as error:
            unexpected.append(error)

    makers: list[Callable[[], Json]] = [
        lambda: statement("ada"),
        lambda: statement("bob", context={"instructor": agent("ada")}),
        lambda: {**statement(), "actor": group("ada")},
    ]
    threads = [
        threading.Thread(target=write, args=(where, make, False))
        for where in (services, elsewhere)
        for make in makers
    ]
    threads += [threading.Thread(target=write, args=(elsewhere, makers[0], True))]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    erased = erase(services, tool, "ada")
    for thread in threads:
        thread.join(timeout=30)
    elsewhere.close()
    assert unexpected == []
    assert erased.state == "certified"
    radius = Erasures(services).radius(tool.institution, person)
    assert set(radius.stores.values()) == {0}
    assert radius.groups == 0
    page = services.queries.page(tool.institution, Filter(), 10_000, None).statements
    assert {s["actor"]["account"]["name"] for s in page} == {"bob"}
    assert "Name of ada" not in str(page)
    assert set(kept) <= {s["id"] for s in page}
    with psycopg.connect(services.settings.admin_dsn) as connection:
        living = connection.execute(
            "SELECT count(*) FROM keystore.data_keys WHERE pseudonym = ANY(%s)"
            " AND wrapped IS NOT NULL",
            [list(erased.pseudonyms)],
        ).fetchone()
    assert living == (0,)


class Stubborn:
    """A store into which something comes back after the first purge."""

    name = "stubborn"

    def __init__(self, returns: int) -> None:
        self.rows, self.returns = 1, returns

    def count(self, institution: UUID, pseudonym: UUID) -> int:
        return self.rows

    def purge(self, institution: UUID, pseudonym: UUID) -> int:
        self.rows, self.returns = min(self.returns, 1), self.returns - 1
        return 1


def test_what_comes_back_is_purged_until_a_scan_finds_nothing(
    services: Services, tool: Credential
) -> None:
    accept(services, tool, statement("ada"))
    erasures = Erasures(services, [Stubborn(2)])
    person = find_actor(services, tool.institution, agent("ada"))
    done = erasures.run(erasures.request(tool.institution, person, by="x", basis=""))
    assert done.purged["stubborn"] == 3
    purges = [e for e in services.store.stream(done.id) if isinstance(e, StorePurged)]
    assert [e.store for e in purges] == [*STORES, *["stubborn"] * 3]


def test_the_jobs_finish_what_nobody_else_did(services: Services, tool: Credential) -> None:
    accept(services, tool, statement("ada"), statement("bob"))
    erasures = Erasures(services)
    for name in ("ada", "bob"):
        person = find_actor(services, tool.institution, agent(name))
        erasures.request(tool.institution, person, by="x", basis="")
    assert erasures.resume() == 0
    assert Erasures(services).resume(timedelta()) == 2
    assert [e.state for e in erasures.page(tool.institution, None, 10)] == ["certified"] * 2
