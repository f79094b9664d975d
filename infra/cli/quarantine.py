"""`lrs quarantine`: see what was refused and why; replay or drop it."""

from datetime import UTC, datetime
from typing import BinaryIO
from uuid import UUID

import click
import orjson

from domain.quarantine import Reason
from domain.values import json_text
from infra.cli.options import with_settings
from infra.cli.tenants import chosen, institution_option, services_for
from lrs.settings import Settings

PAGE = 200


@click.group()
def quarantine() -> None:
    """See, replay and drop refused statements."""


@quarantine.command("list")
@with_settings
@institution_option
@click.option("--reason", type=click.Choice([reason.value for reason in Reason]))
@click.option("--since", type=click.DateTime(), help="Came since then (UTC).")
@click.option("--credential", metavar="KEY", help="Came by this credential.")
def list_(
    settings: Settings,
    institution: str | None,
    reason: str | None,
    since: datetime | None,
    credential: str | None,
) -> None:
    """List refused requests, newest first: id, last time, how often, statements, key, reason."""
    with services_for(settings, institution) as services:
        tenant, before = chosen(services, institution).institution, None
        while page := services.quarantine.page(
            tenant,
            credential=credential,
            why=None if reason is None else Reason(reason),
            since=None if since is None else since.replace(tzinfo=UTC),
            before=before,
            limit=PAGE,
        ):
            for item in page:
                click.echo(
                    f"{item.id}  {item.last_at:%Y-%m-%dT%XZ}  {item.times:>6,}x"
                    f"  {item.statements:>5,}  {item.credential}  {item.reason}: {item.rule}"
                )
            before = page[-1].id


@quarantine.command("show")
@with_settings
@institution_option
@click.argument("item", type=click.UUID)
def show(settings: Settings, institution: str | None, item: UUID) -> None:
    """Print what is wrong with ITEM, then its statements: one JSON object a line."""
    with services_for(settings, institution) as services:
        held = services.quarantine.get(chosen(services, institution).institution, item)
    for fault in held.faults:
        where = "request" if fault.number is None else f"statement {fault.number}"
        click.echo(f"{where}  {fault.pointer or '(whole)'}  {fault.rule}: {fault.detail}", err=True)
    for statement in held.kept.values():
        click.echo(orjson.dumps(statement))
    if missing := held.item.statements - len(held.kept):
        click.echo(f"Not kept: {missing:,} of {held.item.statements:,} statements.", err=True)


@quarantine.command("replay")
@with_settings
@institution_option
@click.option(
    "--statements",
    "file",
    type=click.File("rb"),
    help="Corrected statements in place of all: a JSON array, or one (- for standard input).",
)
@click.argument("item", type=click.UUID)
def replay(settings: Settings, institution: str | None, file: BinaryIO | None, item: UUID) -> None:
    """Record the statements of ITEM as if its credential sent them now, all or none; drop it."""
    content = None if file is None else json_text.parse(file.read())
    if content is not None and not isinstance(content, list):
        content = [content]
    with services_for(settings, institution) as services:
        tenant = chosen(services, institution).institution
        sender = services.quarantine.get(tenant, item).item.credential
        holder = services.credentials.sender(tenant, sender)
        accepted = services.quarantine.replay(holder, item, content)
    for statement_id in accepted.ids:
        click.echo(statement_id)


@quarantine.command("drop")
@with_settings
@institution_option
@click.argument("items", nargs=-1, required=True, type=click.UUID)
def drop(settings: Settings, institution: str | None, items: tuple[UUID, ...]) -> None:
    """Delete ITEMS for good."""
    with services_for(settings, institution) as services:
        tenant = chosen(services, institution).institution
        for item in items:
            services.quarantine.drop(tenant, item)
    click.echo(f"Dropped {len(items)}.")
