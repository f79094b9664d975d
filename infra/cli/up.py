"""`lrs up`: everything on one machine, and what a newcomer needs to see first."""

import sys
from pathlib import Path
from typing import Any

import click

from infra.cli.options import data_option
from infra.local.instance import AlreadyRunning
from infra.local.kafka_jars import JarsMissing
from infra.local.process import StartFailed
from infra.local.supervisor import NotReady, Supervisor
from infra.topics import WrongPartitions
from lrs.settings import Settings

# One of the demo course, to try an erasure on.
LEARNER = '{"account": {"homePage": "https://demo.example.org", "name": "3f8fe27435e7"}}'


@click.command()
@data_option
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the API; 0: a free one.")
@click.option("--demo/--no-demo", default=True, help="Load the demo course.", show_default=True)
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write addresses, credentials and pids here (JSON, mode 0600) once everything answers.",
)
def up(data: Path, port: int | None, demo: bool, ready_file: Path | None) -> None:
    """Start and supervise everything: databases, Kafka, streams, API.

    Parts that settings name (LRS_DSN, LRS_KAFKA, LRS_CLICKHOUSE_URL) are used as they are; the
    others are started here. Ctrl-C stops all in order.
    """
    # From the environment only: the file of an instance that was killed must not speak here.
    settings = Settings(data=data)
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    _check_external(settings)
    supervisor = Supervisor(
        settings,
        with_demo=demo,
        ready_file=ready_file.absolute() if ready_file else None,
        tell=click.echo,
        on_ready=_welcome,
        on_demo=_progress,
    )
    try:
        supervisor.run()
    except (NotReady, AlreadyRunning, StartFailed, JarsMissing, WrongPartitions) as error:
        raise click.ClickException(str(error)) from error
    click.echo("Stopped; nothing is lost. Start again with the same command.")


def _check_external(settings: Settings) -> None:
    if settings.dsn and not (settings.admin_dsn and settings.keystore_dsn):
        raise click.ClickException(
            "With an external Postgres (LRS_DSN) set LRS_ADMIN_DSN, LRS_KEYSTORE_DSN and"
            " LRS_KEYSTORE_ADMIN_DSN too."
        )


def _progress(done: int, total: int) -> None:
    if sys.stdout.isatty():
        click.echo(f"\rLoading the demo course: {done:,} of {total:,} statements.", nl=False)
    if done >= total:
        click.echo(f"\rThe demo course is loaded: {total:,} statements.    ")


def _welcome(description: dict[str, Any]) -> None:
    url, credentials, data = description["url"], description["credentials"], description["data"]
    click.echo(f"\nKumbuka is running. Open {url}/\n")
    click.echo(f"  xAPI      {description['xapi_url']}")
    click.echo(f"  data      {data}")
    click.echo("\nCredentials (HTTP Basic):")
    for role, pair in credentials.items():
        click.echo(f"  {role:<11} {pair['key']} : {pair['secret']}")
    instructor = ":".join(credentials["instructor"].values())
    lrs = sys.argv[0] if Path(sys.argv[0]).name == "lrs" else "lrs"
    click.echo("\nThree commands to try:")
    click.echo(f"  curl -s -u '{instructor}' {url}/api/v1/courses")
    click.echo(f"  {lrs} release --data {data} --from 2013-09-01 --to 2014-06-30")
    click.echo(f"  {lrs} erase --data {data} --dry-run --actor '{LEARNER}'")
    click.echo("\nCtrl-C stops everything in order.\n")
