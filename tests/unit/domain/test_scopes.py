"""The tables of roles and scopes, and what a token may ask for."""

from uuid import UUID

import pytest

from domain.credentials import Credential, allowed
from domain.errors import Invalid
from domain.roles import ALLOWED, Action, Role
from domain.scopes import GRANTED, Scope, chosen, narrowest, within

# 1.0.3 Communication 4.2, action by action.
TABLE: dict[Action, set[Scope]] = {
    Action.WRITE_STATEMENTS: {Scope.WRITE, Scope.ALL},
    Action.HANDLE_OWN_REFUSED: {Scope.WRITE, Scope.ALL},
    Action.READ_OWN_STATEMENTS: {Scope.READ_MINE, Scope.READ, Scope.ALL_READ, Scope.ALL},
    Action.READ_STATEMENTS: {Scope.READ, Scope.ALL_READ, Scope.ALL},
    Action.READ_ACTIVITIES: {Scope.READ, Scope.ALL_READ, Scope.ALL},
    Action.READ_AGENTS: {Scope.READ, Scope.ALL_READ, Scope.ALL},
    Action.DEFINE: {Scope.DEFINE, Scope.ALL},
    Action.READ_STATE: {Scope.STATE, Scope.ALL_READ, Scope.ALL},
    Action.WRITE_STATE: {Scope.STATE, Scope.ALL},
    Action.READ_PROFILES: {Scope.PROFILE, Scope.ALL_READ, Scope.ALL},
    Action.WRITE_PROFILES: {Scope.PROFILE, Scope.ALL},
}


def holder(*roles: Role, scopes: set[Scope] | None = None) -> Credential:
    held = chosen(roles, scopes)
    return Credential("key", UUID(int=1), "somebody", frozenset(roles), frozenset(held))


def test_every_action_is_somebodys_and_every_role_can_do_something() -> None:
    assert set(ALLOWED) == set(Role)
    assert frozenset().union(*ALLOWED.values()) == set(Action)
    assert all(ALLOWED.values())


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("action", Action)
def test_a_scope_allows_what_the_table_says(scope: Scope, action: Action) -> None:
    assert (action in GRANTED[scope]) is (scope in TABLE.get(action, set()))
    assert holder(Role.TOOL, scopes={scope}).may(action) is (scope in TABLE.get(action, set()))


def test_scopes_narrow_the_tool_only() -> None:
    assert not holder().may(Action.ERASE)
    assert not holder(Role.TOOL, Role.ANALYST).may(Action.READ_LEARNING)
    both = holder(Role.TOOL, Role.OFFICER, scopes={Scope.WRITE})
    assert both.may(Action.ERASE) and both.may(Action.READ_STATEMENTS)
    assert not both.may(Action.READ_STATE)
    assert not holder(Role.ANALYST).may(Action.WRITE_STATEMENTS)


def test_the_default_is_all_for_a_tool() -> None:
    assert chosen([Role.TOOL], None) == (Scope.ALL,)
    assert chosen([Role.OFFICER], None) == ()
    for roles, scopes in (([Role.TOOL], []), ([Role.OFFICER], [Scope.ALL])):
        with pytest.raises(Invalid):
            chosen(roles, scopes)


def test_within() -> None:
    assert all(within([scope], [Scope.ALL]) for scope in Scope)
    assert within([Scope.READ_MINE], [Scope.READ])
    assert not within([Scope.READ], [Scope.READ_MINE])
    assert not within([Scope.ALL], [Scope.ALL_READ, Scope.WRITE])
    assert within([Scope.READ, Scope.STATE], [Scope.ALL_READ, Scope.STATE])


@pytest.mark.parametrize("action", TABLE)
def test_the_narrowest_scope(action: Action) -> None:
    scope = narrowest(action)
    assert scope is not None and scope not in (Scope.ALL, Scope.ALL_READ)
    assert narrowest(Action.ERASE) is None


def test_a_token_gets_no_more_than_its_credential() -> None:
    both = holder(Role.TOOL, Role.OFFICER)
    assert both.scope == "all officer"
    assert both.narrowed("statements/read/mine state").scope == "state statements/read/mine"
    assert both.narrowed("officer").roles == {Role.OFFICER}
    assert not both.narrowed("officer").may(Action.WRITE_STATEMENTS)
    for scope in ("", "everything", "tool", "all  officer", "analyst", "ALL"):
        with pytest.raises(Invalid):
            both.narrowed(scope)
    with pytest.raises(Invalid):
        holder(Role.OFFICER).narrowed("statements/read")
    with pytest.raises(Invalid):
        holder(Role.TOOL, scopes={Scope.WRITE}).narrowed("statements/write statements/read/mine")


def test_allowed_is_the_union() -> None:
    roles = frozenset({Role.TOOL, Role.ANALYST})
    assert allowed(roles, frozenset({Scope.STATE})) == (
        ALLOWED[Role.ANALYST] | GRANTED[Scope.STATE]
    )
