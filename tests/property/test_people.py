"""Nobody whom a statement names is overlooked: found again by a walk that knows no positions."""

from collections.abc import Iterator

from hypothesis import given

from domain.people import IFIS, canonical_ifi, named
from domain.statements.references import activities
from domain.values.version import Version
from tests.strategies.faults import pointer
from tests.strategies.statements import agents, statements
from tests.strategies.values import Json


def objects(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str, Json]]:
    """Yields every object of a statement and its pointer, but for what extensions hold."""
    if isinstance(value, dict):
        yield pointer(path), value
        for name, inner in value.items():
            if name != "extensions":
                yield from objects(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from objects(inner, (*path, index))


def is_person(value: Json) -> bool:
    """Whether an object is an Agent or a Group, by what it has."""
    return value.get("objectType") in ("Agent", "Group") or any(name in value for name in IFIS)


@given(statement=statements(Version.V2_0_0))
def test_every_agent_and_group_is_named_once(statement: Json) -> None:
    found = named(statement)
    expected = {where: one for where, one in objects(statement) if is_person(one)}
    assert {person.pointer: person.agent for person in found} == expected
    assert len(found) == len(expected)


@given(statement=statements(Version.V2_0_0))
def test_members_follow_their_group_in_the_role_beside_it(statement: Json) -> None:
    group = None
    for person in named(statement):
        if "/member/" in person.pointer:
            assert group is not None
            assert person.pointer.startswith(f"{group.pointer}/member/")
            assert person.role == group.role + 1
            assert person.role.name == f"{group.role.name}_MEMBER"
        else:
            group = person
        inside = statement["object"].get("objectType") == "SubStatement"
        assert person.role.name.startswith("SUB_") == (
            inside and person.pointer.startswith("/object/")
        )
        anonymous = not any(name in person.agent for name in IFIS)
        assert (person.ifi is None) == anonymous


@given(one=agents(), other=agents())
def test_identifiers_are_equal_only_for_the_same_identifier(one: Json, other: Json) -> None:
    def bare(agent: Json) -> object:
        if "mbox" in agent:
            local, _, domain = agent["mbox"].rpartition("@")
            return ("mbox", local, domain.lower())
        if "mbox_sha1sum" in agent:
            return ("sha1", agent["mbox_sha1sum"].lower())
        return {name: agent[name] for name in IFIS if name in agent}

    assert (canonical_ifi(one) == canonical_ifi(other)) == (bare(one) == bare(other))


@given(statement=statements(Version.V2_0_0))
def test_every_activity_is_referenced_once(statement: Json) -> None:
    def is_activity(where: str, value: Json) -> bool:
        if where in ("/object", "/object/object"):
            return bool(value.get("objectType", "Activity") == "Activity")
        return "/contextActivities/" in where and "id" in value and "/definition" not in where

    found = {ref.pointer: ref.activity for ref in activities(statement)}
    assert found == {where: one for where, one in objects(statement) if is_activity(where, one)}
