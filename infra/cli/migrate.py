"""`lrs migrate`: brings the databases to the newest schema."""

import click

from infra.cli.options import with_settings
from infra.migrations import migrate as apply
from lrs.settings import Settings


@click.command()
@with_settings
def migrate(settings: Settings) -> None:
    """Apply the schema changes that are missing."""
    applied = apply(settings)
    for migration in applied:
        click.echo(f"{migration.series} {migration.name}")
    click.echo(f"{len(applied)} applied." if applied else "Nothing to do.")
