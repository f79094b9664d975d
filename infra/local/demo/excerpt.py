"""Makes the demo course from a conversion of one OULAD course run to xAPI.

    python -m infra.local.demo.excerpt CONVERTED.jsonl.gz OUT.jsonl.gz

Kept for reproducing the shipped file: the same input gives the same bytes. ATTRIBUTION.md beside
it says what is changed.
"""

import gzip
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

LEARNERS = 200
COURSE_NAME = "A STEM course, autumn 2013 (OULAD DDD 2013J)"

# An instance that has the demo may import the whole run beside it: they must not mix.
ELSEWHERE = {
    b"https://lms.example.org/course/28ac6d6bded7/57d3abd7be87": (
        b"https://demo.example.org/course/ddd-2013j"
    ),
    b'"homePage":"https://lms.example.org"': b'"homePage":"https://demo.example.org"',
}

# OULAD names the kinds of its pages only by the short names of the learning platform's modules.
RESOURCES = {
    "homepage": "Course home page",
    "forumng": "Forum",
    "subpage": "Course pages",
    "oucontent": "Course texts",
    "resource": "Files",
    "url": "Links",
    "ouwiki": "Wiki",
    "externalquiz": "Quizzes",
    "oucollaborate": "Online tutorials",
    "glossary": "Glossary",
}
DUE = "https://lms.example.org/ext/due"
WEIGHT = "https://lms.example.org/ext/weight"
EXAM_WEIGHT = 100.0

Json = dict[str, Any]


def learner(statement: Json) -> str:
    """Returns the account name of the statement's actor, a hash already in the conversion."""
    name: str = statement["actor"]["account"]["name"]
    return name


def chosen(statements: list[Json]) -> set[str]:
    """Returns LEARNERS of those who registered: those whose hashed names come first.

    As good as drawn at random, and the same on every machine.
    """
    registered = {learner(s) for s in statements if s["verb"]["display"]["en"] == "registered"}
    return set(sorted(registered, key=lambda name: sha256(name.encode()).digest())[:LEARNERS])


def assessment_names(statements: list[Json]) -> dict[str, str]:
    """Returns the name of each assessment by its IRI: numbered by due date, the exam by weight."""
    found = {
        s["object"]["id"]: s["object"]["definition"]["extensions"]
        for s in statements
        if "/assessment/" in s["object"]["id"]
    }
    exams = {iri for iri, extensions in found.items() if extensions[WEIGHT] == EXAM_WEIGHT}
    marked = sorted(found.keys() - exams, key=lambda iri: str(found[iri][DUE]))
    names = {iri: f"Tutor-marked assessment {n}" for n, iri in enumerate(marked, 1)}
    return names | dict.fromkeys(exams, "Final exam")


def named(activity: Json, assessments: dict[str, str]) -> Json:
    """Returns the activity with a name to read."""
    iri: str = activity["id"]
    last = iri.rsplit("/", 1)[1]
    name = assessments.get(iri) or RESOURCES.get(last) or COURSE_NAME
    return {**activity, "definition": {**activity["definition"], "name": {"en": name}}}


def changed(statement: Json, assessments: dict[str, str]) -> Json:
    """Returns the statement without its id, with names on its activities."""
    statement = {name: value for name, value in statement.items() if name != "id"}
    statement["object"] = named(statement["object"], assessments)
    context = statement["context"]
    activities = {
        kind: [named(activity, assessments) for activity in listed]
        for kind, listed in context["contextActivities"].items()
    }
    statement["context"] = {**context, "contextActivities": activities}
    return statement


def main(source: Path, target: Path) -> None:
    """Writes the excerpt, in the order of the source: by time."""
    with gzip.open(source) as lines:
        statements: list[Json] = [orjson.loads(line) for line in lines]
    learners = chosen(statements)
    assessments = assessment_names(statements)
    kept = [changed(s, assessments) for s in statements if learner(s) in learners]
    content = b"".join(orjson.dumps(statement) + b"\n" for statement in kept)
    for here, there in ELSEWHERE.items():
        content = content.replace(here, there)
    # No time stamp in the header: the same statements are the same bytes.
    target.write_bytes(gzip.compress(content, 9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
