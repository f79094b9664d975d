"""From a statement to a fact: which course, which competency, how well, how far, how long.

Pure: ids come from `identify`, and rules from `Rules`. The definitions are those of
`docs/learning.md`. What the statement says in words stays behind.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.learning.facts import Fact, Verb
from domain.statements.references import is_voiding
from domain.values import duration, score, timestamp
from projections import vocabulary as words

Json = dict[str, Any]
Identify = Callable[[str, str], UUID]
"""(kind, value) to an opaque id within the institution at hand."""

ACTIVITY = "activity"
UNASSIGNED = ("course", "unassigned")
"""Kind and value of the course of statements that name none: they are kept, never dropped."""

_SEGMENT = re.compile(r"^\s*([0-9.]+)\s*\[\.\]\s*([0-9.]+)\s*$")
_MOST_SEGMENTS = 500


@dataclass(frozen=True)
class Rules:
    """What an institution configures."""

    pass_score: float = 0.5
    """Scaled score from which an answer counts as passed where nothing else says so."""
    course_prefixes: tuple[str, ...] = ()
    """IRIs under which activities belong to the course of that IRI; the longest wins."""
    alignments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Activity IRI to competency IRIs; wins over what statements say."""


def facts(
    statement: Json,
    identify: Identify,
    *,
    institution: UUID,
    learner: UUID,
    position: int,
    at: datetime,
    rules: Rules,
) -> Fact | None:
    """Returns what a valid statement says about `learner`; None where it says nothing.

    `at` is when it was stored, for statements without a timestamp. Voiding statements and those of
    groups say nothing about one learner.
    """
    if is_voiding(statement) or statement["actor"].get("objectType") == "Group":
        return None
    target = statement["object"]
    if target.get("objectType", "Activity") != "Activity":
        target = {}
    definition: Json = target.get("definition") or {}
    context: Json = statement.get("context") or {}
    around = _around(context)
    result: Json = statement.get("result") or {}
    verb = _verb(statement["verb"]["id"], definition)
    scaled = _scaled(result)
    cut = _number((context.get("extensions") or {}).get(words.MASTERY_SCORE))
    cut = rules.pass_score if cut is None else cut
    passed = _passed(statement["verb"]["id"], verb, result, scaled, cut)
    extensions: Json = {**(context.get("extensions") or {}), **(result.get("extensions") or {})}
    announced = _announced(definition)
    completion = result.get("completion")
    if completion is None and verb is Verb.COMPLETED:
        completion = True
    return Fact(
        position=position,
        institution=institution,
        learner=learner,
        statement=UUID(statement["id"]),
        course=_course(target, around, identify, rules),
        activity=identify(ACTIVITY, target["id"]) if target else None,
        verb=verb,
        at=timestamp.parse(statement["timestamp"]) if "timestamp" in statement else at,
        registration=UUID(context["registration"]) if "registration" in context else None,
        competencies=_competencies(target, around, identify, rules),
        credit=_credit(passed, result, scaled),
        score=None if scaled is None else _share(scaled),
        passed=passed,
        completion=completion,
        progress=_progress(extensions),
        seconds=duration.seconds(result["duration"]) if "duration" in result else None,
        length=_number(extensions.get(words.LENGTH)),
        segments=_segments(extensions.get(words.SEGMENTS)),
        weight=_number(announced.get("weight")),
        due=_moment(announced.get("due")),
    )


def _around(context: Json) -> dict[str, list[Json]]:
    """Returns the context's activities by their relation, each a list (1.0.3 Data 2.4.6.2)."""
    given = context.get("contextActivities") or {}
    return {
        relation: value if isinstance(value, list) else [value] for relation, value in given.items()
    }


def _type(activity: Json) -> str | None:
    return (activity.get("definition") or {}).get("type")


def _verb(iri: str, definition: Json) -> Verb:
    if iri == words.ATTEMPTED:
        question = definition.get("type") in words.QUESTION_TYPES
        return Verb.EVIDENCED if question else Verb.ENGAGED
    return words.VERBS.get(iri, Verb.OTHER)


def _course(target: Json, around: dict[str, list[Json]], identify: Identify, rules: Rules) -> UUID:
    for relation in ("parent", "grouping"):
        for activity in around.get(relation, ()):
            if _type(activity) in words.COURSE_TYPES:
                return identify(ACTIVITY, activity["id"])
    if target and _type(target) in words.COURSE_TYPES:
        return identify(ACTIVITY, target["id"])
    near = [*around.get("parent", ()), *around.get("grouping", ()), *([target] if target else ())]
    prefixes = [p for p in rules.course_prefixes if any(a["id"].startswith(p) for a in near)]
    return identify(ACTIVITY, max(prefixes, key=len)) if prefixes else identify(*UNASSIGNED)


def _competencies(
    target: Json, around: dict[str, list[Json]], identify: Identify, rules: Rules
) -> tuple[UUID, ...]:
    """Returns the competencies in order of id, each once."""
    iris = rules.alignments.get(target.get("id", "")) or {
        activity["id"]
        for relation in ("grouping", "other")
        for activity in around.get(relation, ())
        if _type(activity) in words.COMPETENCY_TYPES
    }
    return tuple(sorted(identify(ACTIVITY, iri) for iri in iris))


def _scaled(result: Json) -> float | None:
    return score.scaled(result["score"]) if result.get("score") else None


def _passed(iri: str, verb: Verb, result: Json, scaled: float | None, cut: float) -> bool | None:
    """Returns how the learner did, if the statement is evidence at all: success, else the score."""
    if verb not in (Verb.EVIDENCED, Verb.COMPLETED):
        return None
    if "success" in result:
        return bool(result["success"])
    if scaled is not None:
        return scaled >= cut
    if iri in words.PASSED or iri in words.FAILED:
        return iri in words.PASSED
    return None


def _credit(passed: bool | None, result: Json, scaled: float | None) -> float | None:
    """Returns 1 or 0 where the statement judges itself, else the score as partial credit."""
    if passed is None:
        return None
    return float(passed) if "success" in result or scaled is None else _share(scaled)


def _progress(extensions: Json) -> float | None:
    percent = _number(extensions.get(words.PROGRESS_PERCENT))
    if percent is not None:
        return _share(percent / 100)
    share = _number(extensions.get(words.PROGRESS_SHARE))
    return None if share is None else _share(share)


def _segments(text: object) -> tuple[float, ...]:
    """Returns the closed segments of `a[.]b[,]c[.]d`; one that is still open says no end."""
    if not isinstance(text, str):
        return ()
    found: list[float] = []
    for part in text.split("[,]")[:_MOST_SEGMENTS]:
        match = _SEGMENT.match(part)
        if match is None:
            continue
        try:
            start, end = float(match[1]), float(match[2])
        except ValueError:
            continue
        if start < end:
            found += (start, end)
    return tuple(found)


def _announced(definition: Json) -> dict[str, Any]:
    """Returns `due` and `weight` of a definition: extensions whose IRI ends in that word.

    No profile standardises them; the end of the IRI is what the converters we met agree on.
    """
    extensions: Json = definition.get("extensions") or {}
    return {iri.rstrip("/").rsplit("/", 1)[-1]: value for iri, value in extensions.items()}


def _number(value: object) -> float | None:
    """Returns a finite, non-negative number of a sane size, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value < 1e9 else None


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return timestamp.parse(value)
    except (ValueError, OverflowError):
        return None


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))
