"""Views across moves: whole at once where it goes, nothing where it was, and back again."""

from uuid import UUID

import pytest

from domain.credentials import Credential
from domain.errors import Conflict
from domain.placements import HOME
from domain.values.version import Version
from lrs.services import Services
from projections.messages import Message
from projections.views import tracking
from projections.views.apply import STREAMS, apply_batches
from projections.views.evaluate import evaluate_course
from projections.views.purge import INSTITUTION_TABLES, ViewsPurger
from stream_processors.agents import connect
from stream_processors.arrival import arriving
from stream_processors.rebuild import REBUILD_LOCK, rebuild
from stream_processors.translate import Draft, Translator
from tests.integration.moves.conftest import OTHER, Deployment
from tests.integration.stream_processors.conftest import answer, void
from tests.learning import START

FOLDED = [
    table
    for table in INSTITUTION_TABLES
    if table not in {"flags", "evaluations", "outlines", "outline_items"}
]


def accept(services: Services, tool: Credential, *numbers: int) -> None:
    sent = [answer(number) for number in numbers]
    services.statements.accept(tool, sent, Version.V2_0_0)


def drafts(services: Services) -> list[Draft]:
    """Returns what a relay would send that begins now."""
    translator = Translator(services.store, services.pool, services.blind, services.settings)
    return translator.page(0, 100_000, services.store.head())[1].drafts


def stream(services: Services, given: list[Draft] | None = None) -> None:
    """Applies the whole log as a worker does: what it has applied is skipped."""
    partitions = services.settings.kafka_partitions
    with connect(services.settings) as connection:
        tracking.prepare(connection, partitions)
        for draft in drafts(services) if given is None else given:
            batch: dict[int, list[Message]] = {draft.place(partitions): [draft.message]}
            apply_batches(connection, STREAMS[draft.stream], batch)


def rows(services: Services, institution: UUID) -> dict[str, list[str]]:
    """Returns the rows of an institution in every table that is folded, as text."""
    with services.pool.connection() as connection:
        return {
            table: [
                text
                for (text,) in connection.execute(
                    f"SELECT t::text FROM views.{table} t WHERE institution = %s ORDER BY 1"
                    "".encode(),
                    [institution],
                )
            ]
            for table in FOLDED
        }


def check_as_rebuilt(services: Services, tool: Credential, answers: int) -> None:
    """Checks that the views are what a rebuild gives, and hold so many answers."""
    found = rows(services, tool.institution)
    assert len(found["facts"]) == len(found["evidence"]) == answers
    # Where something is folded twice.
    assert not found["dead_letters"]
    # A worker that comes to it only now leaves it as it is.
    stream(services)
    assert rows(services, tool.institution) == found
    rebuild(services, lambda *_: None)
    assert rows(services, tool.institution) == found


def check_gone(services: Services, tool: Credential) -> None:
    assert ViewsPurger(services.pool).count_all(tool.institution) == 0


def test_whole_where_it_goes_and_nothing_where_it_was(
    deployment: Deployment, tool: Credential
) -> None:
    home, other = deployment.home, deployment.other
    accept(home, tool, *range(60))
    home.statements.accept(tool, [void(7)], Version.V2_0_0)
    stream(home)
    assert len(rows(home, tool.institution)["facts"]) == 59

    deployment.move(tool.institution, OTHER)

    # Without any relay or worker there.
    check_as_rebuilt(other, tool, 59)
    check_gone(home, tool)
    accept(other, tool, *range(60, 80))
    stream(other)
    check_as_rebuilt(other, tool, 79)


def test_there_and_back(deployment: Deployment, tool: Credential) -> None:
    home, other = deployment.home, deployment.other
    accept(home, tool, *range(40))
    stream(home)
    deployment.move(tool.institution, OTHER)
    accept(other, tool, *range(40, 60))
    other.statements.accept(tool, [void(3), void(44)], Version.V2_0_0)
    stream(other)

    deployment.move(tool.institution, HOME)

    # What home's worker passed long ago is there as well as what is new to it.
    check_as_rebuilt(home, tool, 58)
    check_gone(other, tool)
    accept(home, tool, *range(60, 70))
    stream(home)
    check_as_rebuilt(home, tool, 68)


def test_given_up_and_made_again(deployment: Deployment, tool: Credential) -> None:
    class Cut(Exception):
        pass

    def cut(step: str, *_: int) -> None:
        if step == "flip":
            raise Cut

    accept(deployment.home, tool, *range(30))
    for _ in range(2):
        with pytest.raises(Cut):
            deployment.move(tool.institution, OTHER, cut)
        # A worker that passes meanwhile leaves it to the move.
        stream(deployment.other)
    deployment.give_up(tool.institution)
    check_gone(deployment.other, tool)
    stream(deployment.other)
    accept(deployment.home, tool, *range(30, 40))
    deployment.move(tool.institution, OTHER)
    check_as_rebuilt(deployment.other, tool, 40)


def test_what_is_late_does_not_come_back(deployment: Deployment, tool: Credential) -> None:
    """The relay carried it before the move; the worker comes to it only afterwards."""
    home = deployment.home
    stream(home)
    before = {draft.message.position for draft in drafts(home)}
    accept(home, tool, *range(20))
    late = [draft for draft in drafts(home) if draft.message.position not in before]
    assert len(late) == 40
    deployment.move(tool.institution, OTHER)
    stream(home, late)
    course = home.activities.identify(tool.institution, "https://example.org/course")
    with connect(home.settings) as connection:
        evaluate_course(connection, (tool.institution, course), 1, START)
    check_gone(home, tool)
    rebuild(home, lambda *_: None)
    check_gone(home, tool)


def test_neighbours_are_folded_by_the_stream_as_ever(
    deployment: Deployment, tool: Credential
) -> None:
    other = deployment.other
    resident = Credential("r", other.institutions.create("R").institution, "r", tool.roles)
    accept(other, resident, *range(10))
    accept(deployment.home, tool, *range(10))
    told: list[int] = []

    def tell(step: str, done: int, whole: int) -> None:
        if step == "views":
            told.append(done)
            accept(other, resident, 10 + len(told))
            stream(other)

    deployment.move(tool.institution, OTHER, tell)
    assert told
    stream(other)
    assert len(rows(other, resident.institution)["facts"]) == 10 + len(told)
    check_as_rebuilt(other, tool, 10)


def test_not_beside_a_rebuild(deployment: Deployment, tool: Credential) -> None:
    accept(deployment.home, tool, 1)
    with connect(deployment.other.settings) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [REBUILD_LOCK])
        with pytest.raises(Conflict, match="rebuilt"):
            deployment.move(tool.institution, OTHER)
    deployment.move(tool.institution, OTHER)
    check_as_rebuilt(deployment.other, tool, 1)


def test_a_rebuild_waits_for_an_arrival(deployment: Deployment, tool: Credential) -> None:
    with (
        arriving(deployment.other, tool.institution, lambda _: None),
        pytest.raises(Conflict),
    ):
        rebuild(deployment.other, lambda *_: None)
