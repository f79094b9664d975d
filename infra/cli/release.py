"""`lrs release`: releases noisy aggregates that are due, and tells what that cost."""

from datetime import date, datetime
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from api.releases import pipeline_of
from clickhouse.groups import History
from clickhouse.mechanisms.accounting import epsilon
from clickhouse.pipeline import Pipeline
from clickhouse.plans import PLANS
from domain.budget import Released
from domain.errors import BudgetExhausted, Overloaded
from infra.cli.options import on_shard
from infra.cli.tenants import services_of
from lrs.settings import Settings

CATCH_UP_SECONDS = 60.0

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--now", is_flag=True, help="Close every window now, even if it is not due.")
@click.option("--history", is_flag=True, help="The windows hold an imported past; implies --now.")
@click.option("--from", "first", type=DAY, help="First day of the past, by your own calendar.")
@click.option("--to", "last", type=DAY, help="Last day of the past; with --from.")
@on_shard
def release(
    settings: Settings,
    now: bool,
    history: bool,
    first: datetime | None,
    last: datetime | None,
) -> None:
    """Release aggregates that are due, with noise, charged to the privacy budget.

    What was never released counts as an imported past: it costs more of the budget and allows many
    days. Say with --from and --to when its courses ran, if that is public: known days show at
    lower numbers. Do not look these days up in the data.
    """
    past = History(_date(first), _date(last))
    history = history or past.first is not None
    console = Console()
    with services_of(settings) as services:
        made = pipeline_of(services)
        with console.status("waiting for the views"):
            if not made.caught_up(services.store.last(), CATCH_UP_SECONDS):
                raise Overloaded(
                    "the views do not reflect the log yet; nothing was released. See that relay and"
                    " worker run, then release again"
                )
        here = services.placements.at(settings.shard)
        for institution in services.institutions.list():
            if institution.institution not in here:
                continue
            console.print(f"[bold]{institution.name}[/bold]")
            _release(
                console,
                made,
                institution.institution,
                settings,
                everything=now or history,
                history=history,
                past=past,
            )


def _release(
    console: Console,
    made: Pipeline,
    institution: UUID,
    settings: Settings,
    *,
    everything: bool,
    history: bool,
    past: History,
) -> None:
    never = made.releases.never(institution)
    due = made.releases.due(institution)
    chosen = [plan for plan in PLANS if everything or plan in never or plan in due]
    done: list[Released] = []
    refusal: BudgetExhausted | None = None
    for plan in chosen:
        as_past = past if history or plan in never else None
        try:
            done += made.release(institution, [(plan, as_past)])
        except BudgetExhausted as error:
            refusal = error
    shipped = _ship(made, institution)
    if done:
        console.print(f"Windows closed at {done[-1].window.closed:%Y-%m-%d %H:%M} UTC")
        console.print(_table(done))
    elif not chosen:
        console.print(
            "Nothing is due; --now closes the windows early, --history takes them for a past."
        )
    if not shipped:
        console.print("ClickHouse does not answer; the jobs process ships as soon as it does.")
    ledger = made.releases.ledger(institution)
    spent = epsilon(ledger.rho_spent, settings.delta)
    console.print(
        f"Budget of term {ledger.allocated.term}: epsilon {settings.epsilon:g} at delta"
        f" {settings.delta:g}. Spent: rho {ledger.rho_spent:.4f} (epsilon {spent:.2f})."
        f" Remaining: rho {ledger.rho_left:.4f} of {ledger.allocated.rho:.4f}."
    )
    if refusal:
        raise refusal


def _ship(made: Pipeline, institution: UUID) -> bool:
    try:
        made.ship(institution)
    except Overloaded:
        return False
    return True


def _table(done: list[Released]) -> Table:
    table = Table("stream", "rows", "days", "sigma", "bound", "rho", box=None)
    for released in done:
        starts = [row.start for row in released.rows]
        table.add_row(
            released.stream,
            str(len(released.rows)),
            f"{min(starts)} to {max(row.end for row in released.rows)}" if starts else "-",
            f"{released.sigma:.1f}",
            str(released.bound),
            f"{released.rho:.4f}",
        )
    return table


def _date(day: datetime | None) -> date | None:
    return day.date() if day else None
