"""The plans stay within a term's budget, and the calendar counts right."""

from datetime import date

import pytest

from clickhouse.plans import PLANS, Period, Plan, plan

DAYS_OF_TERM, WEEKS_OF_TERM, MONTHS_OF_TERM = 184, 27, 6  # the longest half year
PERIODS = {Period.DAY: DAYS_OF_TERM, Period.WEEK: WEEKS_OF_TERM, Period.MONTH: MONTHS_OF_TERM}


def test_a_full_term_and_one_history_stay_within_the_budget() -> None:
    whole = sum(p.history_part + p.part * (PERIODS[p.cadence] + 1) for p in PLANS)
    assert 0.9 < whole <= 1


@pytest.mark.parametrize("chosen", PLANS, ids=lambda p: p.stream)
def test_skipped_periods_cost_what_they_would_have_cost(chosen: Plan) -> None:
    bound, part = chosen.allowance(1, history=False)
    assert (bound, part) == chosen.allowance(0, history=False)
    more, parts = chosen.allowance(3, history=False)
    assert parts == pytest.approx(3 * part)
    assert bound <= more <= max(3 * bound, chosen.bound_most)


def test_the_hash_names_the_plan() -> None:
    assert len({p.hash for p in PLANS}) == len(PLANS) == len({p.stream for p in PLANS})
    assert plan("daily-actives").hash == plan("daily-actives").hash


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (Period.DAY, date(2026, 2, 11), date(2026, 2, 11)),
        (Period.WEEK, date(2026, 2, 9), date(2026, 2, 15)),
        (Period.MONTH, date(2026, 2, 1), date(2026, 2, 28)),
    ],
)
def test_periods(period: Period, first: date, last: date) -> None:
    day = date(2026, 2, 11)  # a Wednesday
    assert (period.first(day), period.last(day)) == (first, last)
    assert period.between(day, day) == [first]
    assert period.passed(first, last) == 0
    assert (
        period.passed(last, date(2026, 3, 1))
        == {
            Period.DAY: 18,
            Period.WEEK: 2,
            Period.MONTH: 1,
        }[period]
    )
