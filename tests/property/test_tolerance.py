"""A tolerant credential is let through with exactly the listed deviations, and nothing else."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.statements.references import activities
from domain.statements.rules import validate
from domain.statements.tolerance import Tolerated, check
from domain.values.version import Version
from tests.strategies.statements import Broken, broken_statements, statements
from tests.strategies.values import Json, uuids

VERSIONS = list(Version)
ALL = frozenset(Tolerated)


def places(statement: Json) -> Iterator[tuple[str, Json]]:
    """Returns the results of a statement and its SubStatement, made where there are none."""
    yield "", statement.setdefault("result", {})
    if statement["object"].get("objectType") == "SubStatement":
        yield "/object", statement["object"].setdefault("result", {})


@pytest.mark.parametrize("version", VERSIONS)
@given(data=st.data())
def test_a_valid_statement_has_no_deviations(version: Version, data: st.DataObject) -> None:
    assert check(data.draw(statements(version)), version, ALL) == ()


@pytest.mark.parametrize("version", VERSIONS)
@given(data=st.data(), tolerated=st.sets(st.sampled_from(Tolerated)))
def test_exactly_what_is_tolerated_is_let_through(
    version: Version, data: st.DataObject, tolerated: set[Tolerated]
) -> None:
    statement = copy.deepcopy(data.draw(statements(version)))
    expected: set[tuple[str, str]] = set()
    for ref in activities(statement):
        if data.draw(st.booleans()):
            ref.activity["id"] = data.draw(uuids)
            expected.add((f"{ref.pointer}/id", Tolerated.UUID_ACTIVITY))
    for at, result in places(statement):
        if data.draw(st.booleans()):
            bound: Any = data.draw(st.integers(-9, 9) | st.floats(-9, 9))
            raw = data.draw(st.sampled_from([{}, {"raw": bound}]))
            result["score"] = {"min": bound, "max": bound, **raw}
            expected.add((f"{at}/result/score/max", Tolerated.EQUAL_BOUNDS))
    before = copy.deepcopy(statement)
    if {rule for _, rule in expected} <= tolerated:
        found = check(statement, version, tolerated)
        assert {(each.pointer, each.rule) for each in found} == expected
        assert len(found) == len(expected)
    else:
        with pytest.raises(Invalid) as refusal:
            check(statement, version, tolerated)
        assert refusal.value.pointer in {pointer for pointer, _ in expected}
    assert statement == before


@pytest.mark.parametrize("version", VERSIONS)
@given(data=st.data())
def test_any_other_fault_is_refused_as_by_the_strict_rules(
    version: Version, data: st.DataObject
) -> None:
    broken: Broken = data.draw(broken_statements(version))
    with pytest.raises(Invalid) as strict:
        validate(broken.statement, version)
    with pytest.raises(Invalid) as tolerant:
        check(broken.statement, version, ALL)
    assert (tolerant.value.pointer, tolerant.value.rule) == (
        strict.value.pointer,
        strict.value.rule,
    )
