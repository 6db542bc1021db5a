"""Jobs decided again: each step sees what it saw, and what is put right is known to whatever came after it."""

from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from headrace.events.enrichments import MessageClassified, StepSkipped
from headrace.events.jobs import StepAnswer
from operations.replay.decide.deciding import DecidedJob, Undecided
from streams.ai import tasks
from streams.ai.answers import Classified
from streams.ai.labels import Label
from streams.ai.questions import Classify, ClassifyFacts
from streams.ai.questions import Lead as Asked
from streams.jobs.context import Context, Profile
from streams.jobs.open_job import milliseconds
from streams.jobs.recorded_answers import words_sha256
from streams.jobs.seen import seen
from streams.jobs.step import Step, StepContext, StepFailed, StepOutcome
from streams.jobs.steps.asking import ask
from streams.jobs.steps.concluding import concluded, skipped
from streams.jobs.steps.suppressing import suppression
from tests.unit.operations.decide.lead_log import Lead, after, envelope


async def _look(context: StepContext) -> StepOutcome:
    """Says what it sees."""
    job = context.job
    return skipped(context, "look", f"{'|'.join(m.text for m in job.conversation)} {job.label} {job.suppressed_reason}")


async def _label(context: StepContext) -> StepOutcome:
    """Labels as the text says."""
    text = context.job.message.text
    if text == "fail":
        raise StepFailed("told to", "transient")
    also = suppression(context.job, "rule", opt_out=True, bounce=False) if text == "stop" else ()
    label = "Blacklist" if also else text
    return concluded(context, "label", MessageClassified, label=label, confidence=1.0, also=also)


async def _ask(context: StepContext) -> StepOutcome:
    """Labels as the model says."""
    lead = Asked(text=context.job.message.text)
    answer = await ask(context, tasks.classify, Classify(facts=ClassifyFacts(channel="sms"), lead=lead))
    return concluded(context, "ask", MessageClassified, label=answer.value.label, confidence=1.0)


LOOK, LABEL, ASK = Step("look", _look), Step("label", _label), Step("ask", _ask)


async def recorded(lead: Lead, number: int, seconds: float, saw: str) -> None:
    """The job of a message looked, and said that it saw this."""
    lead.ran(number, seconds, {"look": {}})
    lead.concluded(number, seconds, event_of(lead, number, seconds, StepSkipped, step="look", reason=saw))
    # The step's own result says it was skipped, as a worker's does.
    known = lead.life(number).steps["look"]
    lead.life(number).steps["look"] = type(known)(run=known.run, at=known.at, result={}, skipped=saw)


def event_of(lead: Lead, number: int, seconds: float, kind: type[Any], **fields: Any) -> Any:
    message = lead.story.message(f"m{number}")
    assert message is not None
    about = {"workspace": "acme", "lead_id": "l", "message_id": message.message_id, "job_id": f"j{number}"}
    return kind(
        **about,
        job_type="SMS_INBOUND_POST_PROCESS",
        receipt_id=message.receipt_id,
        at=after(seconds),
        sent_at=message.sent_at,
        received_at=message.received_at,
        **fields,
    )


def labelled(lead: Lead, number: int, seconds: float, label: str) -> None:
    lead.ran(number, seconds, {"label": {}})
    event = event_of(lead, number, seconds, MessageClassified, step="label", label=label, confidence=1.0)
    lead.concluded(number, seconds, event)


def said(job: DecidedJob) -> str:
    event: Any = job.steps[-1].conclusion
    return str(event.reason if isinstance(event, StepSkipped) else event.label)


async def one(lead: Lead, *steps: Step, **options: Any) -> DecidedJob:
    (found,) = (await lead.deciding(lead.job(1, *steps), **options).run()).decided
    return found


async def test_what_came_after_the_step_is_not_seen() -> None:
    lead = Lead()
    lead.message(1, "one")
    await recorded(lead, 1, 50, "one None None")
    lead.message(100, "two")
    lead.suppression(100)
    found = await one(lead, LOOK)
    assert (said(found), found.is_written) == ("one None None", False)


async def test_a_corrected_text_is_seen_in_its_place() -> None:
    lead = Lead()
    lead.message(1, "misread")
    await recorded(lead, 1, 50, "misread None None")
    lead.message(1, "well read", correction="run")
    found = await one(lead, LOOK)
    assert said(found) == "well read None None"
    assert [change.field for change in found.steps[0].changes] == ["look.reason", "look.skipped"]


@pytest.mark.parametrize(("seconds", "is_written"), [(49, False), (40, True)])
async def test_what_was_written_a_moment_before_may_not_have_been_seen(seconds: int, is_written: bool) -> None:
    lead = Lead()
    lead.message(1, "one")
    lead.message(seconds, "two")
    await recorded(lead, 1, 50, "one None None")
    found = await one(lead, LOOK)
    assert found.is_written is is_written


async def sign_of(lead: Lead) -> str:
    """What a worker writes down of what the step of message 1 sees now."""
    signs: list[str] = []

    async def look(context: StepContext) -> StepOutcome:
        signs.append(seen(context.job))
        return StepOutcome()

    await lead.deciding(lead.job(1, Step("look", look))).run()
    return signs[0]


@pytest.mark.parametrize("lag", [10, 600])
async def test_a_sign_of_what_it_saw_tells_however_far_its_worker_was_behind(lag: int) -> None:
    lead = Lead()
    lead.message(1, "one")
    await recorded(lead, 1, 2_000, "one None None")
    sign = await sign_of(lead)
    lead.message(2_000 - lag, "two")
    lead.message(2_001 - lag, "three")
    lead.suppression(2_002 - lag)
    assert (await one(lead, LOOK)).is_written, "without the sign nobody can tell"
    lead.life(1).steps["look"] = replace(lead.life(1).steps["look"], saw=sign)
    found = await one(lead, LOOK)
    assert (said(found), found.is_written, found.is_guess) == ("one None None", False, False)


async def test_what_a_replay_found_is_seen_by_a_step_that_has_a_sign_without_it() -> None:
    lead = Lead()
    lead.message(1, "one")
    await recorded(lead, 1, 50, "one None None")
    lead.life(1).steps["look"] = replace(lead.life(1).steps["look"], saw=await sign_of(lead))
    found = lead.suppression(40, correction="run")
    decided = await one(lead, LOOK)
    assert (said(decided), decided.is_guess) == (f"one None {found.reason}", False)


async def test_a_change_says_whether_it_rests_on_a_guess() -> None:
    lead = Lead()
    lead.message(1, "one")
    await recorded(lead, 1, 50, "something else")
    assert (await one(lead, LOOK)).is_guess
    lead.life(1).steps["look"] = replace(lead.life(1).steps["look"], saw=await sign_of(lead))
    found = await one(lead, LOOK)
    assert (found.is_written, found.is_guess) == (True, False), "the code says otherwise than it did"


async def test_a_corrected_label_is_known_to_what_came_after_it() -> None:
    lead = Lead()
    lead.message(1, "Interested")
    lead.message(2, "two")
    labelled(lead, 1, 10, "Neutral")
    await recorded(lead, 2, 50, "Interested|two Neutral None")
    first, second = (await lead.deciding(lead.job(1, LABEL), lead.job(2, LOOK)).run()).decided
    assert said(first) == "Interested"
    assert said(second) == "Interested|two Interested None"


async def test_a_job_that_cannot_be_decided_keeps_its_label_for_others() -> None:
    lead = Lead()
    lead.message(1, "fail")
    lead.message(2, "two")
    labelled(lead, 1, 10, "Neutral")
    await recorded(lead, 2, 50, "fail|two Neutral None")
    found = await lead.deciding(lead.job(1, LABEL), lead.job(2, LOOK)).run()
    assert [(one.lacks, one.reason) for one in found.undecided] == [("failed", "told to")]
    assert [job.is_written for job in found.decided] == [False]


async def test_whom_a_decided_job_suppresses_is_suppressed_for_what_came_after_it() -> None:
    lead = Lead()
    lead.message(1, "stop")
    lead.message(2, "two")
    labelled(lead, 1, 10, "Blacklist")
    await recorded(lead, 2, 50, "stop|two Blacklist None")
    first, second = (await lead.deciding(lead.job(1, LABEL), lead.job(2, LOOK)).run()).decided
    assert [one.reason for one in first.suppressions] == ["unsubscribed"]
    assert said(second) == "stop|two Blacklist unsubscribed"


async def test_whom_a_decided_job_suppresses_is_suppressed_however_soon_the_next_one_ran() -> None:
    lead = Lead()
    lead.message(1, "stop")
    lead.message(2, "two")
    labelled(lead, 1, 3, "Neutral")
    await recorded(lead, 2, 4, "stop|two None None")
    _, second = (await lead.deciding(lead.job(1, LABEL), lead.job(2, LOOK)).run()).decided
    assert said(second) == "stop|two Blacklist unsubscribed"
    assert second.is_written


async def test_a_suppression_of_that_time_may_not_have_been_seen_when_its_job_is_decided_again() -> None:
    lead = Lead()
    lead.message(1, "stop")
    lead.message(2, "two")
    lead.ran(1, 3, {"label": {}})
    (first,) = (await lead.deciding(lead.job(1, LABEL)).run()).decided
    lead.concluded(1, 3, first.steps[0].conclusion)
    lead.story.tell(first.suppressions[0], envelope(source="/jobs/w"), milliseconds(after(3.5)))
    await recorded(lead, 2, 4, "stop|two None None")
    found = (await lead.deciding(lead.job(1, LABEL), lead.job(2, LOOK)).run()).decided
    assert [job.suppressions for job in found] == [(), ()]
    assert (said(found[1]), found[1].is_written) == ("stop|two None None", False)


async def test_nobody_is_asked_for_what_was_answered_and_nothing_is_concluded_without_an_answer() -> None:
    lead = Lead()
    lead.message(1, "hello")
    lead.ran(1, 10, {"ask": {}}, ask=(answer("hello", "Neutral"),))
    assert said(await one(lead, ASK)) == "Neutral"
    lead.message(1, "other words", correction="run")
    (missing,) = (await lead.deciding(lead.job(1, ASK)).run()).undecided
    assert (missing.step, missing.lacks, missing.reason) == ("ask", "answer", "sentiment.classify")


def answer(words: str, label: Label) -> StepAnswer:
    value = Classified(
        label=label, opt_out=False, bounce=False, contains_phone=None, proposed_time=False, confidence=0.9
    )
    return StepAnswer(
        feature="sentiment.classify",
        value=value.model_dump(),
        provider="openai",
        model="m",
        prompt_key="classify",
        prompt_version=1,
        prompt_sha256="0",
        words_sha256=words_sha256(Asked(text=words)),
    )


async def test_the_workspace_is_the_one_of_that_moment() -> None:
    lead = Lead()
    lead.message(1, "one")
    await recorded(lead, 1, 50, "one None None")
    asked: list[tuple[str, int]] = []

    def nobody(workspace: str, moment_ms: int) -> Profile | None:
        asked.append((workspace, moment_ms))
        return None

    (missing,) = (await lead.deciding(lead.job(1, LOOK), profile=nobody).run()).undecided
    assert missing == Undecided(message_id="m1", job_id="j1", step="look", lacks="settings", reason="acme")
    assert asked[0] == ("acme", round(after(50).timestamp() * 1000))


async def test_now_is_when_the_step_was_concluded() -> None:
    seen: list[datetime] = []

    async def clock(context: Context) -> StepOutcome:
        seen.append(context.now)
        return StepOutcome()

    lead = Lead()
    lead.message(1, "one")
    await recorded(lead, 1, 50, "one None None")
    await one(lead, Step("look", clock))  # type: ignore[arg-type]
    assert set(seen) == {after(50)}
