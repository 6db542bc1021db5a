"""`headrace run …`: one process in the foreground, for a supervisor to keep alive."""

from collections.abc import Callable

import typer

from headrace.exit_status import START_AGAIN
from operations.cli.exit_status import refuse

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def run() -> None:
    """Run one process in the foreground."""


@app.command()
def ingest() -> None:
    """Receive webhooks over HTTP and make them durable in Kafka."""
    from headrace.settings import Settings
    from headrace.workspaces.encryption import SecretsKeyError
    from ingest.admission import PublicKeyError
    from ingest.server import IngestFailed, PortInUse, run_ingest

    try:
        _run(lambda: run_ingest(Settings()), PortInUse, SecretsKeyError, PublicKeyError)
    except IngestFailed as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(START_AGAIN) from None


@app.command()
def pipeline() -> None:
    """Judge and normalise replies, and find the lead of every fact."""
    from headrace.settings import Settings
    from streams.pipeline.workers import pipeline_worker

    _run(lambda: pipeline_worker(Settings()).run())


@app.command()
def bulk() -> None:
    """Judge and normalise sent and opened notices, at a pace that leaves room for replies."""
    from headrace.settings import Settings
    from streams.pipeline.workers import bulk_worker

    _run(lambda: bulk_worker(Settings()).run())


@app.command()
def jobs() -> None:
    """Look after inbound messages: run the jobs that are due."""
    from headrace.settings import Settings
    from streams.ai.chosen import AISettingsError
    from streams.jobs.app import jobs_app

    _run(lambda: jobs_app(Settings()).run(), AISettingsError)


@app.command()
def projections() -> None:
    """Write the read models in Postgres."""
    from headrace.settings import Settings
    from projections.worker import run_projections

    _run(lambda: run_projections(Settings()))


def _run(process: Callable[[], None], *errors: type[Exception]) -> None:
    from headrace.kafka.clients import KafkaSettingsError

    try:
        process()
    except (KafkaSettingsError, *errors) as error:  # type: ignore[misc]
        refuse(error)
