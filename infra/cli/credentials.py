"""`lrs credentials`: issue, rotate, list and revoke the keys by which tools and people come in."""

import click

from domain.credentials import MAX_GRACE_SECONDS, Rates
from domain.roles import Role
from domain.scopes import Scope
from domain.statements.tolerance import Tolerated
from infra.cli.options import with_settings
from infra.cli.tenants import chosen, institution_option, services_of
from lrs.settings import Settings

PAGE = 200
RATE = click.FloatRange(0, 1e9)


@click.group()
def credentials() -> None:
    """Issue, rotate, list and revoke credentials."""


@credentials.command("issue")
@with_settings
@institution_option
@click.option("--label", required=True, help="What to call whoever holds it.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([role.value for role in Role]),
    help="What it allows; may be given several times.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What a tool reaches; may be given several times. Default: all.",
)
@click.option("--requests", type=RATE, help="Requests per second; 0: no limit.")
@click.option("--statements", type=RATE, help="Statements per second; 0: no limit.")
def issue(
    settings: Settings,
    *,
    institution: str | None,
    label: str,
    roles: tuple[str, ...],
    scopes: tuple[str, ...],
    requests: float | None,
    statements: float | None,
) -> None:
    """Issue a credential; its secret is shown this once.

    Rates are of each API process; without them the settings' hold.
    """
    with services_of(settings) as services:
        key, secret = services.credentials.issue(
            chosen(services, institution).institution,
            label,
            [Role(role) for role in roles],
            [Scope(scope) for scope in scopes] or None,
            Rates(requests=requests, statements=statements),
        )
    click.echo(f"key:    {key}\nsecret: {secret}")


@credentials.command("rotate")
@with_settings
@institution_option
@click.option(
    "--grace",
    type=click.IntRange(0, MAX_GRACE_SECONDS),
    default=0,
    show_default=True,
    help="Seconds for which the old secret opens too.",
)
@click.argument("key")
def rotate(settings: Settings, institution: str | None, grace: int, key: str) -> None:
    """Give the credential KEY a new secret, which is shown this once.

    The old one, and tokens that were given for it, end after the grace, within a minute everywhere.
    """
    with services_of(settings) as services:
        tenant = chosen(services, institution).institution
        secret, until = services.credentials.rotate(tenant, key, grace)
    click.echo(f"secret: {secret}\nThe old one ends: {until:%Y-%m-%d %H:%M:%S} UTC")


@credentials.command("tolerate")
@with_settings
@institution_option
@click.option(
    "--allow",
    "tolerance",
    multiple=True,
    type=click.Choice([each.value for each in Tolerated]),
    help="What to let through; may be given several times. None: nothing any more.",
)
@click.argument("key")
def tolerate(
    settings: Settings, institution: str | None, tolerance: tuple[str, ...], key: str
) -> None:
    """Accept what real tools send wrong from the credential KEY; each time is on the record."""
    with services_of(settings) as services:
        tenant = chosen(services, institution).institution
        services.credentials.tolerate(tenant, key, [Tolerated(each) for each in tolerance])
    click.echo(f"Tolerated: {', '.join(tolerance) or 'nothing'}.")


@credentials.command("list")
@with_settings
@institution_option
def list_(settings: Settings, institution: str | None) -> None:
    """List credentials, oldest first, revoked ones too; never their secrets."""
    with services_of(settings) as services:
        tenant = chosen(services, institution).institution
        after = None
        while page := services.credentials.list(tenant, after, PAGE):
            for item in page:
                state = f"revoked {item.revoked_at:%Y-%m-%d}" if item.revoked_at else "valid"
                reach = ",".join([*item.roles, *item.scopes, *item.tolerance])
                click.echo(f"{item.key}  {state:<18}  {reach:<20}  {item.label}")
            after = page[-1].credential


@credentials.command("revoke")
@with_settings
@institution_option
@click.argument("key")
def revoke(settings: Settings, institution: str | None, key: str) -> None:
    """Make the credential KEY open nothing any more, within a minute everywhere."""
    with services_of(settings) as services:
        services.credentials.revoke(chosen(services, institution).institution, key)
    click.echo("Revoked.")
