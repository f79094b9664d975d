"""A store with some of everything in it, and a way to damage it that no process of ours has."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.credentials import Credential
from domain.documents import Kind, Preconditions
from domain.roles import Role
from domain.values.version import Version
from infra.local.postgres import Postgres
from lrs.attachments import Sent
from lrs.documents import Address
from lrs.services import Services, open_services
from lrs.settings import Settings
from lrs.subjects import find_actor
from tests.conftest import drop_database, fresh_database
from tests.integration.lrs.erasing import erase, group
from tests.integration.lrs.samples import Json, agent, statement, voiding

V1 = Version.V1_0_3
ESSAY = b"an essay" * 100
INDEX = ("statement_index", "postings", "statement_refs")


@dataclass
class Store:
    """A filled store: where each of its statements stands, and who is who."""

    services: Services
    tool: Credential
    places: dict[str, int]
    people: dict[str, UUID]

    @property
    def settings(self) -> Settings:
        """Where it is."""
        return self.services.settings

    @contextmanager
    def admin(self) -> Iterator[psycopg.Connection[Any]]:
        """Gives the database with nothing that guards it, as whoever owns it could have it."""
        with psycopg.connect(self.settings.admin_dsn) as connection:
            for schema, table in connection.execute(
                "SELECT schemaname, tablename FROM pg_tables"
                " WHERE schemaname IN ('lrs', 'keystore')"
            ).fetchall():
                connection.execute(f"ALTER TABLE {schema}.{table} DISABLE TRIGGER USER".encode())
            yield connection

    def damage(self, sql: str) -> None:
        """Runs what must change at least one row; `{name}` is the position of that statement,
        `{name.person}` the pseudonym of that person.
        """
        people = {f"{name}_person": pseudonym for name, pseudonym in self.people.items()}
        filled = sql.format(**self.places, **people, institution=self.tool.institution)
        with self.admin() as connection:
            for each in filled.split(";"):
                changed = connection.execute(each.encode()).rowcount
                assert changed != 0, each

    def index(self) -> dict[str, list[Any]]:
        """Returns the index, whatever order its terms are in."""
        with psycopg.connect(self.settings.admin_dsn) as connection:
            return {
                "statement_index": connection.execute(
                    "SELECT position, originator_id, owner, author, voiding,"
                    " ARRAY(SELECT unnest(terms) ORDER BY 1) FROM lrs.statement_index ORDER BY 1"
                ).fetchall(),
                "postings": connection.execute(
                    "SELECT term, position FROM lrs.postings ORDER BY 1, 2"
                ).fetchall(),
                "statement_refs": connection.execute(
                    "SELECT target, position, voiding FROM lrs.statement_refs ORDER BY 1, 2"
                ).fetchall(),
            }

    def log(self) -> list[Any]:
        """Returns the log as it is in the database."""
        with psycopg.connect(self.settings.admin_dsn) as connection:
            return connection.execute(
                "SELECT notification_id, originator_id, originator_version, topic, state,"
                " recorded_at FROM lrs.stored_events ORDER BY 1, 2, 3"
            ).fetchall()


@pytest.fixture(scope="session")
def filled(
    postgres: Postgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """Statements of several persons that refer to each other, documents, attachments, and Eve, who
    was erased. To be copied, not used: its services are closed.
    """
    settings = fresh_database(postgres, template, tmp_path_factory.mktemp("filled"))
    services = open_services(settings)
    institution = services.institutions.create("college").institution
    made = Store(
        services,
        Credential("tool", institution, "a tool", frozenset({Role.TOOL})),
        {},
        {},
    )
    _write_statements(made)
    _write_documents(made)
    for name in ("ada", "bob", "grace", "eve"):
        made.people[name] = find_actor(services, institution, agent(name))
    erase(services, made.tool, "eve")
    services.close()
    yield made
    drop_database(postgres, settings)


@pytest.fixture
def store(postgres: Postgres, filled: Store, tmp_path: Path) -> Iterator[Store]:
    """A copy of the filled store, for one test."""
    database = filled.settings.admin_dsn.rsplit("/", 1)[1]
    settings = fresh_database(postgres, database, tmp_path)
    settings = settings.model_copy(update={"kek_file": filled.settings.key_file})
    services = open_services(settings)
    yield Store(services, filled.tool, filled.places, filled.people)
    services.close()
    drop_database(postgres, settings)


def _write_statements(store: Store) -> None:
    essay = {
        "usageType": "https://example.org/essay",
        "display": {"en": "Essay"},
        "contentType": "text/plain",
        "length": len(ESSAY),
        "sha2": sha256(ESSAY).hexdigest(),
    }
    plain = statement("ada", result={"response": "x"})
    doomed = statement("bob")
    eves = statement("eve", item="9")
    referring = statement("grace", object=_reference(plain))
    statements = {
        "plain": plain,
        "other": statement("bob", context={"instructor": agent("eve"), "team": group("ada")}),
        "doomed": doomed,
        "voiding": voiding(doomed["id"], "grace"),
        "referring": referring,
        "further": statement("ada", "shared", object=_reference(referring)),
        "crowd": {**statement(), "actor": group("ada", "bob")},
        "eves": eves,
        "open": statement("bob", object=_reference(eves)),
        "essay": statement("bob", attachments=[essay]),
    }
    for name, one in statements.items():
        sent = [Sent(essay["sha2"], [ESSAY])] if name == "essay" else []
        accepted = store.services.statements.accept(store.tool, [one], V1, sent)
        store.places[name] = accepted.position
    eves_essay = statement("eve", attachments=[essay])
    store.services.statements.accept(store.tool, [eves_essay], V1, [Sent(essay["sha2"], [ESSAY])])


def _write_documents(store: Store) -> None:
    new = Preconditions(if_none_match="*")
    for name in ("ada", "eve"):
        for content in (b"one", b"two" * 100_000):
            place = Address(Kind.STATE, "s", activity="https://x.example/a", agent=agent(name))
            store.services.documents.put(
                store.tool.institution,
                place,
                content,
                "text/plain",
                preconditions=Preconditions(),
                version=V1,
            )
    profile = Address(Kind.ACTIVITY_PROFILE, "p", activity="https://x.example/a")
    store.services.documents.put(
        store.tool.institution, profile, b"{}", "text/plain", preconditions=new, version=V1
    )
    gone = Address(Kind.AGENT_PROFILE, "gone", agent=agent("bob"))
    store.services.documents.put(
        store.tool.institution, gone, b"{}", "text/plain", preconditions=new, version=V1
    )
    store.services.documents.delete(store.tool.institution, gone, Preconditions())


def _reference(target: Json) -> Json:
    return {"objectType": "StatementRef", "id": target["id"]}
