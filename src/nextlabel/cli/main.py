"""``nextlabel``: finds commands in the registry, and turns our errors into one message."""

import sys
from typing import Annotated, Any, final

import typer
from typer.core import TyperGroup

from nextlabel.errors import NextlabelError

__all__ = ["app", "main"]


@final
class _Commands(TyperGroup):
    """The registered commands, each imported when it is called or described."""

    def list_commands(self, ctx: Any) -> list[str]:
        from nextlabel.core.registry import names

        return list(names("command"))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from nextlabel.core.registry import names, resolve

        if cmd_name not in names("command"):
            return None
        single = typer.Typer(add_completion=False)
        single.command(cmd_name)(resolve("command", cmd_name))
        return typer.main.get_command(single)


app = typer.Typer(cls=_Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def _say_version(wanted: bool) -> None:
    if wanted:
        from nextlabel import __version__

        typer.echo(f"nextlabel {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and stop."),
    ] = False,
) -> None:
    """Deep batch active learning that people can trust."""


def main() -> None:
    """Run the command line; our own errors are one message and exit code 2, an interrupt is 130."""
    try:
        app()
    except NextlabelError as error:
        for line in (str(error), *getattr(error, "__notes__", ())):
            typer.echo(line, err=True)
        sys.exit(2)
