"""`lrs institutions`: make and list tenants; and which of them a command is about."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from infra.cli.options import with_settings
from lrs.institutions import Institution
from lrs.services import Services, open_services
from lrs.settings import Settings

institution_option = click.option(
    "--institution",
    metavar="ID|NAME",
    help="Institution; may be left out where there is only one.",
)


@contextmanager
def services_of(settings: Settings) -> Iterator[Services]:
    """Gives the record store's services for the length of a command."""
    services = open_services(settings)
    try:
        yield services
    finally:
        services.close()


def chosen(services: Services, said: str | None) -> Institution:
    """Returns the institution that was named, or the only one. Raises a usage error otherwise."""
    known = services.institutions.list()
    if said is None:
        if len(known) == 1:
            return known[0]
        names = ", ".join(item.name for item in known) or "none"
        raise click.UsageError(f"Say which institution with --institution (there are: {names}).")
    found = [item for item in known if said in (str(item.institution), item.name)]
    if len(found) != 1:
        kind = "Several institutions are" if found else "No institution is"
        raise click.UsageError(f"{kind} called {said!r}; see `lrs institutions list`.")
    return found[0]


@click.group()
def institutions() -> None:
    """Make and list institutions (tenants)."""


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
            click.echo(f"{item.institution}  {item.created_at:%Y-%m-%d}  {item.name}")
