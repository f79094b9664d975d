"""Quotas: how much an institution may store, and what is refused beyond. No clock, no counting.

What is counted, and how soon, is `lrs/usage.py`; how writes are held to it is `lrs/tenants.py`.
"""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from domain.errors import DailyQuotaReached, QuotaReached
from domain.events import Event

LARGEST = 2**53
"""The largest number that every reader of JSON keeps exactly."""


class Quota(BaseModel):
    """What an institution may store; None is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    statements: int | None = Field(None, ge=0, le=LARGEST, description="Statements in all.")
    bytes: int | None = Field(None, ge=0, le=LARGEST, description="Sealed bytes held.")
    per_day: int | None = Field(None, ge=0, le=LARGEST, description="Statements on a day (UTC).")
    credentials: int | None = Field(
        None, ge=0, le=2**31 - 1, description="Credentials that are not revoked."
    )


UNLIMITED = Quota()


class QuotaSet(Event):
    """This is what the institution may store from now on; its stream is the institution's."""

    TOPIC: ClassVar[str] = "institution.quota-set"

    quota: Quota


@dataclass(frozen=True, slots=True)
class Used:
    """What counts against a quota: statements in all, sealed bytes held, statements of today."""

    statements: int = 0
    bytes: int = 0
    today: int = 0

    def plus(self, statements: int, size: int) -> "Used":
        """Returns what is used after a write of today."""
        return Used(self.statements + statements, self.bytes + size, self.today + statements)


def check(quota: Quota, used: Used, *, statements: int, size: int, midnight: int) -> None:
    """Raises where a write of so many statements and bytes would go beyond the quota.

    `midnight` is in how many seconds the next day begins. A request larger than what is left is
    refused whole, as a request always is.
    """
    after = used.plus(statements, size)
    if quota.statements is not None and statements and after.statements > quota.statements:
        raise QuotaReached("statements", quota.statements, used.statements)
    if quota.bytes is not None and size and after.bytes > quota.bytes:
        raise QuotaReached("bytes", quota.bytes, used.bytes)
    if quota.per_day is not None and statements and after.today > quota.per_day:
        raise DailyQuotaReached("per_day", quota.per_day, used.today, midnight)


def check_credentials(quota: Quota, used: int) -> None:
    """Raises `QuotaReached` where one credential more would be too many."""
    if quota.credentials is not None and used >= quota.credentials:
        raise QuotaReached("credentials", quota.credentials, used)
