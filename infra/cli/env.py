"""`lrs env`: addresses and demo credentials of the running instance, for a shell."""

from shlex import quote

import click

from infra.cli.options import with_settings
from infra.local.demo import bootstrap
from lrs.settings import Settings


@click.command()
@with_settings
def env(settings: Settings) -> None:
    """Print exports for a shell: eval "$(lrs env)"."""
    url = settings.public_url or f"http://{settings.host}:{settings.port}"
    click.echo(f"export KUMBUKA_URL={quote(url)}")
    for role, pair in bootstrap(settings).items():
        value = quote(f"{pair['key']}:{pair['secret']}")
        click.echo(f"export KUMBUKA_{role.upper()}={value}")
