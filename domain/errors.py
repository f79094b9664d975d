"""The refusals: each says what is wrong and what the caller must do.

HTTP answers to them stand in one table, `api/errors.py`; nothing here knows HTTP.
"""

from collections.abc import Sequence


class Error(Exception):
    """Base of every refusal of this system."""


class Invalid(Error):
    """The input breaks a rule. The caller must correct the value at `pointer`.

    `pointer` is a JSON pointer (RFC 6901) into what was sent ("" is the whole), or the name of a
    parameter or header; `rule` is a short stable code; `section` is the specification's section.
    """

    def __init__(self, pointer: str, rule: str, detail: str, section: str = "") -> None:
        super().__init__(f"{pointer or '(whole)'}: {detail}")
        self.pointer = pointer
        self.rule = rule
        self.detail = detail
        self.section = section

    def within(self, prefix: str) -> "Invalid":
        """Returns the same refusal with `prefix` put before its pointer."""
        return type(self)(prefix + self.pointer, self.rule, self.detail, self.section)


class Conflict(Error):
    """Something else already stands under these ids; nothing was changed. Use another id."""

    def __init__(self, detail: str, ids: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.ids = tuple(ids)


class Erased(Error):
    """The statement at `pointer` names a person who was erased. Do not send them again."""

    def __init__(self, pointer: str) -> None:
        super().__init__(f"{pointer}: this person was erased and may not be recorded again")
        self.pointer = pointer


class NotFound(Error):
    """Nothing stands under this id, for this institution and this reader."""


class Unauthenticated(Error):
    """No credentials, or wrong ones. Send valid credentials."""


class BadToken(Unauthenticated):
    """An access token that is not ours, altered or over. Get another."""


class Forbidden(Error):
    """The credentials are good, but do not reach this far."""


class PreconditionFailed(Error):
    """The resource changed since the caller read it. Read it again."""


class TooLarge(Error):
    """More than this store accepts at once. Send less."""


class BudgetExhausted(Error):
    """The privacy budget of this term is spent. Nobody can get more until the next term."""


class TooFast(Error):
    """More than this credential may send in a second. Come back after `retry_after` seconds."""

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class QuotaReached(Error):
    """A quota of the institution is used up. Store less, or ask whoever runs the store for more."""

    def __init__(self, quota: str, limit: int, used: int) -> None:
        super().__init__(_quota(quota, limit, used))
        self.quota = quota
        self.limit = limit
        self.used = used


class DailyQuotaReached(TooFast):
    """The institution's quota of today is used up. Come back after `retry_after` seconds."""

    def __init__(self, quota: str, limit: int, used: int, retry_after: int) -> None:
        super().__init__(_quota(quota, limit, used), retry_after)
        self.quota = quota
        self.limit = limit
        self.used = used


class Overloaded(Error):
    """No capacity now. Come back after `retry_after` seconds."""

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


def _quota(quota: str, limit: int, used: int) -> str:
    return (
        f"this request goes beyond the institution's quota of {quota}: {used} of {limit} are used"
    )
