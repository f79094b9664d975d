"""Every day is in exactly one term, whatever the calendar."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.terms import HALF_YEARS, Calendar, Start

DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))
NORTHERN = Calendar(Start(9, 1, "autumn"), Start(1, 15, "spring"), Start(6, 1, "summer"))


def test_half_years() -> None:
    assert HALF_YEARS.term(date(2026, 6, 30)).label == "2026-H1"
    assert HALF_YEARS.term(date(2026, 7, 1)).label == "2026-H2"
    second = HALF_YEARS.term(date(2026, 12, 31))
    assert (second.first, second.last) == (date(2026, 7, 1), date(2026, 12, 31))


def test_a_term_over_new_year_is_labelled_by_the_year_it_began_in() -> None:
    term = NORTHERN.term(date(2027, 1, 3))
    assert (term.label, term.first, term.last) == (
        "2026-autumn",
        date(2026, 9, 1),
        date(2027, 1, 14),
    )


@given(DAYS, st.sampled_from([HALF_YEARS, NORTHERN, Calendar(Start(8, 1, "year"))]))
def test_terms_follow_each_other_without_gap(day: date, calendar: Calendar) -> None:
    term = calendar.term(day)
    assert term.first <= day <= term.last
    assert calendar.term(term.first) == calendar.term(term.last) == term
    assert calendar.before(term).last == term.first - timedelta(days=1)
    assert calendar.before(term).label != term.label


def test_a_calendar_without_terms_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one term"):
        Calendar()
