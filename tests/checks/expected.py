"""What the views must say, computed straight from files of statements.

    python -m tests.checks.expected FILE...

Imports nothing of the product, on purpose: a mistake made twice must be made by two. Reads xAPI as
these files use it (Agents as actors, Activities as objects, timestamps in UTC). Definitions:

- Course: the first parent, then grouping, whose type is a course; else the object, if it is one.
- Learner of a course: whoever has a statement in it. Active day: a UTC day with a statement that is
  not about being registered or withdrawn.
- Best score of a learner in an activity: the greatest `score.scaled`, 1 or 0 by `success` without
  a score, of statements that judge (answered, scored, passed, failed).
- Completion of an activity (or course) by a learner: the latest statement about it that says either
  way says yes; to say `completed` without a result is to say yes.
"""

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

COURSE = "http://adlnet.gov/expapi/activities/course"
VERBS = {
    "registered": "enrolment",
    "unregistered": "enrolment",
    "answered": "judged",
    "scored": "judged",
    "passed": "judged",
    "failed": "judged",
    "completed": "completed",
}

Learner = tuple[str, str]
"""homePage and name of the account, or "mbox" and the address."""


@dataclass
class Course:
    """What the statements of one course add up to."""

    statements: int = 0
    learners: set[Learner] = field(default_factory=set)
    days: dict[Learner, set[date]] = field(default_factory=lambda: defaultdict(set))
    best: dict[tuple[Learner, str], float] = field(default_factory=dict)
    said: dict[tuple[Learner, str], tuple[datetime, bool]] = field(default_factory=dict)
    enrolled: dict[Learner, tuple[datetime, bool]] = field(default_factory=dict)

    @property
    def completions(self) -> set[tuple[Learner, str]]:
        """Who completed which activity, the course itself among them."""
        return {who for who, (_, yes) in self.said.items() if yes}

    @property
    def withdrawn(self) -> set[Learner]:
        """Who was unregistered, and not registered again since."""
        return {who for who, (_, is_in) in self.enrolled.items() if not is_in}

    @property
    def active_days(self) -> int:
        """Days, summed over learners."""
        return sum(len(days) for days in self.days.values())


def read(paths: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yields the statements of files of JSON lines, gzipped or not."""
    for path in paths:
        with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as lines:  # noqa: PTH123
            for line in lines:
                if line.strip():
                    yield json.loads(line)


def expected(statements: Iterable[dict[str, Any]]) -> dict[str, Course]:
    """Returns the courses by IRI; statements of no course are under ""."""
    courses: dict[str, Course] = defaultdict(Course)
    for statement in statements:
        _count(courses[_course(statement)], statement)
    return dict(courses)


def _course(statement: dict[str, Any]) -> str:
    around = statement.get("context", {}).get("contextActivities", {})
    for activity in (*around.get("parent", ()), *around.get("grouping", ()), statement["object"]):
        if activity.get("definition", {}).get("type") == COURSE:
            return str(activity["id"])
    return ""


def _learner(statement: dict[str, Any]) -> Learner:
    actor = statement["actor"]
    if "account" in actor:
        return actor["account"]["homePage"], actor["account"]["name"]
    return "mbox", actor["mbox"]


def _count(course: Course, statement: dict[str, Any]) -> None:
    learner, activity = _learner(statement), statement["object"]["id"]
    kind = VERBS.get(statement["verb"]["id"].rsplit("/", 1)[1])
    result = statement.get("result", {})
    at = datetime.fromisoformat(statement["timestamp"])
    course.statements += 1
    course.learners.add(learner)
    if kind == "enrolment":
        is_in = statement["verb"]["id"].endswith("/registered")
        course.enrolled[learner] = max(course.enrolled.get(learner, (at, is_in)), (at, is_in))
    else:
        course.days[learner].add(at.date())
    if kind in ("judged", "completed") and (value := _value(result)) is not None:
        known = course.best.get((learner, activity), value)
        course.best[learner, activity] = max(known, value)
    yes = result.get("completion", True if kind == "completed" else None)
    if yes is not None:
        known_said = course.said.get((learner, activity), (at, yes))
        course.said[learner, activity] = max(known_said, (at, yes))


def _value(result: dict[str, Any]) -> float | None:
    if "scaled" in result.get("score", {}):
        return float(result["score"]["scaled"])
    return float(result["success"]) if "success" in result else None


def main(paths: list[str]) -> None:
    """Prints the numbers of each course."""
    for iri, course in sorted(expected(read(paths)).items()):
        print(iri or "(no course)")
        numbers = {
            "statements": course.statements,
            "learners": len(course.learners),
            "withdrawn": len(course.withdrawn),
            "active days of learners": course.active_days,
            "activities completed by learners": len(course.completions),
            "activities with a best score": len(course.best),
        }
        for name, number in numbers.items():
            print(f"  {number:>8,} {name}")


if __name__ == "__main__":
    main(sys.argv[1:])
