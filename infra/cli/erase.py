"""`lrs erase`: forgets a person everywhere and prints the signed receipt."""

from uuid import UUID

import click

from api.erasures import erasures_of
from domain.erasure import Erasure
from domain.errors import NotFound
from infra.cli.options import nobody, with_settings
from infra.cli.tenants import chosen, institution_option, services_for
from infra.cli.workflows import BY, carry_out, print_receipt
from lrs import subjects
from lrs.erasure import Erasures, Radius
from lrs.settings import Settings


@click.command()
@with_settings
@institution_option
@click.option("--actor", metavar="JSON", help="The person as statements name them.")
@click.option("--pseudonym", type=click.UUID, help="The person by pseudonym.")
@click.option("--basis", default="", help="Why: the request or law, kept sealed in the log.")
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
@click.option("--receipt", type=click.UUID, metavar="ID", help="Print an earlier receipt instead.")
def erase(
    settings: Settings,
    *,
    institution: str | None,
    actor: str | None,
    pseudonym: UUID | None,
    basis: str,
    dry_run: bool,
    receipt: UUID | None,
) -> None:
    """Erase a person for good: keys, identifiers, index, documents, views.

    The receipt on standard output can be verified with the public key alone
    (`lrs audit receipt`). Erasing again, or after an interruption, finishes the same erasure. Exit
    code 2: nothing is recorded of this person.
    """
    given = [value for value in (actor, pseudonym, receipt) if value is not None]
    if len(given) != 1:
        raise click.UsageError("Give one of --actor, --pseudonym and --receipt.")
    with services_for(settings, institution) as services:
        tenant = chosen(services, institution).institution
        erasures = erasures_of(services)
        try:
            if receipt is not None:
                print_receipt(erasures.get(tenant, receipt), f"--receipt {receipt}")
                return
            person = subjects.find(services, tenant, actor or str(pseudonym))
            if dry_run:
                _print_radius(erasures.radius(tenant, person))
                return
            _finish(erasures, erasures.request(tenant, person, by=BY, basis=basis))
        except NotFound as refusal:
            raise nobody(refusal) from refusal


def _finish(erasures: Erasures, erasure: Erasure) -> None:
    done = carry_out(erasures, erasure, "gone")
    click.echo(f"Pseudonym {done.pseudonym}; erasure {done.id}: {done.state}.", err=True)
    print_receipt(done, f"--receipt {done.id}")


def _print_radius(radius: Radius) -> None:
    click.echo(f"Pseudonym {radius.pseudonym}. An erasure would take, by store:")
    for store, rows in radius.stores.items():
        click.echo(f"  {rows:>10,}  {store}")
    click.echo("Statements that name the person, by role:")
    for role, count in radius.roles.items():
        click.echo(f"  {count:>10,}  {role.name.lower().replace('_', ' ')}")
    if radius.groups:
        click.echo(f"Anonymous groups without another member, which go too: {radius.groups}")
    click.echo("Nothing was changed.")
