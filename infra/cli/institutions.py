"""`lrs institutions`: make, list, move, limit and erase tenants."""

import click

from infra.cli.closures import erase
from infra.cli.options import with_settings
from infra.cli.placements import move
from infra.cli.tenants import services_of
from infra.cli.usage import quota, usage
from lrs.settings import Settings


@click.group()
def institutions() -> None:
    """Make, list, move, limit and erase institutions (tenants)."""


for _command in (move, usage, quota, erase):
    institutions.add_command(_command)


@institutions.command("create")
@with_settings
@click.argument("name")
def create(settings: Settings, name: str) -> None:
    """Make an institution called NAME and print its id."""
    with services_of(settings) as services:
        click.echo(services.institutions.create(name).institution)


@institutions.command("list")
@with_settings
def list_(settings: Settings) -> None:
    """List all institutions, oldest first."""
    with services_of(settings) as services:
        for item in services.institutions.list():
            place = ""
            if settings.shards:
                placement = services.placements.of(item.institution)
                place = f"  {placement.shard} ({placement.state})"
            click.echo(f"{item.institution}  {item.created_at:%Y-%m-%d}{place}  {item.name}")
