"""One call to a model (topic `ai-interactions`, keyed by lead): what it was for, what it took, how it ended. No text.

Where OpenTelemetry's GenAI conventions name a thing, the field's comment gives that name, so that an exporter needs no
thought. Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from headrace.events.caps import CutFields, ForeignId, PlainName, Ref, Word
from headrace.events.jobs import ErrorClass
from headrace.events.visibility import DETAIL


class AiCalled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try, failed ones too: three tries of one step are three events."""

    receipt_id: Ref
    workspace: Ref
    lead_id: Ref
    message_id: Ref
    job_id: Ref
    #: The step of the job, and the job's attempt, from 1.
    step: Word
    attempt: int
    #: Which try of this step and attempt, from 1, over all its questions: a repaired request is the next try.
    call: int
    #: When the call ended.
    called_at: datetime
    #: On whose behalf: `background-job/sms-inbound-post-process`.
    source: PlainName
    #: What was asked: `sentiment.classify`, `draft.generate` …
    feature: Word
    #: gen_ai.prompt.name.
    prompt_key: Word
    prompt_version: int
    #: Of the prompt's text with its shared part, before facts: hex.
    prompt_sha256: Word
    #: gen_ai.provider.name: openai, local or scripted.
    provider: Word
    #: chat_completions, local or scripted; gen_ai.operation.name is `chat` for all.
    api: Word
    #: gen_ai.response.model, or gen_ai.request.model when no reply came.
    model: PlainName
    #: How structure was asked for: json_schema, json_object, text. gen_ai.output.type is `json` for all.
    structure: Word | None = None
    #: gen_ai.usage.input_tokens; cached and written ones included.
    input_tokens: int = 0
    #: gen_ai.usage.cache_read.input_tokens.
    cached_tokens: int = 0
    #: gen_ai.usage.cache_creation.input_tokens.
    cache_write_tokens: int = 0
    #: gen_ai.usage.output_tokens; reasoning included.
    output_tokens: int = 0
    #: gen_ai.usage.reasoning.output_tokens.
    reasoning_tokens: int = 0
    #: Who counted: the provider, Headrace (UTF-8 bytes / 4), or nobody.
    usage_source: Literal["reported", "estimated", "none"]
    #: `unknown`: the call broke off and may be billed all the same.
    billing: Literal["metered", "estimated", "none", "unknown"]
    #: Millionths of a US dollar; None when the model's price or the usage is unknown, which is not the same as 0.
    cost_micro_usd: int | None
    #: What a try of unknown cost may have cost at most: as much counts against the workspace's budget. None when the
    #: cost is known, or when the model has no price.
    most_micro_usd: int | None = None
    #: Fingerprint of the price table the cost was computed with.
    price_version: Word
    #: gen_ai.client.operation.duration, in milliseconds.
    latency_ms: int
    status: Literal["ok", "error", "cancelled"]
    #: What to do about a failure.
    error_class: ErrorClass | None = None
    #: error.type: timeout, rate_limited, bad_key …
    error: Annotated[Word, DETAIL] | None = None
    #: http.response.status_code.
    http_status: int | None = None
    #: gen_ai.response.finish_reasons, of the one choice asked for.
    finish: Word | None = None
    #: gen_ai.response.id.
    response_id: ForeignId | None = None
    #: The server's name for the request, to quote to its support.
    request_id: ForeignId | None = None
    #: The lead's text tries to steer a model.
    injection_suspected: bool = False
    #: W3C trace id.
    trace_id: Annotated[Word, DETAIL] = ""
    cut: CutFields = ()


def spent_at_most(call: AiCalled) -> int:
    """What a call counts in a budget: its cost, or all it may have cost when that is unknown. Micro-USD."""
    return call.cost_micro_usd if call.cost_micro_usd is not None else call.most_micro_usd or 0
