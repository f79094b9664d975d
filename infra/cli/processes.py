"""`lrs api|relay|worker|jobs`: each process of the system as a command of its own.

They run in the foreground until SIGTERM or SIGINT; `lrs up` starts the same commands.
"""

from contextlib import suppress
from importlib import import_module

import click
import psycopg

from infra import logging
from infra.cli.options import on_shard, with_settings
from infra.migrations import check
from lrs import shards
from lrs.settings import Settings


def _run(name: str, settings: Settings, *databases: Settings) -> None:
    for each in databases or (settings,):
        # A database that is away now is waited for, as it would be later.
        with suppress(psycopg.OperationalError):
            check(each)
    logging.configure(settings, name)
    import_module(f"infra.processes.{name}").run(settings)


@click.command()
@with_settings
def api(settings: Settings) -> None:
    """Serve the HTTP API."""
    _run("api", settings, *(shards.at(settings, name) for name in shards.names(settings)))


@click.command()
@on_shard
def relay(settings: Settings) -> None:
    """Carry the notification log to Kafka."""
    _run("relay", settings)


@click.command()
@on_shard
def worker(settings: Settings) -> None:
    """Build the views from Kafka (Faust)."""
    _run("worker", settings)


@click.command()
@on_shard
def jobs(settings: Settings) -> None:
    """Do the scheduled work: flags, releases, checkpoints."""
    _run("jobs", settings)
