"""What the events of a ledger come to, and what it refuses."""

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest

from domain.budget import BudgetAllocated, Closing, Ledger, Released, Row, Window, ledger_id
from domain.errors import BudgetExhausted

INSTITUTION = UUID(int=7)
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 1, tzinfo=UTC)
COURSE = UUID(int=42)


def allocated() -> BudgetAllocated:
    return BudgetAllocated(
        originator_id=ledger_id(INSTITUTION, "2026-H1"),
        originator_version=1,
        institution=INSTITUTION,
        at=BEGAN,
        term="2026-H1",
        rho=0.3,
        delta=5e-7,
        began=BEGAN,
    )


def released(version: int, stream: str = "weekly", rho: float = 0.1) -> Released:
    return Released(
        originator_id=ledger_id(INSTITUTION, "2026-H1"),
        originator_version=version,
        institution=INSTITUTION,
        at=LATER,
        release=uuid4(),
        stream=stream,
        plan="p",
        window=Window(after=0, until=10 * version, opened=BEGAN, closed=LATER),
        rho=rho,
        delta=1e-7,
        bound=2,
        sigma=3.0,
        rows=(Row(course=COURSE, start=date(2026, 3, 2), end=date(2026, 3, 8), value=50),),
    )


def test_no_events_are_no_ledger() -> None:
    assert Ledger.fold([]) is None


def test_releases_are_charged_and_close_their_window() -> None:
    ledger = Ledger.fold([allocated(), released(2), released(3, "daily", 0.05)])
    assert ledger is not None
    assert ledger.version == 3
    assert ledger.rho_spent == pytest.approx(0.15)
    assert ledger.rho_left == pytest.approx(0.15)
    assert ledger.delta_left == pytest.approx(3e-7)
    assert ledger.opening("weekly") == Closing(position=20, at=LATER)
    assert ledger.opening("never") == Closing(position=0, at=BEGAN)
    assert ledger.courses == {COURSE}


def test_what_is_left_may_be_spent_to_the_last_and_no_further() -> None:
    ledger = Ledger.fold([allocated(), released(2)])
    assert ledger is not None
    ledger.check(ledger.rho_left, ledger.delta_left)
    with pytest.raises(BudgetExhausted, match="2026-H1"):
        ledger.check(ledger.rho_left * 1.000001, 0)
    with pytest.raises(BudgetExhausted):
        ledger.check(0, ledger.delta_left * 1.000001)


def test_ledgers_of_terms_and_institutions_are_apart() -> None:
    ids = {ledger_id(UUID(int=i), term) for i in (1, 2) for term in ("2026-H1", "2026-H2")}
    assert len(ids) == 4


def test_events_survive_their_json() -> None:
    event = released(2)
    assert Released.model_validate_json(event.model_dump_json()) == event
