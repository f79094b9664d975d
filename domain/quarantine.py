"""What is true of a refused request: why, where its faults are, and whose identifiers it holds.

What is refused is no part of the record, so nothing here is an event; it is kept for a while and
dropped by `lrs/quarantine.py`.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.errors import Conflict, Erased, Error, Invalid, TooLarge
from domain.people import canonical_ifi
from domain.values import identifiers as forms
from domain.values.version import Version

LONGEST = 1000
"""Characters of a pointer or detail that are kept."""

_MBOX = re.compile(r"\s*(?:mailto:)?([^@\s]+@[^@\s]+)\s*", re.IGNORECASE)
_SHA1 = re.compile(forms.SHA1)
_NUMBER = re.compile(r"/(0|[1-9][0-9]*)(/.*)?", re.DOTALL)


class Reason(StrEnum):
    """The kind of a refusal."""

    INVALID = "invalid"
    CONFLICT = "conflict"
    ERASED = "erased"
    TOO_LARGE = "too-large"


@dataclass(frozen=True)
class Item:
    """A refused request: by whom, why, how many statements it had, when and how often it came."""

    id: UUID
    credential: str
    reason: Reason
    rule: str
    xapi_version: Version
    statements: int
    received_at: datetime
    last_at: datetime
    times: int = 1


@dataclass(frozen=True)
class Fault:
    """What was wrong: with the statement `number` of the request, or with the request (None).

    `pointer` is into that statement, or names a parameter or header.
    """

    number: int | None
    pointer: str
    rule: str
    detail: str = ""
    section: str = ""

    def cut(self) -> "Fault":
        """Returns it with what may repeat a word of the sender's no longer than is of use."""
        return replace(self, pointer=self.pointer[:LONGEST], detail=self.detail[:LONGEST])

    def bare(self) -> "Fault":
        """Returns it without anything that could repeat a word of the statement."""
        return replace(self, pointer="", detail="")


def reason(refusal: Error) -> Reason | None:
    """Returns the kind of a refusal that is kept; None for those that say nothing of content."""
    match refusal:
        case Invalid():
            return Reason.INVALID
        case Conflict():
            return Reason.CONFLICT
        case Erased():
            return Reason.ERASED
        case TooLarge():
            return Reason.TOO_LARGE
    return None


def faults(refusal: Error, content: object) -> list[Fault]:
    """Returns what the refusal of `content`, a statement or a list of them, says is wrong."""
    match refusal:
        case Invalid():
            number, pointer = _place(refusal.pointer, content)
            return [Fault(number, pointer, refusal.rule, refusal.detail, refusal.section)]
        case Erased():
            number, pointer = _place(refusal.pointer, content)
            return [Fault(number, pointer, "erased", "names a person who was erased")]
        case Conflict():
            named = {each.lower() for each in refusal.ids}
            several = content if isinstance(content, list) else [content]
            numbers = [n for n, each in enumerate(several) if _id(each) in named]
            if not numbers:
                return [Fault(None, "", "conflict", refusal.detail)]
            return [Fault(n, "/id", "conflict", refusal.detail) for n in numbers]
        case TooLarge():
            return [Fault(None, "", "too-large", str(refusal))]
    return []


def statement_id(statement: object) -> str | None:
    """Returns the id of a refused statement; None unless it is a UUID."""
    found = _id(statement)
    return found if found is not None and re.fullmatch(forms.UUID, found) else None


def identifiers(content: object) -> set[str]:
    """Returns the canonical form of everything in any JSON that could identify a person.

    More than `domain.people.named` finds: whatever was refused may have its agents in wrong places,
    two identifiers for one, or an address without `mailto:`. Words within texts are not looked at.
    """
    found: set[str] = set()
    waiting: list[object] = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found |= _in_text(value)
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.keys()
            waiting += value.values()
            found |= _in_object(value)
    return found


def _in_text(text: str) -> set[str]:
    if (address := _MBOX.fullmatch(text)) is not None:
        return _canonical(mbox=f"mailto:{address[1]}")
    if _SHA1.fullmatch(text) is not None:
        return _canonical(mbox_sha1sum=text)
    return set()


def _in_object(value: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for kind in ("mbox", "mbox_sha1sum", "openid"):
        if isinstance(value.get(kind), str):
            found |= _canonical(**{kind: value[kind]})
    home, name = value.get("homePage"), value.get("name")
    if isinstance(home, str) and isinstance(name, str | int):
        found |= _canonical(account={"homePage": home, "name": str(name)})
    return found


def _canonical(**agent: Any) -> set[str]:
    ifi = canonical_ifi(agent)
    return set() if ifi is None else {ifi}


def _place(pointer: str, content: object) -> tuple[int | None, str]:
    """Returns the number of the statement that a refusal's pointer leads to, and the rest of it."""
    if isinstance(content, dict):
        return (0, pointer) if pointer.startswith("/") or not pointer else (None, pointer)
    if isinstance(content, list) and (match := _NUMBER.fullmatch(pointer)) is not None:
        return int(match[1]), match[2] or ""
    return None, pointer


def _id(statement: object) -> str | None:
    found = statement.get("id") if isinstance(statement, dict) else None
    return found.lower() if isinstance(found, str) else None
