"""Decision by decision: which changes leave a statement what it was."""

from typing import Any

import pytest

from domain.statements.equality import canonical, same
from tests.unit.domain.statements.samples import (
    OTHER,
    Absent,
    activity,
    agent,
    changed,
    full,
    group,
    nested,
)

SAME: list[tuple[str, Any]] = [
    ("/id", OTHER),
    ("/stored", Absent),
    ("/authority", agent("another")),
    ("/version", "1.0.3"),
    ("/timestamp", "2025-01-01T00:00:00Z"),
    ("/timestamp", Absent),
    ("/attachments", Absent),
    ("/actor/member", [agent("ben"), agent("ann")]),
    ("/actor/member/0/mbox", "mailto:ann@EXAMPLE.org"),
    ("/verb/display", {"fr": "a répondu"}),
    ("/object/definition", Absent),
    ("/context/contextActivities/parent", [activity("2")]),
    ("/context/contextActivities/grouping/0/definition", {"name": {"en": "x"}}),
    ("/context/registration", OTHER.upper()),
    ("/context/language", "EN-gb"),
    ("/context/statement/id", OTHER.upper()),
    ("/result/duration", "PT4H35M59.149S"),
    ("/result/score/raw", 5.0),
]
DIFFERENT: list[tuple[str, Any]] = [
    ("/actor/member", [agent("ann")]),
    ("/actor/member/0/mbox", "mailto:Ann@example.org"),
    ("/actor/member/0/objectType", Absent),
    ("/actor/name", "pair"),
    ("/verb/id", "https://example.org/verb/Answered"),
    ("/object/id", "https://example.org/activity/01"),
    ("/object/objectType", Absent),
    ("/context/contextActivities/grouping", [activity("4"), activity("3")]),
    ("/context/contextActivities/category", Absent),
    ("/context/team", group("ann", "dee")),
    ("/context/platform", "lms"),
    ("/context/extensions", {"https://example.org/x": None}),
    ("/result/duration", "PT4H35M59.15S"),
    ("/result/duration", "PT16559.14S"),
    ("/result/success", False),
    ("/result/score/raw", 5.5),
]


def cases(changes: list[tuple[str, Any]]) -> list[tuple[bool, str, Any]]:
    """Returns the changes to a Statement, and those that can be made to a SubStatement."""
    assigned = ("/id", "/stored", "/authority", "/version", "/timestamp")
    inner = [change for change in changes if change[0] not in assigned]
    return [(False, *change) for change in changes] + [(True, *change) for change in inner]


@pytest.mark.parametrize(("inside", "at", "value"), cases(SAME))
def test_the_same(inside: bool, at: str, value: object) -> None:
    one, other = (nested(), nested()) if inside else (full(), full())
    changed(other, f"/object{at}" if inside else at, value)
    assert canonical(one) == canonical(other)
    assert same(one, other)


@pytest.mark.parametrize(("inside", "at", "value"), cases(DIFFERENT))
def test_another(inside: bool, at: str, value: object) -> None:
    one, other = (nested(), nested()) if inside else (full(), full())
    changed(other, f"/object{at}" if inside else at, value)
    assert canonical(one) != canonical(other)
    assert not same(one, other)


def test_nobody_assigns_the_timestamp_of_a_substatement() -> None:
    for value, equal in [
        ("2024-09-02T10:00:00.1234+02:00", True),
        ("2024-09-02T08:00:00.124Z", False),
        (Absent, False),
    ]:
        other = changed(nested(), "/object/timestamp", value)
        assert same(nested(), other) is equal
