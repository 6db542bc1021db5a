"""What is kept of a job: answers of every life, each for what it was given to, and whether a replay was cut off."""

from typing import Any

from headrace.events.enrichments import ReplyDecided, StepSkipped
from headrace.events.jobs import JobRequested, JobStarted, JobStepFinished, RedecidedStep, StepAnswer
from streams.jobs.open_job import milliseconds
from streams.jobs.promises import promise_of, withdrawal
from tests.unit.operations.decide.lead_log import Lead, after


def answer(name: str) -> StepAnswer:
    return StepAnswer(
        feature="draft.generate",
        value={"body": name},
        provider="openai",
        model="m",
        prompt_key="draft",
        prompt_version=1,
        prompt_sha256="0",
        words_sha256="0",
    )


def test_answers_of_all_lives_are_kept_the_newest_first() -> None:
    lead = Lead()
    lead.ran(1, 10, {"draft": {}}, draft=(answer("a"), answer("a"), answer("b")))
    lead.redecided(1, "run", RedecidedStep(step="draft", answers=(answer("b"),)))
    found = [one.value["body"] for one in lead.life(1).answers("draft", None)]
    assert found == ["b", "a", "a"]


def test_a_judgement_holds_for_the_draft_it_judged() -> None:
    lead = Lead()
    lead.ran(1, 10, {"draft": {"body": "first"}, "decide_reply": {}}, decide_reply=(answer("of the first"),))
    steps = (RedecidedStep(step="draft", result={"body": "second"}), RedecidedStep(step="decide_reply"))
    lead.redecided(1, "run", *steps)
    life = lead.life(1)
    assert life.answers("decide_reply", "second") == []
    assert [one.value["body"] for one in life.answers("decide_reply", "first")] == ["of the first"]


def test_a_replay_cut_off_before_the_end_of_a_job_is_noticed() -> None:
    lead = Lead()
    lead.ran(1, 10, {"look": {}})
    event: Any = StepSkipped(
        workspace="acme",
        lead_id="l",
        message_id="m1",
        job_id="j1",
        job_type="X",
        step="look",
        receipt_id="r1",
        at=after(10),
        sent_at=after(1),
        received_at=after(1),
        reason="none",
    )
    lead.concluded(1, 10, event)
    assert not lead.life(1).is_half_corrected
    lead.concluded(1, 10, event, correction="run")
    assert lead.life(1).is_half_corrected
    lead.redecided(1, "run", RedecidedStep(step="look"))
    assert not lead.life(1).is_half_corrected
    assert (lead.life(1).generation, lead.life(1).standing) == (2, "succeeded")


def test_a_job_somebody_asked_for_again_is_open() -> None:
    lead = Lead()
    lead.ran(1, 10, {"look": {}})
    lead.take(1, JobRequested, 20, generation=2, due_at=after(20))
    assert lead.life(1).standing == "open"


def test_a_step_that_looked_again_saw_what_was_there_by_then() -> None:
    lead = Lead()
    lead.take(1, JobRequested, 1, due_at=after(1))
    lead.take(1, JobStarted, 10, attempt=1, worker="w")
    lead.take(1, JobStepFinished, 30, step="draft", attempt=1)
    lead.take(1, JobStepFinished, 40, step="decide_reply", attempt=1, saw_at=after(38))
    life = lead.life(1)
    assert life.saw_ms(life.steps["draft"]) == milliseconds(after(10))
    assert life.saw_ms(life.steps["decide_reply"]) == milliseconds(after(38))


def test_a_conclusion_that_was_taken_back_is_still_what_the_step_said() -> None:
    lead = Lead()
    lead.ran(1, 10, {"decide_reply": {"decision": "send_at"}})
    decided = ReplyDecided(
        workspace="acme",
        lead_id="l",
        message_id="m1",
        job_id="j1",
        job_type="X",
        step="decide_reply",
        receipt_id="r1",
        at=after(10),
        sent_at=after(1),
        received_at=after(1),
        draft_id="d",
        channel="sms",
        decision="send_at",
        send_at=after(300),
        threshold=0.9,
        response_mode="AI_AUTO_SEND",
    )
    promise = promise_of(decided)
    assert promise is not None
    lead.concluded(1, 10, decided)
    lead.concluded(1, 60, withdrawal(promise, after(50)))
    assert lead.life(1).conclusions["decide_reply"].event == decided
