"""An installation in which webhooks go wrong: its processes are real, and so are their deaths."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from cryptography.fernet import Fernet
from pydantic import SecretStr

from headrace.events.dead_letters import redrive_of
from headrace.events.ids import derived_id
from headrace.events.jobs import JobDied, JobRequested
from headrace.events.records import Record
from headrace.events.topics import DEAD_LETTERS, JOBS, RECEIPTS, WEBHOOKS_QUARANTINE, Topic
from headrace.events.webhooks import WebhookMeta, webhook_headers
from headrace.kafka.faust.dead_letters import Failure, set_aside
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_ranges
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from headrace.workspaces.store import apply_workspaces
from headrace.workspaces.workspace import ProviderAccount, Workspace
from operations.letters.letter import UNFINISHED, Letter, LetterFilter
from operations.letters.letter_list import find_letters
from operations.letters.redrive import (
    SUBJECTS,
    VERB,
    RedriveReport,
    fitting_letters,
    redrive_scope,
    run_redrive,
)
from operations.runs.runs import Run, begin, find_runs
from projections.projection import decode_event
from streams.pipeline.dedupe import judge_record
from streams.pipeline.derived_records import receipt_record
from tests.headrace_command import Finished, headrace
from tests.integration.operations.installation import CODEC, NOW, about_job
from tests.integration.operations.story import Story
from tests.lifeline import end
from tests.reply_topics import WEBHOOKS_GHL

POISON_PROGRAM = Path(__file__).with_name("poison_program.py")
HEADRACE = str(Path(sys.executable).with_name("headrace"))
ROOT = Path(__file__).parents[3]
DEADLINE = 90.0


class Redriving(Story):
    """Writes what ingest writes, starts and kills processes, runs `headrace dlq`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.log = settings.data_dir.with_suffix(".log")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "DATABASE_URL": self.settings.database_url,
            "HEADRACE_TOPIC_PREFIX": self.settings.topic_prefix,
            "HEADRACE_PARTITIONS": str(self.settings.partitions),
            "HEADRACE_DATA_DIR": str(self.settings.data_dir),
        }

    def received(
        self, number: int, text: str, *, topic: Topic = WEBHOOKS_GHL, reason: str = "", repeat: int = 0
    ) -> str:
        """Ingest: an SMS of a contact of its own. Returns its receipt."""
        body = {"contact_id": f"c{number}", "location": {"id": "l"}, "message": {"body": text}, "number": number}
        receipt = derived_id("receipt", str(number), str(repeat))
        quarantined = topic is WEBHOOKS_QUARANTINE
        meta = WebhookMeta(
            receipt_id=receipt,
            provider="ghl",
            workspace="" if quarantined else "acme",
            received_at=datetime.now(UTC),
            quarantine_reason=reason,
        )
        key = receipt if quarantined else ADAPTERS["ghl"].deliver("acme", body).dedupe_key
        self.keyed(topic, key, json.dumps(body).encode(), webhook_headers(meta))
        return receipt

    @contextmanager
    def process(self, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A process while the block runs."""
        environment = {**os.environ, **self.environment, "PYTHONPATH": str(ROOT)}
        with self.log.open("ab") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            yield process
        finally:
            end(process)

    def job_died(self, number: int, **fields: Any) -> tuple[str, str]:
        """The jobs app: the job of the message is asked for and dies. Returns its letter and its id."""
        about = about_job(number) | fields
        self.request(number, **fields)
        why: dict[str, Any] = {"step": "classify", "error_class": "permanent", "reason": "refusal"}
        self.job(JobDied(**about, attempt=1, started_at=NOW, worker="w", **why), number)
        request = next(one for one in reversed(self.records(JOBS)) if is_request_of(one, about["job_id"]))
        failure = Failure(
            stage="execute", error_class="permanent", reason="refusal", attempts=1, first_at=NOW, last_at=NOW
        )
        out = set_aside(self.settings, request, failure)
        self.send(DEAD_LETTERS, out.partition, out.value or b"", out.headers)
        return f"{request.topic}:{request.partition}:{request.offset}:execute", about["job_id"]

    def refused(self, record: Record, projection: str, value: bytes, error_class: str) -> str:
        """A projection: it could not write the record. Returns its letter."""
        headers = [[name, base64.b64encode(value).decode()] for name, value in record.headers]
        with psycopg.connect(self.settings.database_url) as connection:
            connection.execute(
                'INSERT INTO ctl.dead_letters (projection, version, topic, partition, "offset", key, value, headers, '
                "record_at, error_class, reason, attempts, state, failed_at) "
                "VALUES (%s, 1, %s, %s, %s, %s, %s, %s, now(), %s, '', 1, 'open', now())",
                [
                    projection,
                    record.topic,
                    record.partition,
                    record.offset,
                    record.key,
                    value,
                    json.dumps(headers).encode(),
                    error_class,
                ],
            )
        return f"{record.topic}:{record.partition}:{record.offset}:project:{projection}"

    def judged(self, record: Record) -> None:
        """Dedupe: what it says of a webhook."""
        judged = judge_record(record, None, ADAPTERS, timedelta(days=30))
        assert judged.receipt is not None
        out = receipt_record(CODEC, self.settings.topic(RECEIPTS), judged.receipt, record, "")
        self.send(RECEIPTS, out.partition, out.value or b"", out.headers)

    def apply(self, workspace: str, location: str) -> None:
        """An operator applies a workspace."""
        account = ProviderAccount(accounts={"location_id": location})
        applied = Workspace(id=workspace, name=workspace, timezone="UTC", providers={"ghl": account})
        settings = self.settings.model_copy(update={"secrets_key": SecretStr(Fernet.generate_key().decode())})
        apply_workspaces(settings, [applied], NOW)

    def dlq(self, *arguments: str) -> Finished:
        return headrace(self.environment, "dlq", *arguments)

    def told(self, *arguments: str, exit_code: int = 0) -> Any:
        """What `headrace dlq … --json` says."""
        done = self.dlq(*arguments, "--json")
        assert done.exit_code == exit_code, done.output
        return json.loads(done.stdout)

    def letters(self, **conditions: Any) -> list[Letter]:
        """As `headrace dlq list` finds them."""
        return find_letters(self.settings, LetterFilter(**({"states": UNFINISHED} | conditions)))

    def states(self, **conditions: Any) -> dict[str, str]:
        """Letter → state."""
        return {one.id: one.state for one in self.letters(**conditions)}

    def redrive(self, *ids: str, **conditions: Any) -> RedriveReport:
        """As `headrace dlq redrive --execute`."""
        wanted = LetterFilter(ids=ids, **conditions)
        with begin(
            self.settings.database_url,
            verb=VERB,
            subjects=SUBJECTS,
            scope=redrive_scope(wanted, rate=500, wait_seconds=0),
            started_by="ann",
            run_id=uuid4(),
        ) as run:
            return run_redrive(self.settings, run, fitting_letters(self.settings, wanted), lambda _: None)

    def runs(self) -> list[Run]:
        """All there were."""
        return find_runs(self.settings.database_url)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.settings.database_url) as connection:
            return connection.execute(query.encode()).fetchall()

    def until(self, query: str, wanted: object) -> None:
        """Wait until the first row is what is wanted."""
        self.until_true(lambda: self.rows(query)[:1] == [wanted], query)

    def until_true(self, is_so: Callable[[], bool], what: str) -> None:
        give_up = time.monotonic() + DEADLINE
        while not is_so():
            tail = self.log.read_text()[-3000:] if self.log.exists() else ""
            assert time.monotonic() < give_up, f"{what}\n{tail}"
            time.sleep(0.2)

    def records(self, topic: Topic) -> list[Record]:
        """All records of a topic."""
        return list(read_ranges(self.settings, LogOffsets(self.settings).ranges([self.settings.topic(topic)])))

    def redriven(self, topic: Topic) -> list[str]:
        """The letters among the records of a topic, each as often as it was sent again."""
        found = (redrive_of(record.headers) for record in self.records(topic))
        return sorted(one.letter_id for one in found if one is not None)


def is_request_of(record: Record, job_id: str) -> bool:
    event = decode_event(record)
    return isinstance(event, JobRequested) and event.job_id == job_id
