"""The command line: every command loads, takes --data, and says plainly what it lacks."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from infra.cli import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output


OFFLINE = {"receipt"}
"""Commands that must work on a machine without an instance."""


def takes_data(command: click.Command) -> bool:
    if command.name in OFFLINE:
        return True
    if isinstance(command, click.Group):
        return all(takes_data(each) for each in command.commands.values())
    return any("--data" in option.opts for option in command.params)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_data_folder(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert takes_data(command)


def test_no_instance_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LRS_DSN", raising=False)
    result = CliRunner().invoke(main, ["migrate", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert f"lrs up --data {tmp_path}" in result.output


def test_a_database_that_is_away_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRS_DSN", "postgresql://127.0.0.1:1/none")
    monkeypatch.setenv("LRS_ADMIN_DSN", "postgresql://127.0.0.1:1/none")
    result = CliRunner().invoke(main, ["migrate", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "does not answer" in result.output


def test_an_unknown_command_is_refused() -> None:
    assert CliRunner().invoke(main, ["nonsense"]).exit_code == 2
