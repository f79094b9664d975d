"""`lrs institutions erase`: erases a whole institution and prints the signed receipt."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import click

from api.erasures import closures_of
from domain.errors import NotFound
from infra.cli.options import with_settings
from infra.cli.tenants import chosen, services_for, services_of
from infra.cli.workflows import BY, carry_out, print_receipt
from lrs import shards
from lrs.services import Services
from lrs.settings import Settings


@click.command("erase")
@with_settings
@click.argument("institution")
@click.option("--basis", default="", help="Why: the contract or law, kept sealed in the log.")
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
@click.option("--yes", is_flag=True, help="Do not ask. For scripts.")
@click.option("--receipt", is_flag=True, help="Print the receipt of INSTITUTION (id) once more.")
def erase(
    settings: Settings,
    *,
    institution: str,
    basis: str,
    dry_run: bool,
    yes: bool,
    receipt: bool,
) -> None:
    """Erase INSTITUTION (id or name) for good: keys, people, statements, documents, credentials.

    Nobody of it can come in any more from the first moment on. What is left is its place in the
    log, which nothing opens, and what was released of it with noise. Asks for its name first. The
    receipt on standard output can be verified with the public key alone (`lrs audit receipt`).
    After an interruption the jobs finish it; so does the same command, by id.
    """
    begun = _begun(settings, institution)
    if begun is not None:
        _finish(settings, begun)
        return
    if receipt:
        raise click.ClickException("nobody has asked for the erasure of this institution")
    with services_for(settings, institution) as services:
        tenant = chosen(services, institution)
        closures = closures_of(services)
        _print_radius(tenant.name, closures.radius(tenant.institution))
        if dry_run:
            click.echo("Nothing was changed.", err=True)
            return
        if not yes:
            said = click.prompt(f"Type the name of the institution ({tenant.name})", err=True)
            if said != tenant.name:
                raise click.ClickException("that is not its name: nothing was changed")
        closures.request(tenant.institution, by=BY, basis=basis)
    _finish(settings, tenant.institution)


@contextmanager
def _services_of(settings: Settings, institution: UUID) -> Iterator[Services]:
    """Gives the services of the shard where the institution lives, or lived."""
    with services_of(settings) as services:
        shard = services.placements.of(institution).shard
    with services_of(shards.at(settings, shard)) as services:
        yield services


def _begun(settings: Settings, said: str) -> UUID | None:
    """Returns the id that was said where its erasure was asked for already."""
    try:
        institution = UUID(said)
    except ValueError:
        return None
    with _services_of(settings, institution) as services:
        try:
            return closures_of(services).get(institution).institution
        except NotFound:
            return None


def _finish(settings: Settings, institution: UUID) -> None:
    with _services_of(settings, institution) as services:
        closures = closures_of(services)
        done = carry_out(closures, closures.get(institution))
    click.echo(f"Institution {institution}: {done.state}.", err=True)
    print_receipt(done, f"`lrs institutions erase {institution} --receipt`")


def _print_radius(name: str, stores: dict[str, int]) -> None:
    click.echo(f"{name}: its erasure takes, by store:", err=True)
    for store, rows in stores.items():
        click.echo(f"  {rows:>12,}  {store}", err=True)
