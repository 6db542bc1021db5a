"""`headrace db …`: the Postgres schema."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from operations.versions.losses import Loss
    from projections import migrate

_NOTHING = "Nothing would be lost."
app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command(name="migrate")
def migrate_up() -> None:
    """Bring the schema up to what this program needs. Harmless when it is there already."""
    from headrace.settings import Settings
    from projections import migrate

    url = Settings().database_url
    before = _state(url)
    # Also one that is up to date: what the values of this program mean may have changed.
    migrate.upgrade(url, tell=_tell)
    if before.is_current:
        typer.echo(f"The schema is up to date (revision {before.head}).")
        return
    if before.lacking:
        typer.echo(f"Created the tables of {', '.join(before.lacking)}.")
        return
    typer.echo(f"Migrated the schema from {before.revision or 'nothing'} to revision {before.head}.")


@app.command()
def status() -> None:
    """Show the schema's revision; exit 1 when it is not the one this program needs."""
    from headrace.settings import Settings

    state = _state(Settings().database_url)
    if state.is_current:
        typer.echo(f"The schema is up to date (revision {state.head}).")
        return
    if state.lacking:
        typer.echo(f"The schema has no tables for {', '.join(state.lacking)} yet: run `headrace db migrate`.")
        raise typer.Exit(1)
    typer.echo(
        f"The schema is at revision {state.revision or 'none'}, this program needs {state.head}: "
        "run `headrace db migrate`."
    )
    raise typer.Exit(1)


@app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="Where to go back to; `base` removes everything.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Go back to an older revision. Tells what is lost and asks; only a replay of the log brings rows back."""
    from headrace.settings import Settings
    from operations.versions.losses import losses
    from projections import migrate

    url = Settings().database_url
    state = _state(url)
    lost = losses(url, revision, tell=_tell)
    typer.echo(f"From revision {state.revision or 'none'} to {revision!r}. This would be lost:" if lost else _NOTHING)
    for loss in lost:
        typer.echo(f"  {_loss_line(loss)}")
    if not yes:
        typer.confirm("Stop every worker first. Go on?", abort=True)
    migrate.downgrade(url, revision, tell=_tell)
    typer.echo(f"The schema is at revision {_state(url).revision or 'none'} now.")


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _loss_line(loss: "Loss") -> str:
    what = f"{loss.name}: " + (f"the columns {', '.join(loss.columns)}" if loss.columns else "all of it")
    return what if loss.rows is None else f"{what}, {loss.rows:,} rows"


def _state(url: str) -> "migrate.SchemaState":
    from projections import migrate

    return migrate.status(url)
