"""The real client against everything a server can do to it: each fault has its class, its tries and its bill."""

import asyncio
import logging
import socket
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from headrace.events.ai import AiCalled
from operations.dev.sandbox.ai_server import Rule
from streams.ai.asking import Desk, ask, most_micro_usd
from streams.ai.pricing import ModelPrice, PriceTable
from streams.ai.provider import EXPLANATIONS, AIConfig, AIError, AIPermanent, AIRetryable
from tests.contract.ai.questions import booking_task, classify_task, draft_task, timing_task
from tests.integration.ai.conftest import MakeProvider, Server

SECRET_TEXT = "Yes, sounds interesting to the zebra department"
PRICES = PriceTable({"gpt-5-mini": ModelPrice(input=Decimal("0.25"), cached=Decimal("0.025"), output=Decimal(2))})
VALID = (
    '{"label":"Interested","opt_out":false,"bounce":false,"contains_phone":null,"proposed_time":false,"confidence":0.9}'
)


async def test_answer_with_its_usage_and_names(make_provider: MakeProvider, server: Server) -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 90,
        "total_tokens": 1090,
        "prompt_tokens_details": {"cached_tokens": 768, "cache_write_tokens": 12},
        "completion_tokens_details": {"reasoning_tokens": 64},
    }
    server.script(Rule(usage=usage))
    result = await make_provider().run(classify_task(), 10)
    assert result.value.label == "Interested"
    used = result.usage
    assert (used.input, used.cached, used.cache_write, used.output, used.reasoning) == (1000, 768, 12, 90, 64)
    assert (used.source, used.total) == ("reported", 1090)
    assert (result.model, result.finish, result.request_id) == ("gpt-5-mini-2025-08-07", "stop", "req-1")
    (call,) = result.calls
    assert (call.structure, call.billing, call.response_id, call.http_status) == (
        "json_schema",
        "metered",
        "chatcmpl-1",
        200,
    )
    # 232 at 0.25, 768 at 0.025, 90 at 2: reasoning is inside the output, cached inside the input.
    assert PRICES.cost_micro_usd("openai", call, "gpt-5-mini") == 257


async def test_what_is_sent(make_provider: MakeProvider, server: Server) -> None:
    await make_provider().run(classify_task(SECRET_TEXT), 10)
    body = server.sandbox.seen[0].body
    assert set(body) == {"model", "messages", "max_completion_tokens", "reasoning_effort", "response_format"}
    assert body["response_format"]["json_schema"]["strict"] is True
    system, user = body["messages"]
    assert "zebra" not in system["content"]
    assert "zebra" in user["content"]


STATUSES = [
    (408, AIRetryable, "timeout"),
    (409, AIRetryable, "conflict"),
    (429, AIRetryable, "rate_limited"),
    (500, AIRetryable, "server_error"),
    (502, AIRetryable, "server_error"),
    (503, AIRetryable, "server_error"),
    (529, AIRetryable, "server_error"),
    (400, AIPermanent, "bad_request"),
    (422, AIPermanent, "bad_request"),
    (402, AIConfig, "quota"),
    (401, AIConfig, "bad_key"),
    (403, AIConfig, "forbidden"),
    (404, AIConfig, "wrong_url"),
    (405, AIConfig, "wrong_url"),
]


@pytest.mark.parametrize(("status", "kind", "reason"), STATUSES)
async def test_statuses(
    make_provider: MakeProvider, server: Server, status: int, kind: type[AIError], reason: str
) -> None:
    server.script(Rule(fault="status", status=status))
    with pytest.raises(kind) as raised:
        await make_provider().run(classify_task(), 10)
    assert raised.value.reason == reason
    (call,) = raised.value.calls
    assert (call.http_status, call.status, call.error, call.billing) == (status, "error", reason, "none")
    # The SDK's own retries would have been invisible.
    assert len(server.sandbox.seen) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry-after": "17"}, 17.0), ({"retry-after-ms": "1500"}, 1.5), ({}, None), ({"retry-after": "soon"}, None)],
)
async def test_rate_limit_tells_how_long(
    make_provider: MakeProvider, server: Server, headers: dict[str, str], seconds: float | None
) -> None:
    server.script(Rule(fault="status", status=429, headers=headers))
    with pytest.raises(AIRetryable) as raised:
        await make_provider().run(classify_task(), 10)
    assert raised.value.retry_after == seconds
    assert raised.value.error_class == "rate_limited"


async def test_wrong_key_then_the_right_one(make_provider: MakeProvider) -> None:
    with pytest.raises(AIConfig) as raised:
        await make_provider(api_key="sk-wrong").run(classify_task(), 10)
    assert (raised.value.reason, raised.value.error_class) == ("bad_key", "dependency_down")
    assert (await make_provider(api_key="sandbox-key\n").run(classify_task(), 10)).value.label == "Interested"


async def test_no_credit_and_unknown_model_are_for_the_operator(make_provider: MakeProvider, server: Server) -> None:
    server.script(Rule(fault="insufficient_quota", times=1))
    with pytest.raises(AIConfig, match="no credit"):
        await make_provider().run(classify_task(), 10)
    with pytest.raises(AIConfig, match="AI_MODEL"):
        await make_provider(model="gpt-9").run(classify_task(), 10)


@pytest.mark.parametrize("fault", ["broken_json", "not_a_completion", "no_choices"])
async def test_broken_bodies_are_retryable_but_not_for_ever(
    make_provider: MakeProvider, server: Server, fault: str
) -> None:
    server.script(Rule(fault=fault))  # type: ignore[arg-type]
    with pytest.raises(AIRetryable) as raised:
        await make_provider().run(classify_task(), 10)
    assert (raised.value.reason, raised.value.attempt_limit) == ("bad_body", 2)
    assert raised.value.calls[0].billing == "unknown"


@pytest.mark.parametrize("rule", [Rule(fault="hang"), Rule(fault="trickle", delay=0.2), Rule(delay=30)])
async def test_time_is_over_for_the_whole_call_not_for_each_read(
    make_provider: MakeProvider, server: Server, rule: Rule
) -> None:
    server.script(rule)
    async with asyncio.timeout(20):
        with pytest.raises(AIRetryable) as raised:
            await make_provider().run(classify_task(), 2.0)
    assert raised.value.reason == "timeout"
    # It may be billed: there is a call to record, and its cost is unknown.
    (call,) = raised.value.calls
    assert (call.error, call.billing) == ("timeout", "unknown")
    assert PRICES.cost_micro_usd("openai", call, "gpt-5-mini") is None


async def test_connection_refused_costs_nothing_and_broken_off_may(make_provider: MakeProvider, server: Server) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        with pytest.raises(AIRetryable) as refused:
            await make_provider(base_url=url).run(classify_task(), 10)
    assert (refused.value.reason, refused.value.calls[0].billing) == ("connection", "none")
    server.script(Rule(fault="close"))
    with pytest.raises(AIRetryable) as broken:
        await make_provider().run(classify_task(), 10)
    assert (broken.value.reason, broken.value.calls[0].billing) == ("connection", "unknown")


async def test_ladder_goes_down_and_is_remembered_for_an_hour(make_provider: MakeProvider, server: Server) -> None:
    now = 0.0
    provider = make_provider(clock=lambda: now)
    server.script(
        Rule(fault="refuse_structure", refused="json_schema"), Rule(fault="refuse_structure", refused="json_object")
    )
    result = await provider.run(classify_task(), 10)
    assert [call.structure for call in result.calls] == ["json_schema", "json_object", "text"]
    assert [call.status for call in result.calls] == ["error", "error", "ok"]
    assert '"label"' in server.sandbox.seen[-1].body["messages"][0]["content"]
    assert len((await provider.run(timing_task(), 10)).calls) == 1
    now = 3601.0
    assert len((await provider.run(classify_task(), 10)).calls) == 3


async def test_object_is_found_in_prose_and_fences(make_provider: MakeProvider, server: Server) -> None:
    server.script(Rule(fault="fenced"))
    result = await make_provider().run(classify_task(), 10)
    assert result.value.label == "Interested"
    assert len(result.calls) == 1


async def test_refused_parameters_are_left_out_once_and_for_all(make_provider: MakeProvider, server: Server) -> None:
    server.script(
        Rule(fault="refuse_parameter", refused="reasoning_effort"),
        Rule(fault="refuse_parameter", refused="max_completion_tokens"),
    )
    provider = make_provider()
    assert len((await provider.run(classify_task(), 10)).calls) == 3
    assert len((await provider.run(draft_task(), 10)).calls) == 1
    body = server.sandbox.seen[-1].body
    assert "reasoning_effort" not in body
    assert "max_completion_tokens" not in body
    assert body["max_tokens"] == 2000


async def test_parameter_refused_twice_is_a_bad_request(make_provider: MakeProvider, server: Server) -> None:
    # Not adaptable at all: named, but nothing we could leave out.
    server.script(Rule(fault="refuse_parameter", refused="messages"))
    with pytest.raises(AIPermanent) as raised:
        await make_provider().run(classify_task(), 10)
    assert raised.value.reason == "bad_request"


async def test_schema_breaking_answer_is_repaired_once_by_field_names(
    make_provider: MakeProvider, server: Server
) -> None:
    server.script(Rule(fault="schema_breaking", times=1))
    result = await make_provider().run(classify_task(SECRET_TEXT), 10)
    assert [call.error for call in result.calls] == ["schema_invalid", None]
    assert result.usage.input == sum(call.usage.input for call in result.calls)
    repair = server.sandbox.seen[1].body["messages"][-1]["content"]
    assert "label" in repair
    assert "Snoozed" not in repair


async def test_schema_broken_twice_is_permanent_and_keeps_its_bill(make_provider: MakeProvider, server: Server) -> None:
    server.script(Rule(fault="schema_breaking"))
    with pytest.raises(AIPermanent) as raised:
        await make_provider().run(classify_task(), 10)
    assert raised.value.reason == "schema_invalid"
    assert len(raised.value.calls) == 2
    assert all(call.usage.source == "reported" and call.usage.output > 0 for call in raised.value.calls)


async def test_value_out_of_range_is_ours_to_notice(make_provider: MakeProvider, server: Server) -> None:
    server.script(Rule(content=VALID.replace("0.9", "9.0"), times=1))
    result = await make_provider().run(classify_task(), 10)
    assert [call.structure for call in result.calls] == ["json_schema", "json_schema"]


@pytest.mark.parametrize("label", ["New", "Snoozed", "interested", ""])
async def test_labels_a_model_may_not_say(make_provider: MakeProvider, server: Server, label: str) -> None:
    server.script(Rule(content=VALID.replace("Interested", label)))
    with pytest.raises(AIPermanent):
        await make_provider().run(classify_task(), 10)


async def test_answer_that_contradicts_its_question_is_repaired(make_provider: MakeProvider, server: Server) -> None:
    slot = '{"intent":"accepts_slot","slot_index":7,"proposed":[],"confidence":0.99}'
    server.script(Rule(content=slot, times=1))
    result = await make_provider().run(booking_task(), 10)
    assert [call.error for call in result.calls] == ["schema_invalid", None]
    invented = VALID.replace("null", '"+13125550148"')
    server.script(Rule(content=invented, times=1))
    result = await make_provider().run(classify_task("call me"), 10)
    assert result.value.contains_phone is None


@pytest.mark.parametrize("fault", ["refusal", "content_filter"])
async def test_declined_is_for_a_person(make_provider: MakeProvider, server: Server, fault: str) -> None:
    server.script(Rule(fault=fault))  # type: ignore[arg-type]
    with pytest.raises(AIPermanent) as raised:
        await make_provider().run(classify_task(), 10)
    assert (raised.value.reason, raised.value.error_class) == (fault, "permanent")
    assert raised.value.calls[0].usage.source == "reported"


async def test_cut_answer_gets_twice_the_room_once(make_provider: MakeProvider, server: Server) -> None:
    server.script(Rule(fault="length", times=1))
    result = await make_provider().run(draft_task(), 10)
    limits = [seen.body["max_completion_tokens"] for seen in server.sandbox.seen]
    assert limits == [2000, 4000]
    assert [call.finish for call in result.calls] == ["length", "stop"]
    server.script(Rule(fault="length"))
    with pytest.raises(AIPermanent) as raised:
        await make_provider().run(draft_task(), 10)
    assert raised.value.reason == "length"


async def test_too_long_a_conversation_loses_its_oldest_part_once(make_provider: MakeProvider, server: Server) -> None:
    server.script(Rule(fault="context_too_long", times=1))
    await make_provider().run(classify_task("word " * 2000), 10)
    first, second = (len(seen.body["messages"][1]["content"]) for seen in server.sandbox.seen)
    assert second < first / 2
    server.script(Rule(fault="status", status=413))
    with pytest.raises(AIPermanent) as raised:
        await make_provider().run(classify_task(), 10)
    assert (raised.value.reason, len(raised.value.calls)) == ("context_too_long", 2)


async def test_missing_usage_is_estimated_and_says_so(make_provider: MakeProvider, server: Server) -> None:
    server.script(Rule(fault="no_usage"))
    result = await make_provider().run(classify_task(), 10)
    assert result.usage.source == "estimated"
    assert result.calls[0].billing == "estimated"
    sent = sum(len(message["content"].encode()) for message in server.sandbox.seen[0].body["messages"])
    assert result.usage.input == -(-sent // 4)


async def test_details_of_usage_may_be_missing(make_provider: MakeProvider, server: Server) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": None}
    server.script(Rule(usage=usage))
    result = await make_provider().run(classify_task(), 10)
    assert (result.usage.input, result.usage.cached, result.usage.reasoning) == (10, 0, 0)


async def test_no_text_and_no_key_in_errors_logs_or_events(
    make_provider: MakeProvider, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    events: list[AiCalled] = []
    # The server echoes key and text; the ranks of its errors must not.
    faults = ("schema_breaking", "status", "broken_json", "refuse_parameter", "length", "close")
    for fault in faults:
        server.sandbox.rules = [Rule(fault=fault, status=400, refused="messages")]  # type: ignore[arg-type]
        desk = Desk(provider=make_provider(), prices=PRICES, now=lambda: datetime(2026, 3, 2, tzinfo=UTC))
        with pytest.raises(AIError) as raised:
            await ask(desk, classify_task(SECRET_TEXT), timeout_s=10, record=events.append)
        assert str(raised.value) == EXPLANATIONS[raised.value.reason]
        assert raised.value.__cause__ is None
        assert raised.value.__context__ is None
    desk = Desk(provider=make_provider(api_key="sk-giraffe"), prices=PRICES, now=lambda: datetime.now(UTC))
    with pytest.raises(AIConfig) as refused:
        await ask(desk, classify_task(SECRET_TEXT), timeout_s=10, record=events.append)
    assert "giraffe" not in repr(refused.value)
    assert len(events) >= len(faults) + 1
    for leaked in ("zebra", "giraffe", "sandbox-key"):
        assert leaked not in caplog.text
        assert leaked not in repr(events)


async def test_cancelled_call_is_recorded_as_possibly_billed(make_provider: MakeProvider, server: Server) -> None:
    server.script(Rule(fault="hang"))
    events: list[AiCalled] = []
    desk = Desk(provider=make_provider(), prices=PRICES, now=lambda: datetime(2026, 3, 2, tzinfo=UTC))
    asking = asyncio.create_task(ask(desk, classify_task(), timeout_s=60, record=events.append))
    await server.sandbox.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    (event,) = events
    assert (event.status, event.billing, event.cost_micro_usd) == ("cancelled", "unknown", None)


async def test_reservation_covers_what_the_call_then_costs(make_provider: MakeProvider, server: Server) -> None:
    provider = make_provider()
    desk = Desk(provider=provider, prices=PRICES, now=lambda: datetime(2026, 3, 2, tzinfo=UTC))
    events: list[AiCalled] = []
    task = draft_task("¿Cuánto cuesta? 价格是多少 👍👍")
    most = most_micro_usd(desk, task)
    await ask(desk, task, timeout_s=10, record=events.append)
    assert most is not None
    assert events[0].cost_micro_usd is not None
    assert 0 < events[0].cost_micro_usd <= most
    assert most_micro_usd(Desk(provider=provider, prices=PriceTable({}), now=desk.now), task) is None


async def test_many_calls_at_once_share_one_client(make_provider: MakeProvider, server: Server) -> None:
    server.sandbox.barrier = asyncio.Barrier(60)
    provider = make_provider()
    await asyncio.gather(*(provider.run(classify_task(), 120) for _ in range(60)))
    assert server.sandbox.most_at_once == 60
