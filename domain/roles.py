"""Who may do what: the roles that a credential carries, the actions, and the one table of both.

Nothing here knows HTTP: `api/authorisation.py` binds an action to each route.
"""

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """What somebody is to an institution."""

    TOOL = "tool"
    INSTRUCTOR = "instructor"
    OFFICER = "officer"
    ANALYST = "analyst"
    OPERATOR = "operator"


class Action(StrEnum):
    """What somebody wants to do, always within their own institution."""

    WRITE_STATEMENTS = "write statements"
    READ_STATEMENTS = "read statements"
    READ_LEARNING = "read courses and learners"
    READ_ANALYTICS = "read released aggregates"
    ERASE = "ask for erasures and see their receipts"
    AUDIT = "replay and verify the record"
    MANAGE_CREDENTIALS = "issue and revoke credentials"
    SEE_OPERATION = "see the state of each part in detail"


ALLOWED: dict[Role, frozenset[Action]] = {
    Role.TOOL: frozenset({Action.WRITE_STATEMENTS, Action.READ_STATEMENTS}),
    Role.INSTRUCTOR: frozenset({Action.READ_LEARNING}),
    Role.OFFICER: frozenset(
        {Action.READ_LEARNING, Action.READ_STATEMENTS, Action.ERASE, Action.AUDIT}
    ),
    Role.ANALYST: frozenset({Action.READ_ANALYTICS}),
    Role.OPERATOR: frozenset(
        {Action.MANAGE_CREDENTIALS, Action.SEE_OPERATION, Action.READ_ANALYTICS}
    ),
}


def may(roles: Iterable[Role], action: Action) -> bool:
    """Returns whether any of `roles` allows `action`."""
    return any(action in ALLOWED[role] for role in roles)
