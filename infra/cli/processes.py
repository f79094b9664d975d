"""`lrs api|relay|worker|jobs`: each process of the system as a command of its own.

They run in the foreground until SIGTERM or SIGINT; `lrs up` starts the same commands.
"""

from importlib import import_module

import click

from infra import logging
from infra.cli.options import with_settings
from lrs.settings import Settings


def _run(name: str, settings: Settings) -> None:
    logging.configure(settings, name)
    import_module(f"infra.processes.{name}").run(settings)


@click.command()
@with_settings
def api(settings: Settings) -> None:
    """Serve the HTTP API."""
    _run("api", settings)


@click.command()
@with_settings
def relay(settings: Settings) -> None:
    """Carry the notification log to Kafka."""
    _run("relay", settings)


@click.command()
@with_settings
def worker(settings: Settings) -> None:
    """Build the views from Kafka (Faust)."""
    _run("worker", settings)


@click.command()
@with_settings
def jobs(settings: Settings) -> None:
    """Do the scheduled work: flags, releases, checkpoints."""
    _run("jobs", settings)
