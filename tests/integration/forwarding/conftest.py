"""A store that forwards, and a second one, with its own database, that receives over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from werkzeug.serving import BaseWSGIServer, make_server

from api.app import create_app
from api.services import Services as ApiServices
from domain.credentials import Credential
from domain.forwarding import Selection
from domain.people import canonical_ifi
from domain.roles import Role
from domain.values.version import Version
from infra.local.postgres import Postgres
from lrs.forwarder import Forwarder
from lrs.forwarding import Forwarding, Target
from lrs.queries import Filter
from lrs.services import Services, open_services
from lrs.settings import Settings
from tests.conftest import drop_database, fresh_database
from tests.integration.lrs.samples import agent

Json = dict[str, Any]


@dataclass
class Receiver:
    """A running store. `answers` are given before it is asked; `seen` is what came, in order."""

    services: ApiServices
    institution: UUID
    key: str
    secret: str
    port: int = 0
    answers: list[tuple[int, list[tuple[str, str]]]] = field(default_factory=list)
    seen: list[list[str]] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    delay: float = 0.0
    server: BaseWSGIServer | None = None

    def __post_init__(self) -> None:
        self.app = create_app(self.services)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/xapi"

    def open(self) -> None:
        """Listens, at the same port as before."""
        self.server = make_server("127.0.0.1", self.port, self.answer, threaded=True)
        self.port = self.server.port
        Thread(target=self.server.serve_forever, daemon=True).start()

    def shut(self) -> None:
        """Is gone."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def answer(self, environ: Any, start_response: Any) -> Any:
        sleep(self.delay)
        if self.answers:
            status, headers = self.answers.pop(0)
            start_response(f"{status} {HTTPStatus(status).phrase}", headers)
            return [b""]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["CONTENT_TYPE"] == "application/json":
            self.seen.append([statement["id"] for statement in orjson.loads(body)])
            self.versions.append(environ["HTTP_X_EXPERIENCE_API_VERSION"])
        environ["wsgi.input"] = BytesIO(body)
        return self.app(environ, start_response)

    def stored(self) -> list[str]:
        """Ids of what it stored, in its log's order."""
        ids: list[str] = []
        after = None
        while True:
            page = self.services.queries.page(self.institution, Filter(ascending=True), 500, after)
            ids += [statement["id"] for statement in page.statements]
            if (after := page.next) is None:
                return ids

    def taken(self) -> list[str]:
        """Ids in the order in which they first came."""
        return list(dict.fromkeys(each for batch in self.seen for each in batch))


@pytest.fixture
def receiver(postgres: Postgres, template: str, tmp_path: Path) -> Iterator[Receiver]:
    """A store that listens."""
    settings = fresh_database(postgres, template, tmp_path / "receiver")
    services = ApiServices(settings)
    institution = services.institutions.create("Receiving college").institution
    made = Receiver(
        services, institution, *services.credentials.issue(institution, "sender", [Role.TOOL])
    )
    made.open()
    yield made
    made.shut()
    services.close()
    drop_database(postgres, settings)


@dataclass
class Sender:
    """The store that forwards; its forwarders run in threads until the test ends."""

    services: Services
    credential: Credential
    stop: Event = field(default_factory=Event)
    threads: list[Thread] = field(default_factory=list)

    @property
    def institution(self) -> UUID:
        return self.credential.institution

    def accept(self, *statements: Json, version: Version = Version.V2_0_0) -> list[str]:
        """Stores each by itself, so that the order is known; returns their ids."""
        for statement in statements:
            self.services.statements.accept(self.credential, [statement], version)
        return [statement["id"] for statement in statements]

    def start(
        self, receiver: Receiver, *, from_start: bool = False, secret: str = "", **selection: Any
    ) -> Forwarding:
        target = Target(
            receiver.url, receiver.key, secret or receiver.secret, Selection(**selection)
        )
        return self.services.forwardings.start(self.institution, target, from_start=from_start)

    def run(self, forwarding: Forwarding) -> Thread:
        """Runs a forwarder; its waits are as short as jitter can make them."""
        forwarder = Forwarder(self.services, forwarding, jitter=lambda: 0.999)
        thread = Thread(target=forwarder.run, args=(self.stop,), daemon=True)
        thread.start()
        self.threads.append(thread)
        return thread

    def person(self, name: str) -> UUID:
        """Returns the pseudonym of somebody by the name that `samples.agent` has for them."""
        ifi = canonical_ifi(agent(name)) or ""
        return self.services.people.resolve(self.institution, [ifi])[ifi]

    def state(self, forwarding: Forwarding) -> Forwarding:
        return self.services.forwardings.get(self.institution, forwarding.id)

    def done(self, forwarding: Forwarding) -> bool:
        """Whether all that is in the log by now was dealt with."""
        return self.state(forwarding).position >= self.services.store.last()


@pytest.fixture
def sender(settings: Settings) -> Iterator[Sender]:
    """An institution that no other test uses, allowed to forward to this machine."""
    services = open_services(settings.model_copy(update={"forward_private_addresses": True}))
    tenant = services.institutions.create(f"Sending college {uuid4()}").institution
    key, secret = services.credentials.issue(tenant, "a tool", [Role.TOOL])
    made = Sender(services, services.credentials.verify(key, secret))
    yield made
    made.stop.set()
    for thread in made.threads:
        thread.join(10)
    services.close()
