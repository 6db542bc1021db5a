"""The `headrace` command: puts the verbs of this folder together."""

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from operations.cli.exit_status import refuse
from operations.cli.refusals import sentence_of

#: Command, which is the name of its module, too, → what it is for.
COMMANDS = {
    "run": "Run one process in the foreground.",
    "dev": "The local stack: Kafka, Postgres and every process.",
    "workspace": "Apply, list, show and remove workspaces.",
    "topics": "Create, list and describe the Kafka topics; find records in them and follow them.",
    "db": "Migrate the Postgres schema.",
    "jobs": "See jobs, and retry, cancel, pause or resume all that match.",
    "ai": "Measure how well replies are understood.",
    "proj": "The projections from Kafka to Postgres.",
    "dlq": "Dead letters: list, show, send through again, discard.",
    "leads": "Who is who: take apart leads that were merged wrongly.",
    "runs": "What engineers set in motion: list, show, resume and cancel.",
    "replay": "Read webhooks again through today's adapters.",
    "trace": "Tell the whole story of an id: from the raw request to every row and conclusion.",
    "refused": "Count the webhooks that were refused, and say why.",
    "audit": "Prove that nothing accepted was lost or doubled.",
}

#: How its processes end is for their supervisors, who know statuses of their own.
_SUPERVISED = "run"


class LazyCommands(TyperGroup):
    """Imports only the module of the command that is called: all together take seconds, and a list needs none."""

    def invoke(self, ctx: Any) -> Any:
        """Carries out the command. An error that is somebody's to mend is one sentence on stderr and exit status 2."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            sentence = None if ctx.invoked_subcommand == _SUPERVISED else sentence_of(error)
            if sentence is None:
                raise
            refuse(sentence)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """What help and completion list of the command; None for an unknown one, so that typer refuses it."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name], short_help=COMMANDS[cmd_name])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that is called, whole, and its arguments; a completion of its options comes this way, too."""
        name, _listed, rest = super().resolve_command(ctx, args)
        return name, None if name is None else whole_command(name), rest


def whole_command(name: str) -> Any:
    """The command with all its verbs and options."""
    verbs: typer.Typer = import_module(f"operations.cli.{name}").app
    command = get_command(verbs)
    command.name = name
    command.help = command.help or COMMANDS[name]
    command.short_help = COMMANDS[name]
    return command


app = typer.Typer(
    name="headrace",
    help="Turns provider webhooks into decisions a sales team can trust.",
    cls=LazyCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def headrace() -> None:
    """Turns provider webhooks into decisions a sales team can trust."""


def main() -> None:
    """The console script. A setting that can't be used is one sentence and exit status 2."""
    try:
        app()
    except ValueError as error:
        # Every ValidationError is a ValueError: what never fails needs no pydantic.
        from pydantic import ValidationError

        if not isinstance(error, ValidationError) or error.title not in ("Settings", "DevSettings"):
            raise
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            print(problem_sentence(problem["loc"], problem["msg"]), file=sys.stderr)
        sys.exit(2)


def problem_sentence(location: tuple[int | str, ...], message: str) -> str:
    """What is wrong with a setting, or with several that contradict each other: then the message names them."""
    if not location:
        return f"{message.removeprefix('Value error, ')}."
    return f"{environment_name(location)} is not usable: {message}."


def environment_name(location: tuple[int | str, ...]) -> str:
    """The environment variable of a setting: its alias as it is, or the prefix and the field in capitals."""
    name = str(location[0])
    return name if name.isupper() else f"HEADRACE_{name}".upper()
