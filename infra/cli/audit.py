"""`lrs audit`: what the record says of a person, and whether a receipt is genuine."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, BinaryIO
from uuid import UUID

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.errors import Error, NotFound
from infra.cli.options import nobody, with_settings
from infra.cli.tenants import chosen, institution_option, services_for, services_of
from lrs import subjects
from lrs.audit.receipts import PURPOSE, Receipts, verify
from lrs.audit.replay import Entry, Replay, as_json
from lrs.settings import Settings


@click.group()
def audit() -> None:
    """Replay the record of a person; verify receipts."""


@audit.command()
@with_settings
@institution_option
@click.option("--subject", required=True, metavar="UUID|JSON", help="Pseudonym, or an actor.")
@click.option("--as-of", metavar="POSITION|TIME", help="Log position or ISO 8601 time.")
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a line.")
def replay(
    settings: Settings, institution: str | None, subject: str, as_of: str | None, as_lines: bool
) -> None:
    """Print a person's history in the order of the log.

    What was erased shows as erased at its position, for earlier dates too. Exit code 2: nothing is
    recorded of this person.
    """
    with services_for(settings, institution) as services:
        tenant = chosen(services, institution).institution
        history = Replay(services)
        try:
            person = subjects.find(services, tenant, subject)
        except NotFound as refusal:
            raise nobody(refusal) from refusal
        through = None if as_of is None else _position(history, tenant, person, as_of)
        entries = history.of(tenant, person, through)
        if as_lines:
            for entry in entries:
                click.echo(orjson.dumps(as_json(entry)))
            return
        _print(person, entries)


@audit.command()
@click.argument("file", type=click.File("rb"))
@click.option("--key", required=True, help="Public key, as `lrs audit key` printed it.")
def receipt(file: BinaryIO, key: str) -> None:
    """Verify the receipt in FILE (- for standard input). Needs no database and no instance."""
    try:
        payload = verify(orjson.loads(file.read()), key)
    except (orjson.JSONDecodeError, Error) as refusal:
        raise click.ClickException(f"Not genuine: {refusal}") from refusal
    click.echo(f"Genuine: {payload.get('type')} of {payload.get('issued')}.")


@audit.command()
@with_settings
def key(settings: Settings) -> None:
    """Print the public key that verifies this deployment's receipts. Publish it."""
    with services_of(settings) as services:
        click.echo(Receipts(services.key_service.secret(PURPOSE)).public_key)


def _position(history: Replay, institution: UUID, person: UUID, said: str) -> int:
    if said.isdigit():
        return int(said)
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        raise click.BadParameter("neither a position nor a time", param_hint="--as-of") from None
    at = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return history.position_at(institution, person, at)


def _print(person: UUID, entries: Iterable[Entry]) -> None:
    table = Table(title=f"Record of {person}", title_justify="left", expand=False)
    table.add_column("position", justify="right")
    for name in ("stored", "as", "verb", "object", "result", "id", "note"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        # Text and not markup: what statements say must not be read as styles.
        table.add_row(
            *(
                Text(cell)
                for cell in (
                    str(entry.position),
                    f"{entry.stored:%Y-%m-%d %H:%M:%S}",
                    ", ".join(role.name.lower().replace("_", " ") for role in entry.roles),
                    (entry.verb or "").rpartition("/")[2] or entry.kind,
                    _brief(entry.object),
                    _short(entry.result),
                    str(entry.statement_id or ""),
                    _note(entry),
                )
            )
        )
    Console().print(table)


def _note(entry: Entry) -> str:
    if entry.detail is not None:
        return entry.detail
    notes = ["content erased"] if entry.kind == "erased" else []
    if entry.voids is not None:
        notes.append(f"voids {entry.voids}")
    if entry.voided_at is not None:
        notes.append(f"voided at {entry.voided_at}")
    notes += [f"{each.rule} at {each.pointer}" for each in entry.deviations]
    return "; ".join(notes)


def _brief(value: dict[str, Any] | None) -> str:
    return str(value["id"]) if value and "id" in value else _short(value)


def _short(value: dict[str, Any] | None) -> str:
    return "" if value is None else orjson.dumps(value).decode()
