"""`lrs erase`: forgets a person everywhere and prints the signed receipt."""

from typing import NoReturn
from uuid import UUID

import click
import orjson

from api.erasures import erasures_of
from domain.erasure import Erasure
from domain.errors import NotFound
from infra.cli.bars import progress_bar
from infra.cli.options import with_settings
from infra.cli.tenants import chosen, institution_option, services_for
from lrs import subjects
from lrs.erasure import Erasures, Radius
from lrs.settings import Settings

BY = "command line"


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
                _print_receipt(erasures.get(tenant, receipt))
                return
            person = subjects.find(services, tenant, actor or str(pseudonym))
            if dry_run:
                _print_radius(erasures.radius(tenant, person))
                return
            _print_receipt(_erase(erasures, erasures.request(tenant, person, by=BY, basis=basis)))
        except NotFound as refusal:
            _unknown(refusal)


def _erase(erasures: Erasures, erasure: Erasure) -> Erasure:
    with progress_bar() as bar:
        tasks = {}

        def tell(store: str, done: int, total: int) -> None:
            if store not in tasks:
                tasks[store] = bar.add_task(store, total=None, told="")
            told = f"{done:,} gone"
            bar.update(tasks[store], completed=done or 1, total=total or 1, told=told)

        done = erasures.run(erasure, tell)
    click.echo(f"Pseudonym {done.pseudonym}; erasure {done.id}: {done.state}.", err=True)
    return done


def _print_receipt(erasure: Erasure) -> None:
    if erasure.receipt is None:
        raise click.ClickException(
            f"The erasure is {erasure.state}, and another process is at it: ask again with"
            f" --receipt {erasure.id}"
        )
    click.echo(orjson.dumps(erasure.receipt, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))


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


def _unknown(refusal: NotFound) -> NoReturn:
    failure = click.ClickException(str(refusal))
    failure.exit_code = 2
    raise failure from refusal
