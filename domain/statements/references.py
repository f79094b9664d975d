"""What a statement points at: activities, its registration, other statements.

Pure reading of valid statements; people are in `domain.people`.
"""

from enum import IntEnum
from typing import Any, NamedTuple
from uuid import UUID

Json = dict[str, Any]

VOIDED = "http://adlnet.gov/expapi/verbs/voided"


class ActivityRole(IntEnum):
    """How a statement names an activity. The numbers are stored: never change or reuse one.

    A SubStatement's roles are its Statement's plus 100.
    """

    OBJECT = 1
    PARENT = 2
    GROUPING = 3
    CATEGORY = 4
    OTHER = 5

    SUB_OBJECT = 101
    SUB_PARENT = 102
    SUB_GROUPING = 103
    SUB_CATEGORY = 104
    SUB_OTHER = 105


_ROLES = {int(role): role for role in ActivityRole}
_CONTEXT = {"parent": 2, "grouping": 3, "category": 4, "other": 5}
_SUB = 100


class ActivityRef(NamedTuple):
    """One occurrence of an Activity; `activity` is the very object inside the statement."""

    pointer: str
    role: ActivityRole
    activity: Json


def activities(statement: Json) -> list[ActivityRef]:
    """Returns every Activity of a valid statement: object, context, and a SubStatement's."""
    found: list[ActivityRef] = []
    _collect(found, statement, "", 0)
    return found


def _collect(found: list[ActivityRef], statement: Json, at: str, offset: int) -> None:
    target = statement["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        found.append(ActivityRef(f"{at}/object", _ROLES[1 + offset], target))
    context = statement.get("context")
    if context and (grouped := context.get("contextActivities")):
        for key, value in grouped.items():
            role = _ROLES[_CONTEXT[key] + offset]
            pointer = f"{at}/context/contextActivities/{key}"
            if isinstance(value, dict):
                found.append(ActivityRef(pointer, role, value))
                continue
            for index, activity in enumerate(value):
                found.append(ActivityRef(f"{pointer}/{index}", role, activity))
    if kind == "SubStatement":
        _collect(found, target, f"{at}/object", _SUB)


def registration(statement: Json) -> UUID | None:
    """Returns the registration that the statement itself is associated with, if any."""
    value = statement.get("context", {}).get("registration")
    return None if value is None else UUID(value)


def target(statement: Json) -> UUID | None:
    """Returns the id of the statement that this one has as its object, if it has one."""
    return _referred(statement["object"])


def context_statement(statement: Json) -> UUID | None:
    """Returns the id of the statement that this one gives as its context, if any."""
    return _referred(statement.get("context", {}).get("statement", {}))


def is_voiding(statement: Json) -> bool:
    """Whether the statement voids the one it refers to (1.0.3 Data 2.3.2)."""
    return bool(statement["verb"]["id"] == VOIDED)


def _referred(reference: Json) -> UUID | None:
    return UUID(reference["id"]) if reference.get("objectType") == "StatementRef" else None
