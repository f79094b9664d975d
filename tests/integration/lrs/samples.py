"""Statements for these tests: small, and different in just what a test is about."""

from typing import Any
from uuid import uuid4

Json = dict[str, Any]

COURSE = "https://lms.example.org/course/1"


def agent(name: str) -> Json:
    """An agent known by an account."""
    return {
        "objectType": "Agent",
        "account": {"homePage": "https://lms.example.org", "name": name},
        "name": f"Name of {name}",
    }


def statement(actor: str = "ada", verb: str = "answered", item: str = "1", **more: Any) -> Json:
    """A statement with an id of its own."""
    return {
        "id": str(uuid4()),
        "actor": agent(actor),
        "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}"},
        "object": {"id": f"https://lms.example.org/item/{item}"},
        "timestamp": "2026-02-03T04:05:06Z",
        **more,
    }


def voiding(target: str, actor: str = "ada") -> Json:
    """A statement that voids `target`."""
    return statement(actor, "voided", object={"objectType": "StatementRef", "id": target})
