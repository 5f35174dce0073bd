"""Every registered command says what it does and refuses what it does not know."""

import pytest
from typer.testing import CliRunner

from nextlabel import names
from nextlabel.cli.app import app
from nextlabel.core.registry import resolve

COMMANDS = names("command")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_it_does(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    summary = (resolve("command", command).__doc__ or "").partition("\n")[0]
    assert summary
    assert summary in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_exit_code_2(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--no-such-option"])
    assert result.exit_code == 2
    assert "--no-such-option" in result.stderr
    assert not result.stdout


def test_the_overview_lists_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in COMMANDS:
        assert command in result.output
