"""`lrs forward`: send statements on to other stores as they come, and see how far that is."""

from uuid import UUID

import click
import orjson

from domain.errors import Invalid
from domain.forwarding import Selection
from domain.people import canonical_ifi
from domain.statements.rules import validate_actor
from domain.values.version import Version
from infra.cli.options import with_settings
from infra.cli.tenants import chosen, institution_option, services_for
from lrs.forwarding import Forwarding, Target
from lrs.settings import Settings

PAGE = 200
SECRET = "LRS_FORWARD_SECRET"  # noqa: S105


@click.group()
def forward() -> None:
    """Forward statements to other stores. The jobs process carries them."""


@forward.command("add")
@with_settings
@institution_option
@click.argument("url")
@click.option("--key", required=True, help="Key (user name) of the receiver's Basic credentials.")
@click.option(
    "--secret",
    prompt=True,
    hide_input=True,
    envvar=SECRET,
    help=f"Its secret; better asked for, or given in {SECRET}.",
)
@click.option("--agent", metavar="JSON", help="Only statements of this Agent or Group.")
@click.option("--verb", metavar="IRI", help="Only statements with this verb.")
@click.option("--activity", metavar="IRI", help="Only statements about this activity.")
@click.option("--registration", type=click.UUID, help="Only statements of this registration.")
@click.option("--related-agents", is_flag=True, help="Wherever the agent stands in a statement.")
@click.option("--related-activities", is_flag=True, help="Wherever the activity stands.")
@click.option("--from-start", is_flag=True, help="What is recorded already, too.")
def add(
    settings: Settings,
    *,
    institution: str | None,
    url: str,
    key: str,
    secret: str,
    agent: str | None,
    verb: str | None,
    activity: str | None,
    registration: UUID | None,
    related_agents: bool,
    related_activities: bool,
    from_start: bool,
) -> None:
    """Forward statements to the xAPI endpoint at URL (such as https://lrs.example/xapi)."""
    with services_for(settings, institution) as services:
        tenant = chosen(services, institution).institution
        ifi = None if agent is None else _identifier(agent)
        selection = Selection(
            person=None if ifi is None else services.people.resolve(tenant, [ifi])[ifi],
            verb=verb,
            activity=activity,
            registration=registration,
            related_agents=related_agents,
            related_activities=related_activities,
        )
        made = services.forwardings.start(
            tenant, Target(url, key, secret, selection), from_start=from_start
        )
    click.echo(made.id)


@forward.command("list")
@with_settings
@institution_option
def list_(settings: Settings, institution: str | None) -> None:
    """List forwardings, oldest first: how far each is, and why one waits."""
    with services_for(settings, institution) as services:
        tenant = chosen(services, institution).institution
        last, after = services.store.last(), None
        while page := services.forwardings.page(tenant, after, PAGE):
            for item in page:
                click.echo(f"{item.id}  {item.target.url}  {_state(item, last)}")
            after = page[-1].id


@forward.command("refused")
@with_settings
@institution_option
@click.argument("forwarding", type=click.UUID)
def refused(settings: Settings, institution: str | None, forwarding: UUID) -> None:
    """List the statements that the receiver refuses: position, its answer, time, id."""
    with services_for(settings, institution) as services:
        tenant, after = chosen(services, institution).institution, 0
        while page := services.forwardings.refusals(tenant, forwarding, after, PAGE):
            for item in page:
                name = item.statement or "erased"
                click.echo(
                    f"{item.position}  {item.status}  {item.refused_at:%Y-%m-%dT%XZ}  {name}"
                )
            after = page[-1].position


@forward.command("remove")
@with_settings
@institution_option
@click.argument("forwarding", type=click.UUID)
def remove(settings: Settings, institution: str | None, forwarding: UUID) -> None:
    """Forward nothing more to it, after the request that is under way."""
    with services_for(settings, institution) as services:
        services.forwardings.stop(chosen(services, institution).institution, forwarding)
    click.echo("Stopped.")


def _identifier(text: str) -> str:
    """Returns what identifies the agent; raises a usage error."""
    try:
        agent = orjson.loads(text)
        validate_actor(agent, Version.V2_0_0)
    except (orjson.JSONDecodeError, Invalid) as error:
        raise click.UsageError(f"--agent: {error}") from None
    ifi = canonical_ifi(agent)
    if ifi is None:
        raise click.UsageError("--agent: a Group needs an identifier.")
    return ifi


def _state(item: Forwarding, last: int) -> str:
    """Returns how it stands, in a line."""
    told = f"{item.sent:,} sent, {item.refused:,} refused"
    if item.stopped_at is not None:
        return f"stopped {item.stopped_at:%Y-%m-%d}; {told}"
    if item.failing_since is not None:
        return f"waits since {item.failing_since:%Y-%m-%dT%XZ} ({item.failure}); {told}"
    return f"at {item.position:,} of {last:,}; {told}"
