"""What commands share: `--data`, `--shard`, the settings found there, refusals in one line."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
import psycopg

from domain.errors import Error, NotFound
from domain.placements import HOME
from infra.local import instance
from lrs import shards
from lrs.placements import SHUT
from lrs.settings import Settings, load

SHARD_HELP = "Shard to work on; `home` is the default database."

P = ParamSpec("P")
R = TypeVar("R")

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="LRS_DATA",
    default=Path("var"),
    show_default=True,
    help="Data folder of the instance (environment: LRS_DATA).",
)


def with_settings(command: Callable[Concatenate[Settings, P], R]) -> Callable[..., R]:
    """Gives the command `--data` and, as its first argument, the settings of that instance.

    Ends with a plain message when nothing runs there, the database does not answer, or the
    domain refuses.
    """

    @data_option
    @wraps(command)
    def wrapper(data: Path, *args: P.args, **kwargs: P.kwargs) -> R:
        settings = load(data)
        if not settings.dsn:
            raise click.ClickException(
                f"No instance runs in {data}. Start one with `lrs up --data {data}`, name another"
                " folder with --data, or set LRS_DSN."
            )
        try:
            return command(settings, *args, **kwargs)
        except Error as refusal:
            raise click.ClickException(str(refusal)) from refusal
        except psycopg.OperationalError as error:
            state = "runs" if instance.running(data) else "does not run"
            raise click.ClickException(
                f"The database does not answer, and the instance in {data} {state}: {error}"
            ) from error
        except psycopg.DatabaseError as error:
            if error.sqlstate != SHUT:
                raise
            told = "The institution is moving, or was just moved: give the command again."
            raise click.ClickException(told) from error

    return wrapper


def on_shard(command: Callable[Concatenate[Settings, P], R]) -> Callable[..., R]:
    """The same, with `--shard`: the settings are those of that shard."""

    @wraps(command)
    def wrapper(settings: Settings, *args: P.args, **kwargs: P.kwargs) -> R:
        shard = str(kwargs.pop("shard"))
        return command(shards.at(settings, shard), *args, **kwargs)

    option: Any = click.option("--shard", default=HOME, show_default=True, help=SHARD_HELP)
    return with_settings(option(wrapper))


def nobody(refusal: NotFound) -> click.ClickException:
    """Returns what ends a command about a person of whom nothing is recorded: exit code 2."""
    failure = click.ClickException(str(refusal))
    failure.exit_code = 2
    return failure
