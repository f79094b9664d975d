"""Scopes: which part of a tool's actions its credential, or a token, reaches; and the one table.

1.0.3 Communication 4.2; 2.0.0 leaves them to the LRS, and they mean the same here. Documents and
definitions are not further limited to activities and actors "associated with the token": nothing
in the protocol tells which these are.
"""

from collections.abc import Iterable
from enum import StrEnum

from domain.errors import Invalid
from domain.roles import ALLOWED, Action, Role

SECTION = "1.0.3 Communication 4.2"


class Scope(StrEnum):
    """What a tool was let in for."""

    WRITE = "statements/write"
    READ_MINE = "statements/read/mine"
    READ = "statements/read"
    STATE = "state"
    DEFINE = "define"
    PROFILE = "profile"
    ALL_READ = "all/read"
    ALL = "all"


_READ = frozenset(
    {
        Action.READ_OWN_STATEMENTS,
        Action.READ_STATEMENTS,
        Action.READ_ACTIVITIES,
        Action.READ_AGENTS,
    }
)
GRANTED: dict[Scope, frozenset[Action]] = {
    Scope.WRITE: frozenset({Action.WRITE_STATEMENTS, Action.HANDLE_OWN_REFUSED}),
    Scope.READ_MINE: frozenset({Action.READ_OWN_STATEMENTS}),
    Scope.READ: _READ,
    Scope.STATE: frozenset({Action.READ_STATE, Action.WRITE_STATE}),
    Scope.DEFINE: frozenset({Action.DEFINE}),
    Scope.PROFILE: frozenset({Action.READ_PROFILES, Action.WRITE_PROFILES}),
    Scope.ALL_READ: _READ | {Action.READ_STATE, Action.READ_PROFILES},
    Scope.ALL: ALLOWED[Role.TOOL],
}
EVERYTHING = frozenset({Scope.ALL})


def granted(scopes: Iterable[Scope]) -> frozenset[Action]:
    """Returns what these scopes allow together."""
    return frozenset().union(*(GRANTED[scope] for scope in scopes))


def within(wanted: Iterable[Scope], held: Iterable[Scope]) -> bool:
    """Returns whether `held` allow all that `wanted` do."""
    return granted(wanted) <= granted(held)


def chosen(roles: Iterable[Role], wanted: Iterable[Scope] | None) -> tuple[Scope, ...]:
    """Returns the scopes of a new credential: `wanted`, or by default all, of a tool.

    Raises Invalid for a tool without any, and for scopes of what is no tool.
    """
    tool = Role.TOOL in roles
    if wanted is None:
        return (Scope.ALL,) if tool else ()
    scopes = tuple(sorted(set(wanted)))
    if tool and not scopes:
        raise Invalid("scopes", "empty", "give a tool at least one scope", SECTION)
    if scopes and not tool:
        raise Invalid("scopes", "no-tool", "only the role tool has scopes", SECTION)
    return scopes


def narrowest(action: Action) -> Scope | None:
    """Returns the scope that allows `action` and as little else as possible; None if none does."""
    fitting = [scope for scope in Scope if action in GRANTED[scope]]
    return min(fitting, key=lambda scope: len(GRANTED[scope]), default=None)
