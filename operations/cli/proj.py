"""`headrace proj …`: the projections from Kafka to Postgres."""

import typer

from operations.cli.proj_rebuild import rebuild
from operations.cli.proj_repair import repair
from operations.cli.proj_status import status
from operations.cli.proj_truncated import truncated
from operations.cli.proj_verify import hash_, verify
from operations.cli.proj_versions import drop, list_versions, promote, rollback

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command()(status)
app.command("verify")(verify)
app.command("hash")(hash_)
app.command("versions")(list_versions)
for _change in (rebuild, repair, truncated, promote, rollback, drop):
    app.command()(_change)


@app.callback()
def proj() -> None:
    """The projections from Kafka to Postgres."""
