"""What real tools send wrong and a credential may be let through with; everything else is strict.

A tolerated deviation is put right in a copy, which then has to follow every rule; the statement
itself is stored as it was sent. Pure; whose credential tolerates what is `domain.credentials`.
"""

import re
from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Any

from domain.errors import Invalid
from domain.statements.events import Deviation
from domain.statements.rules import validate
from domain.values import identifiers
from domain.values.version import Version

Json = dict[str, Any]

_CONTEXT = ("parent", "grouping", "category", "other")


class Tolerated(StrEnum):
    """A deviation by the name that settings, records and answers give it; never changed."""

    UUID_ACTIVITY = "uuid-activity-id"
    """A bare UUID as the id of an Activity (Open edX, Moodle)."""
    EQUAL_BOUNDS = "equal-score-bounds"
    """score.max equal to score.min; where there is a raw score, equal to both."""


def check(
    statement: object, version: Version, tolerated: Collection[Tolerated] = ()
) -> tuple[Deviation, ...]:
    """Returns the deviations by which a statement is acceptable; none where it is valid.

    Raises `Invalid` for the first thing in it that is wrong and not tolerated.
    """
    try:
        validate(statement, version)
    except Invalid:
        if not tolerated or not isinstance(statement, dict):
            raise
        righted, deviations = _righted(statement, tolerated)
        if not deviations:
            raise
        validate(righted, version)
        return tuple(deviations)
    return ()


def _righted(statement: Json, tolerated: Collection[Tolerated]) -> tuple[Json, list[Deviation]]:
    """Returns the statement with tolerated deviations put right, and these; copies what differs."""
    deviations: list[Deviation] = []
    righted = dict(statement)
    for told, at in _tellings(righted):
        if Tolerated.UUID_ACTIVITY in tolerated:
            _name_activities(told, at, deviations)
        if Tolerated.EQUAL_BOUNDS in tolerated:
            _open_bounds(told, at, deviations)
    return righted, deviations


def _tellings(statement: Json) -> Iterator[tuple[Json, str]]:
    """Returns the statement, then a copy of its SubStatement in its place; with JSON pointers."""
    yield statement, ""
    target = statement.get("object")
    if isinstance(target, dict) and target.get("objectType") == "SubStatement":
        statement["object"] = dict(target)
        yield statement["object"], "/object"


def _name_activities(told: Json, at: str, deviations: list[Deviation]) -> None:
    def name(holder: Any, key: Any, pointer: str) -> None:
        activity = holder[key]
        if not isinstance(activity, dict) or activity.get("objectType", "Activity") != "Activity":
            return
        found = activity.get("id")
        if isinstance(found, str) and re.fullmatch(identifiers.UUID, found):
            holder[key] = {**activity, "id": f"urn:uuid:{found}"}
            deviation = Deviation(pointer=f"{pointer}/id", rule=Tolerated.UUID_ACTIVITY.value)
            deviations.append(deviation)

    if "object" in told:
        name(told, "object", f"{at}/object")
    grouped = _copied(told, "context", "contextActivities")
    if grouped is None:
        return
    for kind in _CONTEXT:
        pointer = f"{at}/context/contextActivities/{kind}"
        if isinstance(grouped.get(kind), list):
            several = grouped[kind] = list(grouped[kind])
            for number in range(len(several)):
                name(several, number, f"{pointer}/{number}")
        elif kind in grouped:
            name(grouped, kind, pointer)


def _open_bounds(told: Json, at: str, deviations: list[Deviation]) -> None:
    score = _copied(told, "result", "score")
    if score is None:
        return
    low, high = score.get("min"), score.get("max")
    if _is_number(low) and _is_number(high) and low == high and score.get("raw", low) == low:
        del score["min"], score["max"]
        pointer = f"{at}/result/score/max"
        deviations.append(Deviation(pointer=pointer, rule=Tolerated.EQUAL_BOUNDS.value))


def _copied(told: Json, outer: str, inner: str) -> Json | None:
    """Returns a copy of an object in an object, put in place of it; None where there is none."""
    holder = told.get(outer)
    found = holder.get(inner) if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or not isinstance(found, dict):
        return None
    copy = dict(found)
    told[outer] = {**holder, inner: copy}
    return copy


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
