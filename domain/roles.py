"""Who may do what: the roles that a credential carries, the actions, and the one table of both.

Everybody acts within the institution of their credential, but the host, who runs the deployment for
all of them: whoever makes, limits and erases institutions is none of theirs.

What a tool may do is narrowed by its scopes, `domain/scopes.py`. Nothing here knows HTTP:
`api/authorisation.py` binds an action to each route.
"""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is to an institution."""

    TOOL = "tool"
    INSTRUCTOR = "instructor"
    OFFICER = "officer"
    ANALYST = "analyst"
    OPERATOR = "operator"
    HOST = "host"


class Action(StrEnum):
    """What somebody wants to do, within their own institution unless it says otherwise."""

    WRITE_STATEMENTS = "write statements"
    READ_OWN_STATEMENTS = "read the statements that they wrote"
    READ_STATEMENTS = "read statements"
    READ_ACTIVITIES = "read activity definitions"
    READ_AGENTS = "read agents"
    DEFINE = "define activities"
    READ_STATE = "read activity state"
    WRITE_STATE = "write activity state"
    READ_PROFILES = "read profiles"
    WRITE_PROFILES = "write profiles"
    HANDLE_OWN_REFUSED = "see, replay and drop what was refused of them"
    HANDLE_REFUSED = "see, replay and drop what was refused of anybody"
    READ_LEARNING = "read courses and learners"
    READ_ANALYTICS = "read released aggregates"
    ERASE = "ask for erasures and see their receipts"
    AUDIT = "replay and verify the record"
    MANAGE_CREDENTIALS = "issue and revoke credentials"
    MANAGE_FORWARDING = "forward statements to other stores"
    SEE_OPERATION = "see the state of each part in detail"
    SEE_USAGE = "see what their institution stores, and its quota"
    MANAGE_INSTITUTIONS = "see what every institution stores, limit it, erase it"


ALLOWED: dict[Role, frozenset[Action]] = {
    Role.TOOL: frozenset(
        {
            Action.WRITE_STATEMENTS,
            Action.READ_OWN_STATEMENTS,
            Action.READ_STATEMENTS,
            Action.READ_ACTIVITIES,
            Action.READ_AGENTS,
            Action.DEFINE,
            Action.READ_STATE,
            Action.WRITE_STATE,
            Action.READ_PROFILES,
            Action.WRITE_PROFILES,
            Action.HANDLE_OWN_REFUSED,
        }
    ),
    Role.INSTRUCTOR: frozenset({Action.READ_LEARNING}),
    Role.OFFICER: frozenset(
        {
            Action.READ_LEARNING,
            Action.READ_OWN_STATEMENTS,
            Action.READ_STATEMENTS,
            Action.READ_ACTIVITIES,
            Action.READ_AGENTS,
            Action.ERASE,
            Action.AUDIT,
            Action.HANDLE_OWN_REFUSED,
            Action.HANDLE_REFUSED,
            Action.SEE_USAGE,
        }
    ),
    Role.ANALYST: frozenset({Action.READ_ANALYTICS}),
    Role.OPERATOR: frozenset(
        {
            Action.MANAGE_CREDENTIALS,
            Action.MANAGE_FORWARDING,
            Action.HANDLE_OWN_REFUSED,
            Action.HANDLE_REFUSED,
            Action.SEE_OPERATION,
            Action.READ_ANALYTICS,
            Action.SEE_USAGE,
        }
    ),
    Role.HOST: frozenset({Action.SEE_OPERATION, Action.SEE_USAGE, Action.MANAGE_INSTITUTIONS}),
}
