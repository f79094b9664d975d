"""A primary of its own with a streaming replica, and two APIs: a patient one and a strict one."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from api.app import create_app
from api.services import Services
from domain.roles import Role
from infra.local.postgres import READER, Postgres
from infra.local.replica import Replica
from lrs.settings import Settings
from tests.conftest import started
from tests.integration.api.conftest import Caller

PATIENT, STRICT = 600.0, 0.5
"""How many seconds the replica may be behind."""


@pytest.fixture(scope="module")
def replica(
    own_postgres: Postgres, settings_apart: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replica]:
    """A replica of the primary, which has its database by then."""
    assert settings_apart.dsn
    with started(Replica(own_postgres, tmp_path_factory.mktemp("replica"))) as server:
        yield server


@pytest.fixture(autouse=True)
def following(replica: Replica) -> Iterator[None]:
    """Whatever a test does to it: the replica follows again afterwards."""
    yield
    replica.resume()


@pytest.fixture(scope="module")
def settings(settings_apart: Settings, replica: Replica) -> Settings:
    """Settings of an API that reads the replica however far it is behind, as the reader."""
    address = replica.dsn_of(READER, settings_apart.dsn.rsplit("/", 1)[1])
    return settings_apart.model_copy(update={"replica_dsn": address, "replica_max_lag": PATIENT})


@pytest.fixture(scope="module")
def patient(settings: Settings) -> Iterator[Services]:
    """Services that read the replica however far it is behind."""
    made = Services(settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def strict(settings: Settings) -> Iterator[Services]:
    """Services that read the primary as soon as the replica is behind."""
    made = Services(settings.model_copy(update={"replica_max_lag": STRICT}))
    yield made
    made.close()


@pytest.fixture(scope="module")
def institution(patient: Services) -> UUID:
    """An institution."""
    return patient.institutions.create("College").institution


@pytest.fixture(scope="module")
def callers(patient: Services, strict: Services, institution: UUID) -> dict[str, Caller]:
    """Tools and an instructor, by whom they ask: patient, strict, instructor (strict)."""
    tool = patient.credentials.issue(institution, "tool", [Role.TOOL])
    instructor = patient.credentials.issue(institution, "instructor", [Role.INSTRUCTOR])
    return {
        "patient": Caller(create_app(patient).test_client(), *tool),
        "strict": Caller(create_app(strict).test_client(), *tool),
        "instructor": Caller(create_app(strict).test_client(), *instructor),
    }
