"""`lrs migrate`: brings the databases to the newest schema, or tells what that would do."""

import click

from infra.cli.options import with_settings
from infra.migrations import Step, plan
from infra.migrations import migrate as apply
from lrs import shards
from lrs.settings import Settings


@click.command()
@click.option("--plan", "only_plan", is_flag=True, help="Tell what would be done; change nothing.")
@click.option(
    "--patience",
    type=click.IntRange(min=0),
    default=600,
    show_default=True,
    help="Seconds that each step may try for its locks.",
)
@with_settings
def migrate(settings: Settings, only_plan: bool, patience: int) -> None:
    """Apply the schema changes that are missing to every shard, while the system runs."""
    for shard in shards.names(settings):
        if settings.shards:
            click.echo(f"Shard {shard}:")
        _migrate(shards.at(settings, shard), only_plan=only_plan, patience=patience)


def _migrate(settings: Settings, *, only_plan: bool, patience: int) -> None:
    if only_plan:
        steps = plan(settings)
        for step in steps:
            _tell(step)
        click.echo(f"{len(steps)} to apply." if steps else "Nothing to do.")
        return
    applied = apply(settings, patience=patience, tell=click.echo)
    click.echo(f"{len(applied)} applied." if applied else "Nothing to do.")


def _tell(step: Step) -> None:
    migration = step.migration
    how = f"online, about {step.seconds} s" if migration.concurrent else "locks for a moment"
    click.echo(f"{migration.series} {migration.name} ({how})")
    for lock in step.locks:
        size = f"{lock.rows:,} rows, {lock.bytes / 1e6:,.1f} MB"
        click.echo(f"    {lock.table} ({size}): {lock.mode}, keeps out {lock.blocks}")
