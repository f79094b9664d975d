"""A record store of its own with an institution, and statements of a class to put into it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from domain.credentials import Credential
from domain.statements.references import VOIDED
from domain.values.version import Version
from lrs.services import Services
from tests.learning import INSTITUTION, START

COURSE = "http://adlnet.gov/expapi/activities/course"
COMPETENCY = "https://w3id.org/xapi/tla/activity-types/competency"


class Class:
    """A class of learners, and the store that remembers them."""

    def __init__(self, services: Services) -> None:
        self.services = services
        institution = services.institutions.create("School").institution
        self.credential = Credential("tool", institution, "tool", frozenset())

    def accept(self, statements: list[dict[str, Any]], batch: int = 100) -> int:
        """Returns the position of the last."""
        position = 0
        for start in range(0, len(statements), batch):
            part = statements[start : start + batch]
            accepted = self.services.statements.accept(self.credential, part, Version.V2_0_0)
            position = accepted.position
        return position

    def pseudonym(self, name: str) -> UUID:
        """Returns a learner's pseudonym."""
        institution = self.credential.institution
        ifi = f"mbox:{name}@example.org"
        return self.services.people.resolve(institution, {ifi})[ifi]


def answer(number: int, name: str | None = None) -> dict[str, Any]:
    """Returns the number-th answer of the class: learners, items and competencies take turns."""
    return {
        "id": str(uuid5(INSTITUTION, f"answer {number}")),
        "actor": {"mbox": f"mailto:{name or f'learner{number % 17}'}@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": f"https://example.org/item/{number % 23}"},
        "result": {"success": number % 3 > 0, "duration": "PT10S"},
        "context": {
            "contextActivities": {
                "parent": [{"id": "https://example.org/course", "definition": {"type": COURSE}}],
                "grouping": [
                    {
                        "id": f"https://example.org/competency/{number % 5}",
                        "definition": {"type": COMPETENCY},
                    }
                ],
            }
        },
        "timestamp": (START + timedelta(minutes=number)).isoformat(),
    }


def void(target: int) -> dict[str, Any]:
    """Returns a statement that voids the target-th answer."""
    return {
        "id": str(uuid5(INSTITUTION, f"void {target}")),
        "actor": {"mbox": "mailto:teacher@example.org"},
        "verb": {"id": VOIDED},
        "object": {"objectType": "StatementRef", "id": answer(target)["id"]},
    }


@pytest.fixture
def school(services_with_kafka: Services) -> Class:
    """A class in that store."""
    return Class(services_with_kafka)
