"""`lrs credentials`: issue, list and revoke the keys by which tools and people come in."""

import click

from domain.roles import Role
from infra.cli.institutions import chosen, institution_option, services_of
from infra.cli.options import with_settings
from lrs.settings import Settings

PAGE = 200


@click.group()
def credentials() -> None:
    """Issue, list and revoke credentials."""


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
def issue(settings: Settings, institution: str | None, label: str, roles: tuple[str, ...]) -> None:
    """Issue a credential; its secret is shown this once."""
    with services_of(settings) as services:
        tenant = chosen(services, institution).institution
        key, secret = services.credentials.issue(tenant, label, [Role(role) for role in roles])
    click.echo(f"key:    {key}\nsecret: {secret}")


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
                click.echo(f"{item.key}  {state:<18}  {','.join(item.roles):<20}  {item.label}")
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
