"""`lrs settings`: every setting, its value here and its meaning."""

import re
from pathlib import Path

import click
from pydantic_core import PydanticUndefined

from infra.cli.options import data_option
from lrs.settings import Settings, load

PASSWORD = re.compile(r"(://[^:/@\s]*):[^@/\s]+@")
HEADING = "| variable | default | meaning |\n| --- | --- | --- |"


@click.command()
@data_option
@click.option("--markdown", is_flag=True, help="Print the table of docs/settings.md instead.")
def settings(data: Path, markdown: bool) -> None:
    """Show every setting as this instance has it; passwords are left out."""
    if markdown:
        click.echo(table())
        return
    for name, value in load(data).model_dump().items():
        click.echo(f"LRS_{name.upper()}={_without_password(str(value))}")


def table() -> str:
    """Returns all settings as a markdown table: variable, default, meaning."""
    rows = [HEADING]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (PydanticUndefined, "", None) else f"`{field.default}`"
        rows.append(f"| `LRS_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def _without_password(value: str) -> str:
    return PASSWORD.sub(r"\1:***@", value)
