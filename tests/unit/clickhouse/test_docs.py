"""`docs/analytics.md` says what the plans say."""

from pathlib import Path

import pytest

from clickhouse.plans import PLANS, Plan

PAGE = Path(__file__).parents[3] / "docs" / "analytics.md"


def rows(number: int) -> str:
    return f"{number} row" + ("s" if number > 1 else "")


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.stream)
def test_the_table_of_streams(plan: Plan) -> None:
    closes = {"day": "daily", "week": "weekly", "month": "monthly"}[plan.cadence]
    [line] = [text for text in PAGE.read_text().splitlines() if f"| `{plan.stream}` |" in text]
    assert line.endswith(
        f"| {plan.rows or 'window'} | {closes} | {rows(plan.bound)} | {plan.part:.2%} |".replace(
            "%", " %"
        )
        + f" {plan.history_part:.0%}, {rows(plan.history_bound)} |".replace("%", " %")
    )
