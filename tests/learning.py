"""Facts made for tests: plain values, so that a test says only what it is about."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

from domain.learning.facts import Fact, Verb

START = datetime(2026, 9, 1, 8, tzinfo=UTC)


def ident(name: str) -> UUID:
    """Returns the same id for the same name, always."""
    return UUID(bytes=blake2b(name.encode(), digest_size=16).digest())


def identify(kind: str, value: str) -> UUID:
    """Stands where the keyed hash of an institution stands."""
    return ident(f"{kind}:{value}")


INSTITUTION = ident("institution")


def fact(position: int = 1, learner: str = "amina", **given: Any) -> Fact:
    """Returns a fact; `course`, `activity`, `competency` by name, `minute` after the start."""
    minute = given.pop("minute", position)
    competency = given.pop("competency", None)
    values = {
        "course": ident(given.pop("course", "course")),
        "activity": ident(given.pop("activity", "activity")),
        "statement": ident(f"statement {position}"),
        "verb": Verb.ENGAGED,
        "at": START + timedelta(minutes=minute),
        "competencies": (ident(competency),) if competency else (),
        **given,
    }
    return Fact(position=position, institution=INSTITUTION, learner=ident(learner), **values)
