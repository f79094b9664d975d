"""`lrs export`: all statements of an institution as JSON lines."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import orjson

from infra.cli.bars import progress_bar
from infra.cli.options import with_settings
from infra.cli.tenants import chosen, institution_option, services_for
from infra.imports.exporter import pages
from lrs.settings import Settings


@click.command()
@with_settings
@institution_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="-",
    help="File to write, readable by its owner only; - is standard output.",
)
def export(settings: Settings, institution: str | None, out: str) -> None:
    """Export all statements, in the order of the log, voided ones too; erased ones are gone.

    The output holds personal data in clear: keep it as you keep the store's keys.
    """
    count = 0
    with (
        services_for(settings, institution) as services,
        _output(out) as file,
        progress_bar() as bar,
    ):
        tenant = chosen(services, institution).institution
        head = services.store.head()
        task = bar.add_task("export", total=head, told="")
        for position, statements in pages(services.store, tenant, head):
            file.writelines(orjson.dumps(statement) + b"\n" for statement in statements)
            count += len(statements)
            bar.update(task, completed=position, told=f"{count:,} statements")
    click.echo(f"{count:,} statements exported.", err=True)


@contextmanager
def _output(out: str) -> Iterator[BinaryIO]:
    """Gives the file; it gets its name only when it is complete."""
    if out == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(out)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
