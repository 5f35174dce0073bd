"""The commands of ``nextlabel``, found in the registry."""

from collections.abc import Callable
from typing import Annotated, Any, final

import typer
from typer.core import TyperGroup

__all__ = ["app"]


@final
class _Commands(TyperGroup):
    """The registered commands, each imported when it is called or described."""

    def list_commands(self, ctx: Any) -> list[str]:
        from nextlabel.core.registry import names

        return list(names("command"))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from nextlabel.core.registry import names

        if cmd_name not in names("command"):
            return None
        single = typer.Typer(add_completion=False)
        single.command(cmd_name)(_function(cmd_name))
        return typer.main.get_command(single)


def _function(name: str) -> Callable[..., Any]:
    """What is registered; in place of what cannot be used, a command that says why, so that others work."""
    from nextlabel.core.registry import resolve
    from nextlabel.errors import NextlabelError

    try:
        registered: Callable[..., Any] = resolve("command", name)
    except NextlabelError as error:
        reason = error

        def unusable() -> None:
            """Cannot be used; call it to read why."""
            raise reason

        return unusable
    return registered


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
