"""The guide to replay is true: the commands of its tasks, in its order, on one installation that is up and busy."""

import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from confluent_kafka import Producer

from headrace.events.topics import INBOX
from headrace.events.webhooks import WebhookMeta, webhook_headers
from operations.dev.ports import free_ports
from operations.dev.samples import WORKSPACE_FILE, sample_webhooks
from tests.e2e.conftest import running_stack
from tests.e2e.stack import Stack
from tests.reply_topics import WEBHOOKS_GHL

GUIDE = (Path(__file__).parents[2] / "docs" / "replay.md").read_text(encoding="utf-8")
_TASK = re.compile(r"^## (?P<title>.+?)\n(?P<text>.*?)(?=^## )", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LETTER = re.compile(r"^[\w.-]+:\d+:\d+:(\w+)$")
#: Commands that go on until somebody stops them.
_ENDLESS = ("topics tail", "--watch")
#: Nobody mended the adapter here: the record fails again, and the exit status tells of it.
_IN_VAIN = ("headrace dlq redrive --stage dedupe --error KeyError --rate 20 --wait 120 --execute",)
#: Whose webhook is in quarantine until it is applied.
_LATER = """
workspace: later
name: Later
timezone: UTC
providers:
  ghl: {location_id: loc_later, secret: a-secret-of-their-own}
"""
_A_RECEIPT = "SELECT receipt_id FROM analytics.messages WHERE direction = 'inbound' ORDER BY 1 LIMIT 1"
_AN_ABANDONED_RUN = "SELECT run_id FROM ctl.runs WHERE outcome IS NULL ORDER BY started_at LIMIT 1"
_SPARE_VERSION = """
SELECT version FROM ctl.projection_versions WHERE projection = %s AND state IN ('previous', 'dual') ORDER BY version
"""
_A_LETTER = """
SELECT concat_ws(':', origin_topic, origin_partition, origin_offset, stage) FROM analytics.dead_letters
WHERE stage = %s ORDER BY origin_offset LIMIT 1
"""
#: What the page has as an example → what there is of it here.
_EXAMPLES = {
    "0f0c…": "SELECT lead_id FROM analytics.messages WHERE direction = 'inbound' ORDER BY receipt_id LIMIT 1",
    "0198a5d2": _A_RECEIPT,
    "acme:ghl:InboundMessage:m-1": "SELECT dedupe_key FROM analytics.webhook_receipts WHERE verdict = 'fresh' LIMIT 1",
    "messages[3]@1042": "SELECT concat(src_topic, '[', src_partition, ']@', src_offset) FROM analytics.leads LIMIT 1",
}


def tasks() -> Iterator[tuple[str, list[str]]]:
    """Each task of the page with its commands, without their comments."""
    for found in _TASK.finditer(GUIDE):
        blocks = (re.sub(r"\\\n\s*", " ", block) for block in _BLOCK.findall(found["text"]))
        lines = [line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
        if commands := [line for line in lines if line]:
            yield found["title"], commands


@dataclass(frozen=True)
class Guide:
    """An installation on which every task of the page has something to do."""

    stack: Stack
    prompt: Path
    later: Path

    def run(self, command: str) -> None:
        """The command as the page has it, with the ids and times of this installation. It must end well."""
        program, *words = shlex.split(command)
        assert program == "headrace", command
        arguments = list(self._filled_in(words))
        if any(endless in command for endless in _ENDLESS):
            self._run_and_stop(arguments)
        elif command in _IN_VAIN:
            assert self.stack.status_of(*arguments) == 1, command
        else:
            self.stack.headrace(*arguments)

    def _filled_in(self, words: list[str]) -> Iterator[str]:
        today = datetime.now(UTC).date()
        for before, word in zip(["", *words], words, strict=False):
            if before in ("--from", "--to") and word.startswith("20"):
                yield str(today - timedelta(days=1) if before == "--from" else today + timedelta(days=1))
            elif word == "my-prompt.md":
                yield str(self.prompt)
            elif words[1] == "drop" and before == "--version":
                yield self._one(_SPARE_VERSION, words[2])
            elif letter := _LETTER.match(word):
                yield self._one(_A_LETTER, letter[1])
            elif query := _EXAMPLES.get(word):
                yield self._one(query)
            elif word.endswith("…"):
                yield self._one(_AN_ABANDONED_RUN if words[0] == "runs" else _A_RECEIPT)
            else:
                yield word

    def _one(self, query: str, *arguments: object) -> str:
        with psycopg.connect(self.stack.database_url) as connection:
            row = connection.execute(query.encode(), arguments).fetchone()
        assert row is not None, query
        return str(row[0])

    def _run_and_stop(self, arguments: list[str]) -> None:
        process = self.stack.started(*arguments)
        try:
            assert process.stdout is not None
            assert process.stdout.readline(), "it shows nothing"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) in (0, 130)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def guide(shared_services: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guide]:
    """A stack with samples of every provider, dead letters, a webhook in quarantine, and a run that was cut off."""
    folder = tmp_path_factory.mktemp("guide")
    (port,) = free_ports(1)
    with (folder / "sandbox.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "operations.dev.sandbox.ai_server", "--port", str(port)], stdout=log, stderr=log
        )
    model = {"AI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "sandbox-key"}
    prompt = folder / "my-prompt.md"
    prompt.write_text("Say what the reply means.\n")
    later = folder / "later.yaml"
    later.write_text(_LATER)
    try:
        with running_stack({**shared_services, **model}) as stack:
            _fill(stack)
            yield Guide(stack, prompt, later)
    finally:
        server.terminate()
        server.wait(timeout=10)


def _fill(stack: Stack) -> None:
    stack.headrace("workspace", "apply", str(WORKSPACE_FILE))
    _post_samples(stack)
    _spoil(stack)
    stack.headrace("audit", "--wait", "60", "--json", check=False)


def _post_samples(stack: Stack) -> None:
    with httpx.Client(base_url=stack.ingest_url, trust_env=False, timeout=10) as client:
        for sample in sample_webhooks():
            answer = client.post(sample.path, headers=sample.headers, params=sample.query, content=sample.body)
            assert answer.status_code == 200, answer.text
        # Somebody who proves to be known, about a location that nobody has applied.
        stray = {"contact_id": "c1", "location": {"id": "loc_later"}, "message": {"body": "Hello"}}
        answer = client.post("/webhooks/ghl", headers={"x-headrace-secret": "sample-ghl-new"}, json=stray)
        assert answer.status_code == 200, answer.text


def _spoil(stack: Stack) -> None:
    """Records that two stages have to set aside: of a provider that no adapter is for, and without any header."""
    settings = stack.settings()
    meta = WebhookMeta(receipt_id=str(uuid4()), provider="hubspot", workspace="acme", received_at=datetime.now(UTC))
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
    producer.produce(settings.topic(WEBHOOKS_GHL), b"{}", b"key", 0, headers=list(webhook_headers(meta)))
    producer.produce(settings.topic(INBOX), b"{}", b"acme", 0)
    assert producer.flush(15) == 0


def _cut_off_a_rebuild(stack: Stack, projection: str) -> None:
    begun = b"SELECT count(*) FROM ctl.runs WHERE outcome IS NULL AND subjects = ARRAY[%s]"
    with (
        psycopg.connect(stack.database_url) as holding,
        psycopg.connect(stack.database_url, autocommit=True) as looking,
    ):
        # Nothing can write a position now, so the rebuild can't end before it is killed.
        holding.execute("LOCK TABLE ctl.projection_offsets IN SHARE MODE")
        process = stack.started("proj", "rebuild", projection, "--execute")
        try:
            while looking.execute(begun, [f"projection:{projection}"]).fetchone() == (0,):
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
        finally:
            process.kill()
            process.communicate()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("title", "commands"), [pytest.param(*task, id=task[0]) for task in tasks()])
def test_the_commands_of_a_task_do_what_the_page_says(guide: Guide, title: str, commands: list[str]) -> None:
    if title == "A poison event":
        guide.stack.headrace("workspace", "apply", str(guide.later))
    if title == "A run was cut off":
        for projection in ("leads", "jobs"):
            _cut_off_a_rebuild(guide.stack, projection)
    for command in commands:
        guide.run(command)


def test_the_page_has_its_tasks() -> None:
    """Were the page written otherwise, the test above would have nothing to run."""
    titles = [title for title, _ in tasks()]
    assert len(titles) >= 8
    assert "A poison event" in titles
