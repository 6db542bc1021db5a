"""Who is who, from webhooks to rows: a message has one lead, and a lead that is two people is taken apart for good."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import psycopg
import pytest

from tests.e2e.conftest import running_stack
from tests.e2e.matrix_cases import Case
from tests.e2e.stack import Stack

DEADLINE = 90.0
PLACES = {provider: Case(provider=provider, scenario="interested") for provider in ("ghl", "smartlead", "emailbison")}


@pytest.fixture(scope="module")
def stack(shared_services: Mapping[str, str]) -> Iterator[Stack]:
    """One stack for all: each test has people of its own."""
    with running_stack(shared_services) as found:
        yield found


def post(stack: Stack, provider: str, body: dict[str, Any]) -> str:
    """Posts a webhook and waits for its verdict. Returns its receipt."""
    case = PLACES[provider]
    answer = httpx.post(f"{stack.ingest_url}{case.path}", headers=case.headers, json=body, trust_env=False)
    assert answer.status_code == 200, answer.text
    receipt: str = answer.json()["receipt_id"]
    until(stack, "SELECT FROM analytics.webhook_receipts WHERE receipt_id = %s AND verdict = 'fresh'", receipt)
    return receipt


def ask(stack: Stack, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.database_url) as connection:
        return connection.execute(query, parameters).fetchall()


def until(stack: Stack, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """The rows, once there are any."""
    give_up = time.monotonic() + DEADLINE
    while not (rows := ask(stack, query, *parameters)):
        assert time.monotonic() < give_up, f"nothing yet for {parameters}"
        time.sleep(0.1)
    return rows


def untracked_emailbison(name: str) -> dict[str, Any]:
    """What EmailBison says first of an answer from an address it doesn't know."""
    return {"event": {"type": "UNTRACKED_REPLY_RECEIVED", "workspace_id": 12}, "data": {"reply": _reply(name)}}


def interested_emailbison(name: str) -> dict[str, Any]:
    """What it says once somebody found out whose answer it is."""
    lead = {"id": f"5{name}", "email": f"ann-{name}@zen.example", "first_name": "Ann"}
    return {
        "event": {"type": "LEAD_INTERESTED", "workspace_id": 12},
        "data": {"campaign": {"id": 88, "name": "Founders"}, "lead": lead, "reply": _reply(name)},
    }


def _reply(name: str) -> dict[str, Any]:
    return {
        "id": f"99-{name}",
        "email_subject": "Re: idea",
        "from_email_address": f"desk-{name}@zen.example",
        "text_body": "Yes, send me the pricing please",
        "date_received": "2026-03-02T08:30:00Z",
    }


def untracked_smartlead(name: str) -> dict[str, Any]:
    return {
        "event_type": "UNTRACKED_REPLIES",
        "event_timestamp": "2026-03-02T05:24:33.353Z",
        "reply_message": {"message_id": f"<{name}@mx.example>", "text": "Yes, send me the pricing please"},
        "sender_detail": f"Desk <desk-{name}@zen.example>",
        "recipient_detail": "kim@sender.example",
    }


def reply_smartlead(name: str) -> dict[str, Any]:
    return {
        "event_type": "EMAIL_REPLY",
        "campaign_id": 4410,
        "stats_id": f"st-{name}",
        "sl_lead_email": f"ann-{name}@zen.example",
        "event_timestamp": "2026-03-02T05:24:33.353Z",
        "from_email": "kim@sender.example",
        "to_email": f"desk-{name}@zen.example",
        "to_name": "Desk",
        "reply_message": {"message_id": f"<{name}@mx.example>", "text": "Yes, send me the pricing please"},
        "leadCorrespondence": {
            "targetLeadEmail": f"ann-{name}@zen.example",
            "replyReceivedFrom": f"desk-{name}@zen.example",
        },
    }


PAIRS = {
    "emailbison": (untracked_emailbison, interested_emailbison),
    "smartlead": (untracked_smartlead, reply_smartlead),
}


@pytest.mark.parametrize("provider", PAIRS)
@pytest.mark.parametrize("turned", [False, True], ids=["stranger first", "lead first"])
def test_a_message_that_two_webhooks_give_to_two_leads_is_one_with_one_job_and_one_charge(
    stack: Stack, provider: str, turned: bool
) -> None:
    name = f"{provider}-{int(turned)}"
    first, second = (body(name) for body in PAIRS[provider][:: -1 if turned else 1])
    receipt = post(stack, provider, first)
    ((message_id, home),) = until(
        stack, "SELECT message_id, lead_id FROM analytics.messages WHERE receipt_id = %s", receipt
    )
    post(stack, provider, second)
    # Who was named second heard of it: so the second webhook is through the resolver.
    until(
        stack,
        "SELECT s.lead_id FROM proj_v1.lead_signals s JOIN analytics.leads l USING (lead_id) "
        "WHERE s.signal = 'answered_by_other' AND s.message_id = %s AND s.lead_id <> %s",
        message_id,
        home,
    )
    done = until(
        stack,
        "SELECT job_id, type, lead_id FROM analytics.jobs WHERE message_id = %s AND state = 'succeeded' "
        "AND (SELECT count(*) FROM analytics.jobs WHERE message_id = %s AND state = 'succeeded') = 2",
        message_id,
        message_id,
    )
    assert {lead for _, _, lead in done} == {home}
    assert ask(stack, "SELECT lead_id FROM analytics.messages WHERE message_id = %s", message_id) == [(home,)]
    assert len(ask(stack, "SELECT FROM analytics.jobs WHERE message_id = %s", message_id)) == 2
    jobs = [job_id for job_id, _, _ in done]
    # One life of each job, and each of its steps asked once: nothing was worked on or paid for twice.
    assert ask(stack, "SELECT FROM analytics.job_attempts WHERE attempt > 1 AND job_id = ANY(%s)", jobs) == []
    charges = ask(
        stack,
        "SELECT count(*), count(DISTINCT (job_id, step, call)) FROM analytics.ai_interactions WHERE message_id = %s",
        message_id,
    )
    assert charges[0][0] == charges[0][1] > 0


def sms(contact: str, address: str, text: str) -> dict[str, Any]:
    return {
        "contact_id": contact,
        "email": address,
        "location": {"id": "loc_77Qa"},
        "message": {"type": 2, "body": text},
        "workflow": {"id": text},
    }


def lead_of(stack: Stack, receipt: str) -> Any:
    return until(stack, "SELECT lead_id FROM analytics.messages WHERE receipt_id = %s", receipt)[0][0]


def suppressed(stack: Stack, lead: object) -> bool:
    return bool(ask(stack, "SELECT is_suppressed FROM analytics.leads WHERE lead_id = %s", lead)[0][0])


def test_a_lead_that_is_two_people_is_split_for_good(stack: Stack) -> None:
    ann, bob = "ann-s@zen.example", "bob-s@zen.example"
    anns = post(stack, "ghl", sms("contact-s", ann, "Hello there"))
    # Somebody gave Ann's contact to Bob.
    post(stack, "ghl", sms("contact-s", bob, "STOP"))
    lead = lead_of(stack, anns)
    bobs = post(stack, "smartlead", {**untracked_smartlead("s"), "sender_detail": f"Bob <{bob}>"})
    assert lead_of(stack, bobs) == lead
    until(stack, "SELECT FROM analytics.leads WHERE lead_id = %s AND is_suppressed", lead)
    settled = (
        "SELECT FROM (SELECT count(*) FILTER (WHERE state <> 'succeeded') AS open, count(*) FROM analytics.jobs "
        "WHERE lead_id = %s) AS jobs WHERE jobs.open = 0 AND jobs.count >= 4"
    )
    until(stack, settled, lead)
    arguments = ("leads", "split", str(lead), "--identity", f"email:{bob}")

    planned = stack.headrace(*arguments)
    assert f"email:{bob}, 1 message(s)" in planned
    assert "Nothing was done" in planned
    assert lead_of(stack, bobs) == lead
    done = json.loads(stack.headrace(*arguments, "--reason", "contact re-used", "--execute", "--json"))

    new = lead_of(stack, bobs)
    assert str(new) == done["plan"]["new_lead_id"]
    assert lead_of(stack, anns) == lead
    identities = "SELECT kind, value FROM analytics.lead_identities WHERE lead_id = %s ORDER BY 1, 2"
    assert ask(stack, identities, new) == [("email", bob)]
    assert ask(stack, identities, lead) == [("email", ann), ("ghl_contact_id", "contact-s")]
    # In doubt nobody is written to: both keep the opt-out.
    until(stack, "SELECT FROM analytics.leads WHERE lead_id = %s AND is_suppressed", new)
    assert suppressed(stack, lead)
    assert {one for (one,) in ask(stack, "SELECT lead_id FROM analytics.jobs j WHERE receipt_id = %s", bobs)} == {new}

    # What named both once names both again: they stay two, and each hears of its own.
    again = post(stack, "ghl", sms("contact-s", bob, "One more thing"))
    later = post(stack, "smartlead", {**untracked_smartlead("s2"), "sender_detail": f"Bob <{bob}>"})
    assert (lead_of(stack, again), lead_of(stack, later)) == (lead, new)
    assert ask(stack, "SELECT merged_lead_ids FROM analytics.leads WHERE lead_id = %s", new) == [([],)]

    story = stack.headrace("trace", str(lead))
    assert "split" in story
    assert str(new) in story
    assert str(lead) in stack.headrace("trace", str(new))
    runs = json.loads(stack.headrace("runs", "list", "--json"))
    assert [(run["verb"], run["state"]) for run in runs if run["run_id"] == done["run_id"]] == [("leads split", "done")]


def test_what_was_split_is_audited_and_rebuilt_to_equal_rows(stack: Stack) -> None:
    assert ask(stack, "SELECT FROM proj_v1.lead_splits") != []
    audit = json.loads(stack.headrace("audit", "--full", "--wait", "60", "--json", check=False))
    assert audit["missing"] == []
    stack.headrace("proj", "rebuild", "leads", "--execute")
    verdict = json.loads(stack.headrace("proj", "verify", "leads", "--wait", "30", "--json", check=False))
    assert verdict["outcome"] == "equal", verdict


def test_a_split_that_makes_no_sense_is_refused_with_what_to_do(stack: Stack) -> None:
    receipt = post(stack, "ghl", {**sms("contact-r", "ann-r@zen.example", "Hello"), "phone": "+13125550177"})
    lead = str(lead_of(stack, receipt))
    for identity in ("email:nobody@zen.example", "phone:+13125550177"):
        assert stack.status_of("leads", "split", lead, "--identity", identity, "--execute") == 2
    everything = ("--identity", "email:ann-r@zen.example", "--identity", "ghl_contact_id:contact-r")
    assert stack.status_of("leads", "split", lead, *everything) == 2
    assert stack.status_of("leads", "split", "00000000-0000-0000-0000-000000000000", *everything) == 2
