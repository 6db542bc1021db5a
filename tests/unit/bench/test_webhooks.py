"""The benchmarks' webhooks are what they claim to be: proven, distinct, and each one message of a reply or notice."""

from datetime import UTC, datetime
from typing import get_args

import pytest
import yaml

from bench.webhooks import FILE, WORKSPACE, Template, Traffic, templates
from headrace.events.inbox import InboxMessage
from headrace.providers.adapter import Credentials, Receipt, Request
from headrace.providers.payload import read_payload
from headrace.providers.proofs import is_proven
from headrace.providers.registry import ADAPTERS

NOW = datetime(2026, 3, 2, 12, 0, 5, tzinfo=UTC)
CASES = [(traffic, template) for traffic in get_args(Traffic) for template in templates(traffic)]


def request_of(template: Template, number: int) -> Request:
    head, body = template.request(number).split(b"\r\n\r\n", 1)
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert int(fields["content-length"]) == len(body)
    return Request(body=body, headers=fields, query={}, payload=read_payload(body))


def message_of(template: Template, number: int) -> InboxMessage:
    adapter = ADAPTERS[template.provider]
    payload = read_payload(template.body(number))
    key = adapter.deliver(WORKSPACE, payload).dedupe_key
    receipt = Receipt(receipt_id="r", workspace=WORKSPACE, dedupe_key=key, received_at=NOW, timezone="UTC")
    (fact,) = adapter.normalise(payload, receipt).facts
    assert isinstance(fact, InboxMessage)
    return fact


@pytest.mark.parametrize(("traffic", "template"), CASES)
def test_a_webhook_proves_itself(traffic: Traffic, template: Template) -> None:
    secrets = yaml.safe_load(FILE.read_text())["providers"][template.provider]["secret"]
    credentials = Credentials(secrets=tuple(secrets) if isinstance(secrets, list) else (secrets,))
    assert is_proven(ADAPTERS[template.provider].proofs, request_of(template, 7), credentials)


@pytest.mark.parametrize(("traffic", "template"), CASES)
def test_different_numbers_are_different_messages(traffic: Traffic, template: Template) -> None:
    adapter = ADAPTERS[template.provider]
    keys = {adapter.deliver(WORKSPACE, read_payload(template.body(number))).dedupe_key for number in range(50)}
    ids = {message_of(template, number).message_id for number in range(50)}
    assert len(keys) == len(ids) == 50


@pytest.mark.parametrize(("traffic", "template"), CASES)
def test_its_lane_and_its_text_with_the_number_are_those_of_its_traffic(traffic: Traffic, template: Template) -> None:
    lane = ADAPTERS[template.provider].deliver(WORKSPACE, read_payload(template.body(7))).lane
    assert lane == ("bulk" if traffic == "sent notices" else "replies")
    assert "No. 0000000007: " in message_of(template, 7).text


def test_the_ingest_benchmark_posts_500_bytes() -> None:
    (template,) = templates("linkedin")
    assert 450 <= len(template.body(0)) <= 550
