"""Erasing a whole institution: all of it goes, nothing of another does, and the rest goes on."""

import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from domain.credentials import Credential
from domain.errors import Erased, Error, NotFound, Unauthenticated
from domain.institutions import INSTANCE
from domain.roles import Role
from lrs.audit.receipts import verify
from lrs.closure import Closures
from lrs.erasure import Erasures
from lrs.holdings import TABLES
from lrs.notifications import Shredded
from lrs.services import Services, open_services
from lrs.settings import Settings
from lrs.tenants import LOOK_SECONDS
from tests.fsck import check_clean
from tests.integration.lrs.closing import KEPT, institution, rows, tables
from tests.integration.lrs.erasing import accept, erase, ids, replay
from tests.integration.lrs.samples import statement


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Settings by which an institution may forward to this machine."""
    return settings.model_copy(update={"forward_private_addresses": True})


@pytest.fixture
def elsewhere(services: Services) -> Iterator[Services]:
    """Another process."""
    opened = open_services(services.settings)
    yield opened
    opened.close()


def close(services: Services, tool: Credential) -> dict[str, object]:
    closures = Closures(services)
    done = closures.run(closures.request(tool.institution, by="host", basis="end of contract"))
    assert done.receipt is not None
    return dict(done.receipt)


def test_all_of_it_goes_and_nothing_of_another(services: Services) -> None:
    ours, theirs = institution(services, "Ours"), institution(services, "Theirs")
    before, kept = rows(services, ours.institution), rows(services, theirs.institution)
    empty = {table for table, found in before.items() if not found and table.startswith("lrs.")}
    assert empty <= {f"lrs.{table}" for table in (*KEPT, "forwarding_refusals", "usage_notes")}

    receipt = close(services, ours)

    assert rows(services, theirs.institution) == kept
    after = rows(services, ours.institution)
    assert after.pop("lrs.stored_events") == before["lrs.stored_events"]
    assert {table for table, found in after.items() if found} == {
        "lrs.closures",
        "lrs.fences",
        "lrs.erased_identifiers",
        "keystore.fences",
        "keystore.data_keys",
    }
    with psycopg.connect(services.settings.admin_dsn) as connection:
        living = connection.execute(
            "SELECT count(*) FROM keystore.data_keys WHERE institution = %s"
            " AND wrapped IS NOT NULL",
            [ours.institution],
        ).fetchone()
    assert living == (0,)
    payload = verify(receipt, Closures(services).receipts.public_key)
    assert payload["institution"] == str(ours.institution)
    assert payload["log"]["tombstones"] == len(before["lrs.stored_events"])
    stores = {each["store"]: each for each in payload["stores"]}
    assert list(stores) == ["keys", "statements", *TABLES]
    assert stores["identifiers"]["found"] == len(before["lrs.people"])
    assert all(each["left"] == 0 for each in payload["stores"])
    assert "Ours" not in str(receipt)


def test_every_table_that_names_an_institution_is_purged_or_known_to_stay(
    services: Services,
) -> None:
    with psycopg.connect(services.settings.admin_dsn) as connection:
        named = {table for _, table, names in tables(connection, "lrs") if names}
    assert named - KEPT == {table for group in TABLES.values() for table in group}


def test_the_log_goes_on_over_the_tombstones(services: Services) -> None:
    ours, theirs = institution(services, "Gone"), institution(services, "Here")
    close(services, ours)
    recorded = services.store.read(0, 100_000)
    gone = [one for one in recorded if one.event.institution == ours.institution]
    assert gone
    assert all(isinstance(one.event, Shredded) for one in gone)
    closing = [one.event for one in recorded if one.event.institution == INSTANCE]
    assert not any(isinstance(event, Shredded) for event in closing)
    accept(services, theirs, statement("dora"))
    assert ids(services, theirs)
    erased = erase(services, theirs, "dora")
    assert {e.kind for e in replay(services, theirs, erased.pseudonym)} == {"erased", "erasure"}
    check_clean(services.settings)
    for refused in (
        lambda: services.institutions.get(ours.institution),
        lambda: Closures(services).radius(ours.institution),
        lambda: Closures(services).request(uuid4(), by="x", basis=""),
    ):
        with pytest.raises(NotFound):
            refused()


def test_nobody_comes_in_any_more_anywhere(services: Services, elsewhere: Services) -> None:
    ours = services.institutions.create("Shut").institution
    key, secret = services.credentials.issue(ours, "tool", [Role.TOOL])
    tool = elsewhere.credentials.verify(key, secret)
    accept(elsewhere, tool, statement("ada"))
    assert len(ids(elsewhere, tool)) == 1
    closures = Closures(services)
    asked = closures.request(ours, by="host", basis="")
    fenced = closures.run(asked, steps=1)
    assert fenced.state == "fenced"
    with pytest.raises(Erased):  # whoever was let in before: the database itself refuses
        accept(elsewhere, tool, statement("ada"))
    with pytest.raises(psycopg.DatabaseError, match="fenced"):
        accept(elsewhere, tool, statement("somebody new"))
    time.sleep(LOOK_SECONDS)
    for where in (services, elsewhere):
        with pytest.raises(Unauthenticated):
            where.credentials.verify(key, secret)
        with pytest.raises(Unauthenticated):
            where.credentials.holder(key, 1)
    assert closures.run(asked, steps=1).state == "purging"  # the keys
    time.sleep(LOOK_SECONDS)
    assert ids(elsewhere, tool) == []
    assert closures.run(asked).state == "certified"


def test_against_writers(services: Services, elsewhere: Services) -> None:
    """Threads of two processes write all kinds of things while the institution is closed."""
    ours = institution(services, "Busy")
    theirs = services.institutions.create("Undisturbed").institution
    other = Credential("other", theirs, "other", frozenset({Role.TOOL}))
    stop, unexpected = threading.Event(), []
    kept = []

    def write(where: Services, tool: Credential, number: int) -> None:
        try:
            for n in range(10_000):
                if stop.is_set():
                    return
                made = statement(f"person {number} {n % 7 and n}", item=f"{number}-{n}")
                accept(where, tool, made, statement("ada"))
                if tool is other:
                    kept.append(made["id"])
        except Error:
            return
        except Exception as error:
            # What the database refuses of people, activities and the like before the statement.
            if getattr(error, "sqlstate", None) != "KB001":
                unexpected.append(error)

    threads = [
        threading.Thread(target=write, args=(where, tool, number))
        for number, (where, tool) in enumerate(
            [(services, ours), (elsewhere, ours), (elsewhere, ours), (elsewhere, other)]
        )
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    close(services, ours)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert unexpected == []
    left = rows(services, ours.institution)
    assert {table for table, found in left.items() if found} == {
        "lrs.stored_events",
        "lrs.closures",
        "lrs.fences",
        "lrs.erased_identifiers",
        "keystore.fences",
        "keystore.data_keys",
    }
    with services.pool.connection() as connection:
        found = connection.execute(
            "SELECT count(*) FROM lrs.stored_events WHERE lrs.institution_of(state) = %s"
            " AND topic = 'statement.stored'",
            [theirs],
        ).fetchone()
    assert found == (2 * len(kept),)


def test_an_erasure_of_a_person_that_was_under_way_ends_with_it(services: Services) -> None:
    ours = institution(services, "Half")
    person = services.people.resolve(ours.institution, ["account:https://lms.example.org#ada"])
    erasures = Erasures(services)
    asked = erasures.request(ours.institution, next(iter(person.values())), by="x", basis="")
    close(services, ours)
    assert erasures.resume() == 0
    with pytest.raises(NotFound):
        erasures.get(ours.institution, asked.id)
