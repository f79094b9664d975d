"""`lrs fsck`: prove that log, index, documents and keys agree; mend the index from the log."""

import sys
from typing import Any
from uuid import UUID

import click
import orjson
import psycopg
from rich.progress import Progress, TaskID

from infra.cli.bars import progress_bar
from infra.cli.options import with_settings
from infra.cli.tenants import chosen, institution_option, services_of
from infra.processes.affinity import processors
from lrs import shards
from lrs.fsck import MEANINGS, MENDED, Finding, Report, fsck
from lrs.services import Services
from lrs.settings import Settings

FINDINGS, COULD_NOT_RUN = 1, 2
SHORT = 20_000
"""Positions that are judged sooner than a process starts."""


class Fsck(click.Command):
    """Keeps exit status 1 for findings: whatever keeps a run from its end is 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs it."""
        try:
            return super().invoke(ctx)
        except click.ClickException as failure:
            failure.exit_code = COULD_NOT_RUN
            raise
        except (psycopg.Error, OSError, KeyboardInterrupt) as error:
            told = click.ClickException(f"could not run: {str(error) or 'interrupted'}")
            told.exit_code = COULD_NOT_RUN
            raise told from error


@click.command("fsck", cls=Fsck)
@with_settings
@institution_option
@click.option("--shard", metavar="NAME", help="Judge this shard alone.  [default: all]")
@click.option("--repair", is_flag=True, help="Make wrong index rows anew from the log.")
@click.option("--since", type=int, metavar="POSITION", help="Judge only what came after it.")
@click.option(
    "--processes",
    type=click.IntRange(0),
    metavar="N",
    help="Judge with N processes at once; 0: without any of their own.  [default: one a core]",
)
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a line.")
def check(
    settings: Settings,
    *,
    institution: str | None,
    shard: str | None,
    repair: bool,
    since: int | None,
    processes: int | None,
    as_lines: bool,
) -> None:
    """Prove that log, index, documents, attachments and keys agree.

    May run beside everything else: what is written meanwhile is left to the next run. Views are not
    judged; `lrs rebuild` makes them anew. Ends with 0 when nothing was found, 1 when something was,
    mended or not, and 2 when it could not run. docs/operations.md says what each finding means.
    """
    tenant, places = _places(settings, institution, shard)
    if since is not None and len(places) > 1:
        raise click.UsageError("Positions are those of one shard: name it with --shard.")
    clean = True
    for place in places:
        with services_of(shards.at(settings, place)) as services, progress_bar() as bar:
            report = fsck(
                services,
                institution=tenant,
                since=since,
                repair=repair,
                processes=_spread(services, since) if processes is None else processes,
                found=lambda finding: _print(finding, as_lines=as_lines),
                tell=_Teller(bar),
            )
        if as_lines:
            click.echo(orjson.dumps({"shard": place, **_summary(report, repair=repair)}))
        else:
            click.echo(_text(report, place, repair=repair), err=True)
        clean &= report.clean
    sys.exit(0 if clean else FINDINGS)


def _places(
    settings: Settings, said: str | None, shard: str | None
) -> tuple[UUID | None, list[str]]:
    """Returns which institution is to be judged, if one was named, and on which shards."""
    if said is None:
        return None, shards.names(settings) if shard is None else [shard]
    with services_of(settings) as services:
        tenant = chosen(services, said).institution
        return tenant, [shard or services.placements.of(tenant).shard]


def _spread(services: Services, since: int | None) -> int:
    """Returns by how many processes what is to be judged is judged soonest."""
    short = services.store.last() - (since or 0) < SHORT
    return 0 if short else len(processors())


class _Teller:
    """Shows each pass as a bar of its own."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, name: str, done: int, whole: int) -> None:
        """Shows that so much of this pass is done."""
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name, total=whole, told="")
        told = f"position {done:,} of {whole:,}" if name == "log" else ""
        self._bar.update(self._tasks[name], completed=done, total=whole, told=told)


def _print(finding: Finding, *, as_lines: bool) -> None:
    if as_lines:
        click.echo(orjson.dumps(finding.as_json()))
        return
    where = "" if finding.position is None else f" at position {finding.position}"
    what = "" if finding.subject is None else f" {finding.subject}"
    whose = "" if finding.institution is None else f" (institution {finding.institution})"
    click.echo(f"{finding.kind}{where}{what}{whose}: {MEANINGS[finding.kind]}")


def _summary(report: Report, *, repair: bool) -> dict[str, object]:
    return {
        "clean": report.clean,
        "head": report.head,
        "events": report.events,
        "statements": report.statements,
        "erased": report.erased,
        "seconds": round(report.seconds, 3),
        "passes": report.passes,
        "findings": {kind.value: count for kind, count in sorted(report.kinds.items())},
        "mended": sum(n for kind, n in report.kinds.items() if kind in MENDED) if repair else 0,
    }


def _text(report: Report, shard: str, *, repair: bool) -> str:
    """Returns what the run came to, in a few lines."""
    rate = report.statements / report.seconds if report.seconds else 0.0
    lines = [
        f"Shard {shard}: {report.events:,} events up to position {report.head}:"
        f" {report.statements:,} statements, {report.erased:,} erased, in {report.seconds:.1f} s"
        f" ({rate:,.0f} statements/s).",
        f"Judged: {', '.join(report.passes)}. Not judged: views (lrs rebuild).",
    ]
    for kind, count in sorted(report.kinds.items()):
        mended = " mended" if repair and kind in MENDED else ""
        can = " --repair mends it" if not repair and kind in MENDED else ""
        lines.append(f"  {kind}: {count:,}{mended}{can}")
    lines.append("Clean." if report.clean else "Not clean: see docs/operations.md.")
    return "\n".join(lines)
