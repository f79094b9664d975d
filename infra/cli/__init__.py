"""`lrs`: the command line. One file per group of commands, imported only when called.

To add a command: write it in a file beside this one and add its line to COMMANDS.
"""

from importlib import import_module

import click

# Name of the command -> "module:attribute" of its click command.
COMMANDS = {
    "up": "infra.cli.up:up",
    "api": "infra.cli.processes:api",
    "relay": "infra.cli.processes:relay",
    "worker": "infra.cli.processes:worker",
    "jobs": "infra.cli.processes:jobs",
    "release": "infra.cli.release:release",
    "migrate": "infra.cli.migrate:migrate",
    "settings": "infra.cli.settings:settings",
    "env": "infra.cli.env:env",
    "import": "infra.cli.import_:import_",
    "export": "infra.cli.export:export",
    "institutions": "infra.cli.institutions:institutions",
    "credentials": "infra.cli.credentials:credentials",
    "quarantine": "infra.cli.quarantine:quarantine",
    "forward": "infra.cli.forward:forward",
    "erase": "infra.cli.erase:erase",
    "audit": "infra.cli.audit:audit",
    "fsck": "infra.cli.fsck:check",
    "rebuild": "infra.cli.views:rebuild",
    "dead-letters": "infra.cli.views:dead_letters",
    "outline": "infra.cli.views:outline",
}


class Lazy(click.Group):
    """A group that imports a command's module only when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Returns the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Returns the command of this name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kumbuka-lrs", prog_name="lrs")
def main() -> None:
    """Kumbuka: a learning record store that remembers, proves it, and can forget."""
