"""`lrs` on the command line: run in this process, or as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
from click.testing import CliRunner, Result

from infra.cli import main
from lrs.settings import Settings

Lrs = Callable[..., Result]
Apart = Callable[..., subprocess.CompletedProcess[str]]

COMMAND = [sys.executable, "-m", "infra.cli"]


def environment_of(settings: Settings) -> dict[str, str]:
    """Returns the environment in which a command finds an instance."""
    given = settings.model_dump(mode="json", exclude_unset=True)
    return {
        f"LRS_{name.upper()}": value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in given.items()
    }


def lrs_of(settings: Settings, *first: str) -> Lrs:
    """Returns what runs `lrs` with `first` and further words, on that instance, in this process.

    `given` is its standard input; what else is named goes into the environment.
    """

    def run(*words: str, given: str = "", **more: str) -> Result:
        env = {**environment_of(settings), "COLUMNS": "250", **more}
        return CliRunner(env=env).invoke(main, [*first, *words], input=given)

    return run


def folder_only(data: Path) -> dict[str, str]:
    """Returns the environment in which a command knows the folder of an instance and no more."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LRS_")}
    return {**kept, "LRS_DATA": str(data)}


def run_apart(data: Path, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Runs `lrs` as a process of its own that knows that folder."""
    done = subprocess.run(
        [*COMMAND, *words], env=folder_only(data), input=stdin, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )
