"""Which institution a command is about, and the services of the shard where it lives."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from lrs import shards
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
    """Gives the services of the shard that the settings name, for the length of a command."""
    services = open_services(settings)
    try:
        yield services
    finally:
        services.close()


@contextmanager
def services_for(settings: Settings, said: str | None) -> Iterator[Services]:
    """Gives the services of the shard where the institution lives that is `chosen`."""
    with services_of(settings) as services:
        if not settings.shards:
            yield services
            return
        shard = services.placements.of(chosen(services, said).institution).shard
    with services_of(shards.at(settings, shard)) as services:
        yield services


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
