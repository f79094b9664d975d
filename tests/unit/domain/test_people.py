"""Who a statement names, and by which identifier."""

import pytest

from domain.people import DIRECT_ROLES, Role, canonical_ifi, named
from tests.unit.domain.statements.samples import agent, full, group, nested, plain

DIGEST = "EBD31E95054C018B10727CCFFD2EF2EC3A016EE9"


def test_everyone_in_order() -> None:
    found = [(person.pointer, person.role.name, person.ifi) for person in named(full())]
    assert found == [
        ("/actor", "ACTOR", None),
        ("/actor/member/0", "ACTOR_MEMBER", "mbox:mailto:ann@example.org"),
        ("/actor/member/1", "ACTOR_MEMBER", "mbox:mailto:ben@example.org"),
        ("/context/instructor", "INSTRUCTOR", "mbox:mailto:cai@example.org"),
        ("/context/team", "TEAM", None),
        ("/context/team/member/0", "TEAM_MEMBER", "mbox:mailto:dee@example.org"),
        ("/authority", "AUTHORITY", "account:19:https://example.orgtool"),
    ]


def test_everyone_in_a_substatement() -> None:
    roles = {person.pointer: person.role for person in named(nested())}
    assert roles["/object/actor/member/1"] is Role.SUB_ACTOR_MEMBER
    assert roles["/object/context/team"] is Role.SUB_TEAM
    assert len(roles) == 1 + 6


def test_people_as_objects_and_in_the_contexts_of_2_0_0() -> None:
    statement = {
        **plain(),
        "object": group("eve"),
        "context": {
            "contextAgents": [{"objectType": "contextAgent", "agent": agent("fay")}],
            "contextGroups": [{"objectType": "contextGroup", "group": group("gus")}],
        },
    }
    found = [(person.pointer, person.role) for person in named(statement)]
    assert found[1:] == [
        ("/object", Role.OBJECT),
        ("/object/member/0", Role.OBJECT_MEMBER),
        ("/context/contextAgents/0/agent", Role.CONTEXT_AGENT),
        ("/context/contextGroups/0/group", Role.CONTEXT_GROUP),
        ("/context/contextGroups/0/group/member/0", Role.CONTEXT_GROUP_MEMBER),
    ]


def test_the_agent_is_the_very_object() -> None:
    statement = full()
    assert named(statement)[1].agent is statement["actor"]["member"][0]


def test_numbers_of_roles_never_change() -> None:
    outer = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14]
    inner = [101, 102, 103, 104, 107, 108, 109, 110, 111, 113, 114]
    assert [role.value for role in Role] == outer + inner
    assert {role.value for role in DIRECT_ROLES} == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"mbox": "mailto:a@Example.ORG"}, {"mbox": "mailto:a@example.org"}, True),
        ({"mbox": "mailto:A@example.org"}, {"mbox": "mailto:a@example.org"}, False),
        ({"mbox_sha1sum": DIGEST}, {"mbox_sha1sum": DIGEST.lower()}, True),
        ({"openid": "https://a.b/"}, {"openid": "https://a.b"}, False),
        ({"openid": "https://a.b"}, {"account": {"homePage": "https://a.b", "name": ""}}, False),
        (
            {"account": {"homePage": "https://a.b", "name": "/c"}},
            {"account": {"homePage": "https://a.b/", "name": "c"}},
            False,
        ),
        ({"mbox": "mailto:a@b.c", "name": "A"}, {"mbox": "mailto:a@b.c", "name": "B"}, True),
    ],
)
def test_identifiers(one: dict[str, object], other: dict[str, object], equal: bool) -> None:
    assert (canonical_ifi(one) == canonical_ifi(other)) is equal


def test_an_anonymous_group_has_no_identifier() -> None:
    assert canonical_ifi(group("a")) is None
