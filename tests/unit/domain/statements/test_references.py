"""What a statement points at, and what it voids."""

from uuid import UUID as Uuid

from domain.statements.references import (
    ActivityRole,
    activities,
    context_statement,
    is_voiding,
    registration,
    target,
)
from domain.statements.voiding import can_be_voided, voids
from tests.unit.domain.statements.samples import (
    OTHER,
    REFERENCE,
    VOIDED,
    agent,
    full,
    nested,
    plain,
)


def test_activities_of_object_and_context() -> None:
    found = [(ref.pointer, ref.role) for ref in activities(full())]
    assert found == [
        ("/object", ActivityRole.OBJECT),
        ("/context/contextActivities/parent", ActivityRole.PARENT),
        ("/context/contextActivities/grouping/0", ActivityRole.GROUPING),
        ("/context/contextActivities/grouping/1", ActivityRole.GROUPING),
        ("/context/contextActivities/other/0", ActivityRole.OTHER),
    ]


def test_activities_of_a_substatement_have_roles_of_their_own() -> None:
    roles = {ref.pointer: ref.role for ref in activities(nested())}
    assert roles["/object/object"] is ActivityRole.SUB_OBJECT
    assert roles["/object/context/contextActivities/parent"] is ActivityRole.SUB_PARENT
    assert len(roles) == 5


def test_other_objects_are_no_activities() -> None:
    assert activities({**plain(), "object": agent()}) == []
    assert activities({**plain(), "object": REFERENCE}) == []


def test_numbers_of_roles_never_change() -> None:
    assert [role.value for role in ActivityRole] == [1, 2, 3, 4, 5, 101, 102, 103, 104, 105]


def test_registration_and_references() -> None:
    assert registration(full()) == Uuid(OTHER)
    assert context_statement(full()) == Uuid(OTHER)
    assert target({**plain(), "object": REFERENCE}) == Uuid(OTHER)
    assert registration(plain()) is context_statement(plain()) is target(plain()) is None
    assert registration(nested()) is None, "a SubStatement's is not the Statement's"


def test_voiding() -> None:
    void = {"actor": agent(), "verb": VOIDED, "object": REFERENCE}
    assert is_voiding(void)
    assert voids(void) == Uuid(OTHER)
    assert not can_be_voided(void)
    comment = {**plain(), "object": REFERENCE}
    assert voids(comment) is None
    assert can_be_voided(comment)
