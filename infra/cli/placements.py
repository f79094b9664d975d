"""`lrs institutions move`: an institution to another shard, while it goes on."""

import click
from rich.progress import Progress, TaskID

from infra.cli.bars import progress_bar
from infra.cli.options import with_settings
from infra.cli.tenants import chosen, services_of
from infra.processes.moves import ShardViews
from lrs.moves.copying import Tell
from lrs.moves.mover import Mover
from lrs.settings import Settings


@click.command()
@with_settings
@click.argument("institution")
@click.option("--to", metavar="SHARD", help="Where it is to live; `home` is the default database.")
@click.option("--give-up", is_flag=True, help="Leave it where it is, remove what was copied.")
def move(settings: Settings, *, institution: str, to: str | None, give_up: bool) -> None:
    """Move INSTITUTION (id or name) to another shard while it goes on.

    Reads go on throughout. Its writers get 503 and come back while the last of it is copied and
    everything compared, and for moments before if they outrun the copy; nobody else notices. Give
    the same command again after an interruption. Until it has gone over it can be given up.
    """
    if (to is None) != give_up:
        raise click.UsageError("Give one of --to and --give-up.")
    with services_of(settings) as services:
        tenant = chosen(services, institution)
    with (
        progress_bar() as bar,
        Mover(settings, tenant.institution, views=ShardViews(), tell=_telling(bar)) as mover,
    ):
        placement = mover.give_up() if to is None else mover.move(to)
    click.echo(f"{tenant.name} lives on {placement.shard}.")


def _telling(bar: Progress) -> Tell:
    tasks: dict[str, TaskID] = {}

    def tell(step: str, done: int, whole: int) -> None:
        if step not in tasks:
            tasks[step] = bar.add_task(step, total=None, told="")
        bar.update(tasks[step], completed=done, total=whole or None, told=f"{done:,}")

    return tell
