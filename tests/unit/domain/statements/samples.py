"""Statements for examples: a plain one and a full one, both made anew at each call; and changes."""

from typing import Any

Json = dict[str, Any]

UUID = "7c2d2b5e-6f0a-4a63-9d0a-1b6c1f7a9a01"
OTHER = "7c2d2b5e-6f0a-4a63-9d0a-1b6c1f7a9a02"
VOIDED = {"id": "http://adlnet.gov/expapi/verbs/voided"}
REFERENCE = {"objectType": "StatementRef", "id": OTHER}


def agent(name: str = "ann") -> Json:
    """Returns an Agent with a mail address."""
    return {"objectType": "Agent", "mbox": f"mailto:{name}@example.org"}


def group(*names: str) -> Json:
    """Returns an anonymous Group of Agents."""
    return {"objectType": "Group", "member": [agent(name) for name in names]}


def activity(name: str = "1") -> Json:
    """Returns an Activity without a definition."""
    return {"objectType": "Activity", "id": f"https://example.org/activity/{name}"}


def attachment() -> Json:
    """Returns the description of an attachment."""
    return {
        "usageType": "https://example.org/usage/essay",
        "display": {"en": "Essay"},
        "contentType": "text/plain; charset=utf-8",
        "length": 27,
        "sha2": "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a",
    }


def plain() -> Json:
    """Returns the smallest statement."""
    return {
        "actor": {"mbox": "mailto:ann@example.org"},
        "verb": {"id": "https://example.org/verb/read"},
        "object": {"id": "https://example.org/activity/1"},
    }


def full() -> Json:
    """Returns a statement that is valid in both versions and has every property of both."""
    return {
        "id": UUID,
        "actor": {**group("ann", "ben"), "name": "Pair"},
        "verb": {"id": "https://example.org/verb/answered", "display": {"en-US": "answered"}},
        "object": {
            **activity(),
            "definition": {
                "name": {"en": "Question"},
                "description": {"en": "A question", "fr": "Une question"},
                "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
                "moreInfo": "https://example.org/more",
                "interactionType": "choice",
                "correctResponsesPattern": ["a[,]b"],
                "choices": [{"id": "a", "description": {"en": "A"}}, {"id": "b"}],
                "extensions": {"https://example.org/x": None},
            },
        },
        "result": {
            "score": {"scaled": 0.5, "raw": 5, "min": 0, "max": 10},
            "success": True,
            "completion": False,
            "response": "a[,]b",
            "duration": "PT4H35M59.14S",
            "extensions": {"https://example.org/x": {"a": [1, None]}},
        },
        "context": {
            "registration": OTHER,
            "instructor": agent("cai"),
            "team": group("dee"),
            "contextActivities": {
                "parent": activity("2"),
                "grouping": [activity("3"), activity("4")],
                "category": [],
                "other": [activity("5")],
            },
            "revision": "2",
            "platform": "LMS",
            "language": "en-GB",
            "statement": dict(REFERENCE),
            "extensions": {"https://example.org/x": ""},
        },
        "timestamp": "2024-09-02T08:00:00.123Z",
        "stored": "2024-09-02T08:00:01Z",
        "authority": {"account": {"homePage": "https://example.org", "name": "tool"}},
        "version": "1.0.0",
        "attachments": [attachment()],
    }


def nested() -> Json:
    """Returns a statement whose object is a SubStatement with everything it may have."""
    inner = full()
    for name in ("id", "stored", "authority", "version"):
        del inner[name]
    return {**plain(), "object": {"objectType": "SubStatement", **inner}}


class Absent:
    """Put in place of a value: take the property away."""


def changed(statement: Json, pointer: str, value: object) -> Json:
    """Returns `statement`, altered: the value at a JSON pointer put, or taken away if `Absent`."""
    *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    holder: Any = statement
    for step in steps:
        holder = holder[int(step)] if isinstance(holder, list) else holder.setdefault(step, {})
    if isinstance(holder, list):
        holder[int(last)] = value
    elif value is Absent:
        del holder[last]
    else:
        holder[last] = value
    return statement
