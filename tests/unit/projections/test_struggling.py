"""Who struggles: each reason at its bound, and who is never flagged."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from projections.struggling import Flag, Practice, Row, Task, evaluate
from tests.learning import START, ident

END = START + timedelta(days=60)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def row(name: str, **given: Any) -> Row:
    """Returns somebody who does well until the end."""
    usual: dict[str, Any] = {
        "registered_at": START,
        "registered_by": ident(f"{name} registered"),
        "first_active": START,
        "last_active": END,
        "last_statement": ident(f"{name} last"),
        "done": 10,
    }
    return Row(learner=ident(name), **(usual | given))


def cohort(*others: Row, size: int = 20) -> list[Row]:
    return [*(row(f"good {n}") for n in range(size)), *others]


def reasons(*others: Row, size: int = 20, at: datetime = END) -> dict[str, float]:
    """Returns code and value of the reasons of the last learner."""
    flags = {flag.learner: flag for flag in evaluate(cohort(*others, size=size), at)}
    flag = flags.get(others[-1].learner)
    return {reason.code: reason.value for reason in flag.reasons} if flag else {}


def test_nobody_struggles_in_a_course_where_all_do_well() -> None:
    assert evaluate(cohort(), END) == []


def test_a_course_without_activity_is_not_judged() -> None:
    assert evaluate([row("a", first_active=None, last_active=None)], END) == []


def test_inactive_from_a_week() -> None:
    assert reasons(row("x", last_active=day(53))) == {"inactive": 7.0}
    assert reasons(row("x", last_active=day(53.1))) == {}


def test_holidays_flag_nobody() -> None:
    everyone = [row(f"n{n}", last_active=day(40)) for n in range(20)]
    assert evaluate(everyone, END) == []


def test_never_started() -> None:
    idle = row("x", first_active=None, last_active=None, last_statement=None, done=0)
    assert reasons(idle) == {"never_started": 60.0}
    late = row("x", first_active=None, last_active=None, registered_at=day(55))
    assert reasons(late) == {}


def test_missed_deadline_counts_what_was_due_since_the_learner_began() -> None:
    tasks = (Task(due=day(20)), Task(due=day(30)), Task(due=day(90)))
    assert reasons(row("x", tasks=tasks)) == {"missed_deadline": 2.0}
    assert reasons(row("x", tasks=tasks, registered_at=day(25), first_active=day(25))) == {
        "missed_deadline": 1.0
    }


def test_late_work_from_two() -> None:
    late = Task(due=day(10), score=0.9, submitted_at=day(11), statement=ident("s"))
    assert reasons(row("x", tasks=(late, late))) == {"late_work": 2.0}
    assert reasons(row("x", tasks=(late,))) == {}


def test_low_score_needs_two_scores() -> None:
    scored = [row(f"s{n}", tasks=(_scored(0.9), _scored(0.8))) for n in range(2)]
    low = row("x", tasks=(_scored(0.2), _scored(0.4)))
    assert reasons(*scored, low) == {"low_score": pytest.approx(0.3)}
    assert reasons(*scored, row("x", tasks=(_scored(0.1),))) == {}


def test_behind_pace_below_half_of_the_median() -> None:
    assert reasons(row("x", done=4)) == {"behind_pace": 4.0}
    assert reasons(row("x", done=5)) == {}


def test_wheel_spinning() -> None:
    spinning = Practice(attempts=10, longest=2, mastered=False, statements=(ident("s"),))
    assert reasons(row("x", practice=(spinning,))) == {"wheel_spinning": 10.0}
    for fine in (
        Practice(attempts=9, longest=0, mastered=False),
        Practice(attempts=10, longest=3, mastered=False),
        Practice(attempts=10, longest=2, mastered=True),
    ):
        assert reasons(row("x", practice=(fine,))) == {}


def test_nobody_is_flagged_within_a_week_nor_after_completing() -> None:
    assert reasons(row("x", done=0), at=day(6.9)) == {}
    assert reasons(row("x", done=0, completed=True)) == {}


def test_at_most_a_fifth_the_weightiest_first() -> None:
    worst = row("worst", last_active=day(10), done=0)
    rows = [*(row(f"bad {n}", done=1) for n in range(4)), worst]
    rows = cohort(*rows, size=15)
    flags = evaluate(rows, END)
    assert len(flags) == 4
    assert flags[0].learner == worst.learner
    assert flags == evaluate(list(reversed(rows)), END)


def test_every_reason_tells_its_evidence() -> None:
    flags: list[Flag] = evaluate(cohort(row("x", last_active=day(1), done=0)), END)
    assert {r.code: r.evidence for r in flags[0].reasons} == {
        "inactive": (ident("x last"),),
        "behind_pace": (ident("x last"),),
    }


def _scored(score: float) -> Task:
    return Task(score=score, submitted_at=day(5), statement=ident(f"scored {score}"))
