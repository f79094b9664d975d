"""What `lrs erase` and `lrs institutions erase` share: a bar for each store, the signed receipt."""

from typing import TypeVar

import click
import orjson
from rich.progress import TaskID

from domain.workflow import Workflow
from infra.cli.bars import progress_bar
from lrs.workflow import Workflows

BY = "command line"

W = TypeVar("W", bound=Workflow)


def carry_out(workflows: Workflows[W], workflow: W, verb: str = "") -> W:
    """Does what is left to do and returns the workflow as it is then.

    Shows a bar for each store, with how many rows of it were dealt with; `verb` says how.
    """
    with progress_bar() as bar:
        tasks: dict[str, TaskID] = {}

        def tell(store: str, done: int, total: int) -> None:
            if store not in tasks:
                tasks[store] = bar.add_task(store, total=None, told="")
            told = f"{done:,} {verb}".rstrip()
            bar.update(tasks[store], completed=done or 1, total=total or 1, told=told)

        return workflows.run(workflow, tell)


def print_receipt(workflow: Workflow, again: str) -> None:
    """Prints the receipt; without one yet, ends with what to give to see it later: `again`."""
    if workflow.receipt is None:
        raise click.ClickException(
            f"The erasure is {workflow.state}, and another process is at it: ask again with {again}"
        )
    click.echo(orjson.dumps(workflow.receipt, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
