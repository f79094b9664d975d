"""Usage: what the log says was stored is what is counted, whoever counts and however often."""

import threading
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from domain.credentials import Credential
from domain.documents import Kind, Preconditions
from domain.roles import Role
from domain.values.version import Version
from lrs.documents import Address
from lrs.services import Services, open_services
from lrs.usage import Usage
from tests.integration.lrs.erasing import accept
from tests.integration.lrs.samples import agent, statement


def counted(services: Services, institution: UUID) -> dict[str, int]:
    """Returns the columns of the institution's only day, once all is counted."""
    while not services.usage.count():
        pass
    days = services.usage.days(institution)
    assert len(days) <= 1
    kept = vars(days[0]) if days else {}
    return {name: value for name, value in kept.items() if isinstance(value, int)}


def put(services: Services, tool: Credential, size: int) -> None:
    services.documents.put(
        tool.institution,
        Address(Kind.STATE, "place", "https://lms.example.org/item/1", agent("ada")),
        b"x" * size,
        "text/plain",
        preconditions=Preconditions(),
        version=Version.V1_0_3,
    )


def in_the_log(services: Services, institution: UUID) -> tuple[int, int]:
    with services.pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE topic = 'statement.stored'), sum(octet_length(state))"
            " FROM lrs.stored_events WHERE lrs.institution_of(state) = %s",
            [institution],
        ).fetchone()
    assert row is not None
    return row


def test_counts_are_those_of_the_log(services: Services, tool: Credential) -> None:
    other = Credential("other", uuid4(), "another tool", frozenset({Role.TOOL}))
    one = statement()
    accept(services, tool, one, statement("bob"))
    accept(services, tool, one)  # again: nothing is stored, nothing counts
    accept(services, other, statement())
    found = counted(services, tool.institution)
    assert (found["statements"], found["log_bytes"]) == in_the_log(services, tool.institution)
    assert counted(services, other.institution)["statements"] == 1
    again = counted(services, tool.institution)
    assert again == found
    accept(services, tool, statement("cleo"))
    assert counted(services, tool.institution)["statements"] == 3
    totals = {total.institution: total for total in services.usage.totals()}
    assert totals[tool.institution].statements == 3
    assert totals[tool.institution].bytes == in_the_log(services, tool.institution)[1]


def test_contents_count_when_written_and_when_deleted(services: Services, tool: Credential) -> None:
    put(services, tool, 600_000)
    found = counted(services, tool.institution)
    assert found["documents"] == 1
    assert 600_000 < found["content_bytes"] < 601_000
    assert found["freed_bytes"] == 0
    with services.pool.connection() as connection:
        connection.execute("DELETE FROM lrs.contents WHERE institution = %s", [tool.institution])
    found = counted(services, tool.institution)
    assert found["freed_bytes"] == found["content_bytes"]
    totals = {total.institution: total.bytes for total in services.usage.totals()}
    assert totals[tool.institution] == found["log_bytes"]


def test_whoever_counts_while_others_write_nothing_counts_twice(
    services: Services, tool: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes count in pages of a few events while four threads write."""
    monkeypatch.setattr("lrs.usage.PAGE", 7)
    elsewhere = open_services(services.settings)
    writers = [
        threading.Thread(
            target=lambda: [accept(services, tool, statement(), statement()) for _ in range(10)]
        )
        for _ in range(4)
    ]
    done = threading.Event()

    def count(usage: Usage) -> None:
        while not done.is_set():
            usage.count()

    counters = [
        threading.Thread(target=count, args=(each.usage,)) for each in (services, elsewhere)
    ]
    for thread in (*writers, *counters):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in counters:
        thread.join()
    elsewhere.close()
    found = counted(services, tool.institution)
    assert found["statements"] == 80
    assert (found["statements"], found["log_bytes"]) == in_the_log(services, tool.institution)


def test_what_is_cut_short_counts_once(services: Services, tool: Credential) -> None:
    accept(services, tool, statement())
    with services.pool.connection() as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT lrs.count_usage(%s, now(), 1000)", [services.store.head()])
        assert not services.usage.count()  # the other is at it
        connection.execute("ROLLBACK")
    assert counted(services, tool.institution)["statements"] == 1


def test_the_moment_before_which_all_is_counted(services: Services, tool: Credential) -> None:
    before = datetime.now(UTC)
    accept(services, tool, statement())
    assert counted(services, tool.institution)["statements"] == 1
    assert services.usage.reached()[1] > before
