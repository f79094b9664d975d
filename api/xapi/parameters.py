"""Parameters of the statements resource, strictly: unknown, repeated or malformed ones are refused.

1.0.3 Communication 2.1.3; 2.0.0 4.1.6.1. Names are case-sensitive. A refusal names the parameter.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from api.requests import single_values
from domain.errors import Invalid
from domain.people import canonical_ifi
from domain.statements.formats import FORMATS, Format
from domain.statements.rules import validate_actor
from domain.values import identifiers, json_text
from domain.values.iri import is_iri
from domain.values.timestamp import is_timestamp, parse
from domain.values.version import Version
from lrs.queries import Filter

SECTION = "1.0.3 Communication 2.1.3"
BY_ID = frozenset({"format", "attachments"})
NAMES = BY_ID | {
    "agent",
    "verb",
    "activity",
    "registration",
    "related_agents",
    "related_activities",
    "since",
    "until",
    "limit",
    "ascending",
}

Value = TypeVar("Value")


@dataclass(frozen=True)
class Asked:
    """What a GET asks for: one statement by id, or those that match `filter`."""

    statement_id: UUID | None
    voided: bool
    filter: Filter
    limit: int
    format: Format
    attachments: bool


def no_parameters() -> None:
    """Raises Invalid when there are any."""
    _only(single_values(), ())


def statement_id() -> UUID:
    """Returns the one parameter of a PUT; raises Invalid for another, or without it."""
    given = single_values()
    _only(given, ("statementId",))
    if "statementId" not in given:
        raise Invalid("statementId", "missing", "name the statement", SECTION)
    return _uuid("statementId", given["statementId"])


def asked(given: Mapping[str, str], version: Version, max_page: int) -> Asked:
    """Returns what the parameters of a GET mean; raises Invalid."""
    by_id = [name for name in ("statementId", "voidedStatementId") if name in given]
    if len(by_id) > 1:
        raise Invalid("voidedStatementId", "together", "give one id or the other", SECTION)
    if by_id:
        _only(given, BY_ID | set(by_id), "not together with an id")
    else:
        _only(given, NAMES)
    read = _Reader(given)
    limit = read.value("limit", _count) or max_page
    return Asked(
        statement_id=_uuid(by_id[0], given[by_id[0]]) if by_id else None,
        voided="voidedStatementId" in given,
        filter=Filter(
            agent=read.value("agent", lambda name, text: _agent(name, text, version)),
            verb=read.value("verb", _iri),
            activity=read.value("activity", _iri),
            registration=read.value("registration", _uuid),
            related_agents=read.value("related_agents", _flag) or False,
            related_activities=read.value("related_activities", _flag) or False,
            since=read.value("since", lambda name, text: _moment(name, text, version)),
            until=read.value("until", lambda name, text: _moment(name, text, version)),
            ascending=read.value("ascending", _flag) or False,
        ),
        limit=min(limit, max_page),
        format=read.value("format", _format) or "exact",
        attachments=read.value("attachments", _flag) or False,
    )


@dataclass(frozen=True)
class _Reader:
    given: Mapping[str, str]

    def value(self, name: str, kind: Callable[[str, str], Value]) -> Value | None:
        text = self.given.get(name)
        return None if text is None else kind(name, text)


def _only(given: Iterable[str], known: Iterable[str], detail: str = "unknown parameter") -> None:
    for name in given:
        if name not in known:
            raise Invalid(name, "unknown-parameter", detail, SECTION)


def _uuid(name: str, text: str) -> UUID:
    if re.fullmatch(identifiers.UUID, text) is None:
        raise Invalid(name, "uuid", "not a UUID", SECTION)
    return UUID(text)


def _iri(name: str, text: str) -> str:
    if not is_iri(text):
        raise Invalid(name, "iri", "not an IRI with a scheme", SECTION)
    return text


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise Invalid(name, "boolean", "true or false", SECTION)
    return text == "true"


def _count(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise Invalid(name, "count", "a whole number; 0 is as many as possible", SECTION)
    return int(text)


def _format(name: str, text: str) -> Format:
    for known in FORMATS:
        if text == known:
            return known
    raise Invalid(name, "format", "exact, ids or canonical", SECTION)


def _moment(name: str, text: str, version: Version) -> datetime:
    if not is_timestamp(text, version):
        raise Invalid(name, "timestamp", "not a timestamp; is its + escaped as %2B?", SECTION)
    return parse(text)


def _agent(name: str, text: str, version: Version) -> dict[str, Any]:
    try:
        agent = json_text.parse(text.encode())
        validate_actor(agent, version)
    except Invalid as error:
        raise error.within(name) from None
    assert isinstance(agent, dict)
    if canonical_ifi(agent) is None:
        raise Invalid(name, "identifier", "a Group needs an identifier to be looked for", SECTION)
    return agent
