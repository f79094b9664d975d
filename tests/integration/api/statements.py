"""Statements for these tests."""

from typing import Any
from uuid import uuid4

VERB = "http://adlnet.gov/expapi/verbs/experienced"
COURSE = "https://courses.example/algebra"


def statement(name: str = "amina", **changes: Any) -> dict[str, Any]:
    """Returns a valid statement of both versions, with a new id."""
    return {
        "id": str(uuid4()),
        "actor": {"objectType": "Agent", "mbox": f"mailto:{name}@students.example"},
        "verb": {"id": VERB, "display": {"en": "experienced", "fr": "a vécu"}},
        "object": {"id": COURSE, "definition": {"name": {"en": "Algebra", "fr": "Algèbre"}}},
        **changes,
    }


def voiding(target: str, name: str = "amina") -> dict[str, Any]:
    """Returns a statement that voids `target`."""
    return statement(
        name,
        verb={"id": "http://adlnet.gov/expapi/verbs/voided"},
        object={"objectType": "StatementRef", "id": target},
    )
