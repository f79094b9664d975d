"""Forwarding: which statements go on to another store, what its answers mean, when to try again.

How they get there is in `lrs.forwarder`.
"""

from enum import StrEnum
from typing import ClassVar
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.errors import Invalid
from domain.events import Event

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0
LONGEST_ASKED = 3600.0
"""Seconds: after a first failure, after many, and where the receiver names a time itself."""

STATEMENT_AT_FAULT = frozenset({400, 409, 413, 422})


class Selection(BaseModel):
    """Which statements: as a filter of the statements resource; what is None does not narrow.

    A person is a pseudonym, so that erasing them leaves nothing of theirs here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: UUID | None = None
    verb: str | None = None
    activity: str | None = None
    registration: UUID | None = None
    related_agents: bool = False
    related_activities: bool = False


class ForwardingStarted(Event):
    """Statements of `selection` after `position` go to the store at `url`, until it is stopped."""

    TOPIC: ClassVar[str] = "forwarding.started"

    url: str
    key: str
    secret: str = Field(repr=False)
    selection: Selection
    position: int


class ForwardingStopped(Event):
    """Nothing more goes there."""

    TOPIC: ClassVar[str] = "forwarding.stopped"


class Verdict(StrEnum):
    """What an answer means for the statements that were sent."""

    TAKEN = "taken"
    REFUSED = "refused"
    LATER = "later"


def verdict(status: int) -> Verdict:
    """Returns what an HTTP status means.

    Refused is only what says that a statement is at fault; all else, wrong credentials and
    redirects too, may be put right at the receiver, and no statement is given up for it.
    """
    if 200 <= status < 300:
        return Verdict.TAKEN
    return Verdict.REFUSED if status in STATEMENT_AT_FAULT else Verdict.LATER


def pause(failures: int, jitter: float, asked: float | None = None) -> float:
    """Returns seconds to wait after `failures` (from 1) in a row: doubling, up to minutes.

    `jitter`, in [0, 1), takes up to half off, so that forwarders do not return all at once.
    `asked` is what the receiver's Retry-After says, in seconds; it is kept to, within reason.
    """
    grown: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 20))
    return max(grown * (1 - jitter / 2), min(asked or 0.0, LONGEST_ASKED))


def endpoint(url: str) -> str:
    """Returns the address of an xAPI endpoint without its last slash; raises `Invalid`."""
    try:
        parts = urlsplit(url)
        well_formed = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise Invalid("url", "url", "not a URL") from None
    if parts.scheme not in ("http", "https") or not well_formed or not url.isprintable():
        raise Invalid("url", "url", "give the http(s) address of an xAPI endpoint")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise Invalid("url", "url", "credentials, query and fragment do not belong in it")
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
