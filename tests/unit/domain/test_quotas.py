"""What fits into a quota, and what is said of what does not."""

import pytest

from domain.errors import DailyQuotaReached, QuotaReached, TooFast
from domain.quotas import UNLIMITED, Quota, Used, check, check_credentials

USED = Used(statements=90, bytes=900, today=9)


def refusal(quota: Quota, statements: int, size: int) -> QuotaReached | DailyQuotaReached | None:
    try:
        check(quota, USED, statements=statements, size=size, midnight=77)
    except (QuotaReached, DailyQuotaReached) as error:
        return error
    return None


@pytest.mark.parametrize(
    ("quota", "statements", "size", "refused"),
    [
        (UNLIMITED, 10**9, 10**12, None),
        (Quota(statements=100), 10, 0, None),
        (Quota(statements=100), 11, 0, "statements"),
        (Quota(statements=0), 0, 50, None),
        (Quota(bytes=1000), 50, 100, None),
        (Quota(bytes=1000), 0, 101, "bytes"),
        (Quota(per_day=10), 1, 10**9, None),
        (Quota(per_day=10), 2, 0, "per_day"),
        (Quota(statements=90, per_day=9), 1, 0, "statements"),
    ],
)
def test_what_fits(quota: Quota, statements: int, size: int, refused: str | None) -> None:
    error = refusal(quota, statements, size)
    assert (error and error.quota) == refused


def test_what_a_refusal_says() -> None:
    error = refusal(Quota(per_day=10), 2, 0)
    assert isinstance(error, TooFast)
    assert (error.limit, error.used, error.retry_after) == (10, 9, 77)
    assert (
        str(error)
        == "this request goes beyond the institution's quota of per_day: 9 of 10 are used"
    )


def test_credentials() -> None:
    check_credentials(UNLIMITED, 10**6)
    check_credentials(Quota(credentials=2), 1)
    with pytest.raises(QuotaReached):
        check_credentials(Quota(credentials=2), 2)
