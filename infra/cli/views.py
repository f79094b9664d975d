"""`lrs rebuild`, `lrs dead-letters`, `lrs outline`: what operators do with the views."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import click
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import Invalid
from infra.cli.bars import progress_bar
from infra.cli.options import on_shard, with_settings
from infra.cli.tenants import chosen, institution_option, services_for, services_of
from lrs.settings import Settings
from projections.progress import Item, MoveOn
from projections.views import dead_letters as letters
from projections.views import outlines
from projections.views.apply import STREAMS, replay
from stream_processors.agents import connect
from stream_processors.rebuild import rebuild as rebuild_views


@click.command()
@on_shard
def rebuild(settings: Settings) -> None:
    """Make all views anew from the log, and swap them in; the workers may go on meanwhile."""
    with services_of(settings) as services, progress_bar() as bar:
        task = bar.add_task("rebuild", total=None, told="")

        def tell(reached: int, head: int) -> None:
            bar.update(task, completed=reached, total=head, told=f"{reached:,} of {head:,}")

        reached = rebuild_views(services, tell)
    click.echo(f"The views reflect position {reached}.")


@click.group("dead-letters")
def dead_letters() -> None:
    """List, replay and drop messages that could not be applied."""


@dead_letters.command("list")
@on_shard
def list_(settings: Settings) -> None:
    """List dead letters: what could not be applied and what waits behind it."""
    with connect(settings) as connection:
        after = 0
        while page := letters.listed(connection, after):
            for item in page:
                click.echo(
                    f"{item.id} {item.died_at:%Y-%m-%dT%H:%M:%SZ} {item.stream}/{item.partition}"
                    f" position {item.position} learner {item.learner}: {item.reason}"
                )
            after = page[-1].id


@dead_letters.command("replay")
@on_shard
@click.option("--stream", type=click.Choice(sorted(STREAMS)), default="facts", show_default=True)
@click.argument("learner", type=click.UUID)
def replay_(settings: Settings, stream: str, learner: UUID) -> None:
    """Apply the dead letters of LEARNER (a pseudonym) again, in order."""
    with connect(settings) as connection:
        done = replay(connection, STREAMS[stream], learner)
    click.echo(f"{done.applied} applied, {done.dead} failed again.")
    if done.dead:
        raise SystemExit(1)


@dead_letters.command("drop")
@on_shard
@click.argument("dead_letter", type=int, metavar="ID")
def drop(settings: Settings, dead_letter: int) -> None:
    """Give a dead letter up: what it says is never applied, until a rebuild reads the log again."""
    with connect(settings) as connection:
        found = letters.drop(connection, dead_letter)
    click.echo("Dropped." if found else "There is no such dead letter.")


class ItemIn(BaseModel):
    """An item of an outline file."""

    model_config = ConfigDict(extra="forbid")

    activity: str
    weight: float = Field(1.0, ge=0)
    required: bool = True
    due: datetime | None = None
    move_on: MoveOn = MoveOn.COMPLETED_OR_PASSED


class OutlineIn(BaseModel):
    """An outline file: the course's IRI and its items in order."""

    model_config = ConfigDict(extra="forbid")

    course: str
    items: list[ItemIn]


@click.command()
@with_settings
@institution_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def outline(settings: Settings, institution: str | None, file: Path) -> None:
    """Import the outline of a course from FILE (JSON); progress is measured against it."""
    try:
        given = OutlineIn.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        pointer = "".join(f"/{part}" for part in first["loc"])
        raise Invalid(pointer, first["type"], first["msg"]) from None
    with services_for(settings, institution) as services:
        tenant = chosen(services, institution).institution
        identify = services.activities.identify
        items = [
            (
                identify(tenant, item.activity),
                Item(item.weight, item.required, item.due, item.move_on),
            )
            for item in given.items
        ]
        with services.pool.connection() as connection:
            version = outlines.write(
                connection, tenant, identify(tenant, given.course), items, datetime.now(UTC)
            )
    click.echo(f"Version {version}: {len(items)} items.")
