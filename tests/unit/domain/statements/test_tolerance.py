"""What a tolerant credential is let through with, and what not even it."""

from typing import Any

import pytest

from domain.errors import Invalid
from domain.statements.tolerance import Tolerated, check
from domain.values.version import Version

Json = dict[str, Any]

BARE = "0f9a6f86-9dbb-4ab3-8a4e-2f7b3f2a9c11"
ALL = frozenset(Tolerated)
IDS = "uuid-activity-id"
BOUNDS = "equal-score-bounds"


def statement(**more: Any) -> Json:
    return {
        "actor": {"mbox": "mailto:a@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": "https://lms.example.org/item/1"},
        **more,
    }


def scored(**score: Any) -> Json:
    return statement(result={"score": score})


def inside(one: Json) -> Json:
    return statement(object={"objectType": "SubStatement", **one})


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (statement(object={"id": BARE}), [("/object/id", IDS)]),
        (statement(object={"objectType": "Activity", "id": BARE.upper()}), [("/object/id", IDS)]),
        (
            statement(
                context={
                    "contextActivities": {
                        "parent": {"id": BARE},
                        "category": [{"id": "https://a.example"}, {"id": BARE}],
                    }
                }
            ),
            [
                ("/context/contextActivities/parent/id", IDS),
                ("/context/contextActivities/category/1/id", IDS),
            ],
        ),
        (scored(min=1, max=1), [("/result/score/max", BOUNDS)]),
        (scored(min=0, max=0.0, raw=0, scaled=1), [("/result/score/max", BOUNDS)]),
        (
            {**scored(min=2, max=2), "object": {"id": BARE}},
            [("/object/id", IDS), ("/result/score/max", BOUNDS)],
        ),
        (
            inside({**scored(min=2, max=2), "object": {"id": BARE}}),
            [("/object/object/id", IDS), ("/object/result/score/max", BOUNDS)],
        ),
        (statement(), []),
    ],
)
def test_deviations_are_told_and_nothing_is_changed(
    version: Version, sent: Json, expected: list[tuple[str, str]]
) -> None:
    before = repr(sent)
    found = check(sent, version, ALL)
    assert sorted((each.pointer, each.rule) for each in found) == sorted(expected)
    assert repr(sent) == before
    if expected:
        with pytest.raises(Invalid):
            check(sent, version)


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        (statement(verb={"id": BARE}), "/verb/id"),
        (statement(object={"id": BARE[:-1]}), "/object/id"),
        (statement(object={"id": f"{{{BARE}}}"}), "/object/id"),
        (statement(object={"id": BARE, "definition": {"type": BARE}}), "/object/definition/type"),
        (statement(object={"id": BARE, "name": "x"}), "/object/name"),
        (statement(object={"objectType": "activity", "id": BARE}), "/object/objectType"),
        (scored(min=1, max=1, raw=2), "/result/score/max"),
        (scored(min=1, max=1, raw=0), "/result/score/max"),
        (scored(min=2, max=1), "/result/score/max"),
        (scored(min=1, max=1, raw=True), "/result/score/raw"),
        (scored(min=True, max=1), "/result/score/min"),
        (scored(min=1, max=1, scaled=2), "/result/score/scaled"),
        ({**scored(min=1, max=1), "actor": {}}, "/actor"),
    ],
)
def test_everything_else_is_refused_where_it_is_wrong(sent: Json, pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check(sent, Version.V2_0_0, ALL)
    assert refusal.value.pointer == pointer


def test_one_deviation_does_not_open_the_other() -> None:
    with pytest.raises(Invalid):
        check(statement(object={"id": BARE}), Version.V2_0_0, {Tolerated.EQUAL_BOUNDS})
    with pytest.raises(Invalid):
        check(scored(min=1, max=1), Version.V2_0_0, {Tolerated.UUID_ACTIVITY})


@pytest.mark.parametrize("sent", [None, [], "x", {}, {"object": None}, {"object": {}}])
def test_what_is_no_statement_is_refused(sent: object) -> None:
    with pytest.raises(Invalid):
        check(sent, Version.V2_0_0, ALL)
