"""Erasing a learner while the streams run: nothing of the learner comes back into the views."""

import threading
from uuid import UUID, uuid4

import pytest

from api.erasures import erasures_of
from domain.credentials import Credential
from domain.errors import Erased
from domain.roles import Role
from domain.values.version import Version
from lrs.audit.replay import Replay
from lrs.services import Services
from lrs.subjects import find_actor
from projections.views.purge import ViewsPurger
from tests.integration.lrs.samples import Json, agent, statement
from tests.pipeline import streams

TOOL = Credential("tool", uuid4(), "a tool", frozenset({Role.TOOL}))
SECONDS = 120.0


@pytest.fixture
def services(services_with_kafka: Services) -> Services:
    """The record store, over a broker."""
    return services_with_kafka


def answered(name: str) -> Json:
    return statement(name, result={"success": True, "score": {"scaled": 0.9}})


def accept(services: Services, *names: str) -> int:
    sent = [answered(name) for name in names]
    return max(services.statements.accept(TOOL, sent, Version.V1_0_3).positions)


def person(services: Services, name: str) -> UUID:
    return find_actor(services, TOOL.institution, agent(name))


def test_nothing_comes_back_into_the_views(services: Services) -> None:
    purger = ViewsPurger(services.pool)

    def rows(learner: UUID) -> int:
        return purger.count(TOOL.institution, learner)

    def write(name: str) -> None:
        """Writes until the learner is erased, so that relay and worker are never at rest."""
        try:
            while True:
                accept(services, *[name] * 20)
        except Erased:
            return

    with streams(services.settings) as running:
        running.wait(accept(services, "ada", "bob"), SECONDS)
        ada, bob = person(services, "ada"), person(services, "bob")
        before = rows(bob)
        assert rows(ada) >= before > 0
        writer = threading.Thread(target=write, args=("ada",))
        writer.start()
        erasures = erasures_of(services)
        asked = erasures.request(TOOL.institution, ada, by="officer", basis="")
        erased = erasures.run(asked)
        writer.join()
        # The worker may have heard of the erasure first, and left nothing to purge.
        assert "views" in erased.purged
        running.wait(accept(services, "carol"), SECONDS)
        assert rows(ada) == 0
        assert rows(bob) == before
    history = list(Replay(services).of(TOOL.institution, ada))
    assert {entry.kind for entry in history} == {"erased", "erasure"}
    # From the first message again, as after a loss of the worker's tracking.
    with services.pool.connection() as connection:
        connection.execute("DELETE FROM streams.relay")
        connection.execute("DELETE FROM streams.chains")
        connection.execute("DELETE FROM views.tracking")
    again = services.settings.model_copy(update={"topic_prefix": f"again-{uuid4().hex}"})
    with services.pool.connection() as connection:
        for table in ("facts", "enrolments", "daily_facts", "work"):
            connection.execute(f"DELETE FROM views.{table}".encode())
    with streams(again) as running:
        running.wait(services.store.last(), SECONDS)
        assert rows(ada) == 0
        assert rows(bob) > 0
