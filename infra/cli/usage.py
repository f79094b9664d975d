"""`lrs institutions usage` and `quota`: what institutions store, and how much they may."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from domain.quotas import Quota, Used
from infra.cli.options import with_settings
from infra.cli.tenants import chosen, services_for, services_of
from lrs import shards
from lrs.institutions import Institution
from lrs.quotas import Standing
from lrs.services import Services
from lrs.settings import Settings


class _Limit(click.ParamType):
    """A number, or `none` for no limit, which is -1 here."""

    name = "n|none"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if str(value).lower() == "none":
            return -1
        if not str(value).isdigit():
            self.fail(f"{value!r} is neither a whole number nor none", param, ctx)
        return int(value)


LIMIT = _Limit()


@click.command()
@with_settings
@click.argument("institution", required=False)
def usage(settings: Settings, institution: str | None) -> None:
    """Show what each institution stores, or what INSTITUTION (id or name) stored on each day.

    No people are counted. Statements count when they are recorded, for ever: their events stay when
    they are voided or erased. Bytes are sealed.
    """
    if institution is not None:
        with services_for(settings, institution) as services:
            _show_days(services, chosen(services, institution))
        return
    click.echo(f"{'statements':>14}  {'today':>10}  {'MB':>12}  institution")
    for services, tenant in _everyone(settings):
        used = services.quotas.get(tenant.institution).used
        told = f"{used.statements:>14,}  {used.today:>10,}  {used.bytes / 1e6:>12,.1f}"
        click.echo(f"{told}  {tenant.institution}  {tenant.name}")


@click.command()
@with_settings
@click.argument("institution")
@click.option("--statements", type=LIMIT, help="Statements in all.")
@click.option("--bytes", "size", type=LIMIT, help="Sealed bytes held.")
@click.option("--per-day", type=LIMIT, help="Statements on a day (UTC).")
@click.option("--credentials", type=LIMIT, help="Credentials that are not revoked.")
def quota(
    settings: Settings,
    *,
    institution: str,
    statements: int | None,
    size: int | None,
    per_day: int | None,
    credentials: int | None,
) -> None:
    """Show the quota of INSTITUTION (id or name) and what is used; with options, change it.

    What is not given stays as it is. Writes beyond a quota are refused, reading goes on.
    """
    given = {
        "statements": statements,
        "bytes": size,
        "per_day": per_day,
        "credentials": credentials,
    }
    changed = {
        name: None if value < 0 else value for name, value in given.items() if value is not None
    }
    with services_for(settings, institution) as services:
        tenant = chosen(services, institution)
        before = services.quotas.get(tenant.institution)
        if changed:
            wanted = Quota.model_validate(before.quota.model_dump() | changed)
            services.quotas.set(tenant.institution, wanted)
        _show_quota(services.quotas.get(tenant.institution))


def _everyone(settings: Settings) -> Iterator[tuple[Services, Institution]]:
    """Yields each institution with the services of the shard where it lives."""
    for name in shards.names(settings):
        with services_of(shards.at(settings, name)) as services:
            for tenant in services.institutions.list():
                if services.placements.of(tenant.institution).shard == name:
                    yield services, tenant


def _show_days(services: Services, tenant: Institution) -> None:
    click.echo(f"{'day':<10}  {'statements':>12}  {'documents':>10}  {'MB':>10}  {'freed MB':>10}")
    for day in services.usage.days(tenant.institution, limit=10_000):
        size, freed = (day.log_bytes + day.content_bytes) / 1e6, day.freed_bytes / 1e6
        told = f"{day.statements:>12,}  {day.documents:>10,}  {size:>10,.1f}  {freed:>10,.1f}"
        click.echo(f"{day.day:%Y-%m-%d}  {told}")
    counted_at = services.usage.reached()[1]
    click.echo(f"Counted until {(datetime.now(UTC) - counted_at).total_seconds():.0f} s ago.")


def _show_quota(standing: Standing) -> None:
    used: Used = standing.used
    rows = (
        ("statements", standing.quota.statements, used.statements),
        ("bytes", standing.quota.bytes, used.bytes),
        ("per day", standing.quota.per_day, used.today),
        ("credentials", standing.quota.credentials, standing.credentials),
    )
    for name, limit, counted in rows:
        click.echo(f"{name:<12}  {counted:>16,} of {'no limit' if limit is None else f'{limit:,}'}")
