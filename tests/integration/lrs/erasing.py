"""What tests of erasure do again and again."""

from typing import Any
from uuid import UUID

from domain.credentials import Credential
from domain.erasure import Erasure
from domain.values.version import Version
from lrs.audit.replay import Entry, Replay
from lrs.erasure import Erasures
from lrs.queries import Filter
from lrs.services import Services
from lrs.subjects import find_actor
from tests.integration.lrs.samples import Json, agent

V1 = Version.V1_0_3
STORES = ["keys", "identifiers", "statements", "agent index", "documents", "attachments"]


def accept(services: Services, tool: Credential, *statements: Json) -> list[UUID]:
    return services.statements.accept(tool, statements, V1).ids


def erase(services: Services, tool: Credential, name: str) -> Erasure:
    erasures = Erasures(services)
    person = find_actor(services, tool.institution, agent(name))
    return erasures.run(erasures.request(tool.institution, person, by="officer", basis="GDPR 17"))


def ids(services: Services, tool: Credential, **narrow: Any) -> list[str]:
    page = services.queries.page(tool.institution, Filter(**narrow), 100, None)
    return [found["id"] for found in page.statements]


def replay(services: Services, tool: Credential, person: UUID, **of: Any) -> list[Entry]:
    return list(Replay(services).of(tool.institution, person, **of))


def group(*names: str) -> Json:
    return {"objectType": "Group", "member": [agent(name) for name in names]}
