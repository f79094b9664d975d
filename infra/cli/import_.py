"""`lrs import`: files of statements into the store, every statement accounted for."""

import sys
import time
from collections.abc import Callable

import click
from rich.progress import Progress

from domain.credentials import Credential
from domain.roles import Action
from infra.cli.bars import progress_bar
from infra.cli.options import with_settings
from infra.cli.tenants import chosen, institution_option, services_for
from infra.imports import checkpoint
from infra.imports.acceptor import Acceptor
from infra.imports.importer import Done, Importer
from infra.imports.source import Source, open_source
from lrs.institutions import Institution
from lrs.services import Services
from lrs.settings import Settings

BATCH = 200
PAGE = 200
INTERRUPTED = 130

Tell = Callable[[checkpoint.Progress], None]


@click.command("import")
@with_settings
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True),
    metavar="FILE...",
)
@click.option("--batch", type=click.IntRange(1, 1000), default=BATCH, show_default=True)
@institution_option
@click.option("--as", "key", metavar="KEY", help="Credential to stand as the authority.")
@click.option("--restart", is_flag=True, help="Forget where an interrupted import was.")
def import_(
    settings: Settings,
    *,
    files: tuple[str, ...],
    batch: int,
    institution: str | None,
    key: str | None,
    restart: bool,
) -> None:
    """Import statements from FILE: JSON lines or arrays, gzipped or not; - is standard input.

    Everything is judged and recorded as if it were sent over HTTP. What is refused is listed, with
    the reason, in a file whose path is printed. An import that was cut short goes on where it was
    when the same command is given again; statements that are there already are left alone.
    """
    with services_for(settings, institution) as services:
        tenant = chosen(services, institution)
        acceptor = Acceptor(services, _credential(services, tenant, key))
        importer = Importer(
            acceptor,
            tenant.institution,
            settings.data / "imports",
            batch=min(batch, settings.max_batch),
            longest=settings.max_body_bytes,
        )
        for name in files:
            _import_one(importer, name, restart=restart)


def _credential(services: Services, tenant: Institution, key: str | None) -> Credential:
    """Returns in whose name statements are recorded: a credential, or this command itself."""
    if key is None:
        return Credential("lrs-import", tenant.institution, "lrs import", frozenset())
    after = None
    while page := services.credentials.list(tenant.institution, after, PAGE):
        for item in page:
            if item.key == key:
                found = item.holder(tenant.institution)
                if item.revoked_at or not found.may(Action.WRITE_STATEMENTS):
                    raise click.UsageError(f"The credential {key} may not write statements.")
                return found
        after = page[-1].credential
    raise click.UsageError(f"{tenant.name} has no credential {key}.")


def _import_one(importer: Importer, name: str, *, restart: bool) -> None:
    source = open_source(name)
    started = time.perf_counter()
    try:
        with progress_bar() as bar:
            done = importer.run(source, _teller(bar, source), restart=restart)
    except KeyboardInterrupt:
        how = "Give the same command again to go on." if source.identity else "Send it again."
        click.echo(f"\n{source.name}: interrupted. {how}", err=True)
        sys.exit(INTERRUPTED)
    finally:
        source.close()
    click.echo(_summary(source.name, done, time.perf_counter() - started))


def _teller(bar: Progress, source: Source) -> Tell:
    """Returns what shows an import's progress: of the bytes, with statements and their rate."""
    task = bar.add_task(source.name, total=source.size, told="")
    first: tuple[float, int] | None = None

    def tell(progress: checkpoint.Progress) -> None:
        nonlocal first
        # The rate is of this run, not of what an earlier one did.
        now, count = time.perf_counter(), progress.statements
        first = first or (now, count)
        rate = (count - first[1]) / (now - first[0]) if now > first[0] else 0.0
        told = f"{count:,} statements" + (f", {rate:,.0f}/s" if rate else "")
        bar.update(task, completed=source.position(), told=told)

    return tell


def _summary(name: str, done: Done, seconds: float) -> str:
    """Returns what became of a file, in a few lines."""
    progress = done.progress
    refused = sum(progress.refused.values())
    lines = [
        f"{name}: {progress.statements:,} statements"
        f" ({progress.accepted:,} accepted, {progress.present:,} already there,"
        f" {refused:,} refused) in {seconds:.1f} s"
    ]
    if done.resumed_after:
        lines.append(f"  gone on after number {done.resumed_after:,}; counted from the start")
    lines += [
        f"  refused by {rule}: {count:,}"
        for rule, count in sorted(progress.refused.items(), key=lambda item: -item[1])
    ]
    if done.report:
        lines.append(f"  reasons: {done.report}")
    return "\n".join(lines)
