"""Parameters of requests, strictly: unknown, repeated or malformed ones are refused by name.

1.0.3 Communication 2; 2.0.0 4.1.6. Names are case-sensitive. What the parameters of one resource
mean together is with that resource.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from api.requests import single_values
from api.xapi import headers
from domain.errors import Invalid
from domain.people import canonical_ifi
from domain.statements.rules import validate_actor
from domain.values import identifiers, json_text
from domain.values.iri import is_iri
from domain.values.timestamp import is_timestamp, parse

SECTION = "1.0.3 Communication 2"

Given: TypeAlias = Mapping[str, str]
Value = TypeVar("Value")
Kind: TypeAlias = Callable[[str, str], Value]
"""Reads the value of a parameter, given its name and text; raises Invalid."""


def no_parameters() -> None:
    """Raises Invalid when there are any."""
    only(single_values(), ())


def only(given: Given, known: Iterable[str], detail: str = "unknown parameter") -> None:
    """Raises Invalid for the first parameter that is not among `known`."""
    for name in given:
        if name not in known:
            raise Invalid(name, "unknown-parameter", detail, SECTION)


def optional(given: Given, name: str, kind: Kind[Value]) -> Value | None:
    """Returns the value of a parameter, or None where it was not given."""
    value = given.get(name)
    return None if value is None else kind(name, value)


def required(given: Given, name: str, kind: Kind[Value]) -> Value:
    """Returns the value of a parameter; raises Invalid without it."""
    if name not in given:
        raise Invalid(name, "missing", "this parameter is required", SECTION)
    return kind(name, given[name])


def text(name: str, value: str) -> str:
    """Reads what is any text but none."""
    if not value:
        raise Invalid(name, "empty", "must not be empty", SECTION)
    return value


def uuid(name: str, value: str) -> UUID:
    """Reads a UUID in its standard form."""
    if re.fullmatch(identifiers.UUID, value) is None:
        raise Invalid(name, "uuid", "not a UUID", SECTION)
    return UUID(value)


def iri(name: str, value: str) -> str:
    """Reads an IRI."""
    if not is_iri(value):
        raise Invalid(name, "iri", "not an IRI with a scheme", SECTION)
    return value


def flag(name: str, value: str) -> bool:
    """Reads `true` or `false`."""
    if value not in ("true", "false"):
        raise Invalid(name, "boolean", "true or false", SECTION)
    return value == "true"


def count(name: str, value: str) -> int:
    """Reads a whole number from 0."""
    if not (value.isascii() and value.isdigit()) or len(value) > 9:
        raise Invalid(name, "count", "a whole number; 0 is as many as possible", SECTION)
    return int(value)


def moment(name: str, value: str) -> datetime:
    """Reads a timestamp by the rules of the request's version."""
    if not is_timestamp(value, headers.version()):
        raise Invalid(name, "timestamp", "not a timestamp; is its + escaped as %2B?", SECTION)
    return parse(value)


def agent(name: str, value: str) -> dict[str, Any]:
    """Reads an Agent, or a Group that has an identifier, in JSON."""
    try:
        read = json_text.parse(value.encode())
        validate_actor(read, headers.version())
    except Invalid as error:
        raise error.within(name) from None
    assert isinstance(read, dict)
    if canonical_ifi(read) is None:
        raise Invalid(name, "identifier", "a Group needs an identifier to be looked for", SECTION)
    return read
